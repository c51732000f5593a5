// One process of a pool, as the manager sees it. It is told over the channel of its fork where the
// manager is, becomes a client like any other, and takes its seat: from then on the manager calls its
// desk. So what it was given counts as references of its session, and ends with it.

import { type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { extname, join } from 'node:path';
import { ConnectionLostError, ProcessDiedError, UsageError } from '../base/errors';
import { deferred } from '../base/deferred';
import { type ChildLog } from '../log/child-log';
import { openLog } from '../log/log-target';
import { processSink } from '../log/logger-address';
import { type Exit, describeExit, forkAttached, loadsUntold, requireEntry } from '../process/child';
import { type ResolvedModule } from '../process/modules';
import { BaseProxy } from '../proxy/base-proxy';
import { withOptions } from '../proxy/functions';
import { type DeskCalls, nameOf } from './pool-desk';
import { type Arguments, type Work } from './pool-job';
import { type Home, type SharedType } from './shared-type';

const ENTRY = join(__dirname, '..', `pool-entry${extname(__filename)}`);

/** What a worker is told, once. */
export interface WorkerConfig extends Pick<Home, 'key' | 'serializer' | 'tls' | 'types'> {
  readonly address: string;
  readonly seat: string;
  readonly log: ChildLog | undefined;
}

/** Between two signals, the second one stronger; and from a lost connection to the first. */
const KILL_STEP_MS = 1000;

/** Workers that have not come yet, by their seats, which only they know. */
const expected = new Map<string, PoolWorker>();

export class PoolWorker {
  readonly #child: ChildProcess;
  readonly #seat = randomUUID();
  readonly #hasLoader: boolean;
  readonly #seated = deferred<undefined>();
  readonly #exited = deferred<Exit>();
  #desk: DeskCalls | undefined;
  #exit: Exit | undefined;
  #runs = 0;

  /** Forks at once. `modules`: what it may have to load, as far as that is known. */
  constructor(home: Home, modules: readonly string[]) {
    requireEntry(ENTRY, 'a worker');
    this.#hasLoader = !modules.every(canLoadUntold);
    const target = openLog(processSink() !== undefined);
    this.#child = forkAttached(ENTRY, { modules, output: target && 'pipe' });
    void target?.follow(this.#child);
    this.#child.once('exit', (code, signal) => {
      this.#onExit({ code, signal });
    });
    this.#child.on('error', () => {
      if (this.#child.pid === undefined) this.#onExit({ code: null, signal: null });
    });
    expected.set(this.#seat, this);
    const { forChild: log } = target ?? {};
    const config: WorkerConfig = { ...placeOf(home), seat: this.#seat, log };
    this.#child.send(config, () => undefined); // where it is gone, its end tells more
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }
  get exited(): Promise<Exit> {
    return this.#exited.promise;
  }
  /** Works that it was given. */
  get runs(): number {
    return this.#runs;
  }

  /** TypeScript needs a loader, which a process gets at its fork or never. */
  canLoad(url: string): boolean {
    return this.#hasLoader || canLoadUntold(url);
  }

  /** Its process has come. */
  seat({ initialize, run, abort }: DeskCalls): void {
    expected.delete(this.#seat);
    // What a task answers is data and proxies: anything else would end with this process.
    this.#desk = { initialize, run: withOptions(run, { returns: 'copy' }), abort };
    this.#seated.resolve(undefined);
  }

  /** Resolves when it can be given work. */
  async prepare(initializer: ResolvedModule | undefined, args: Arguments): Promise<void> {
    const died = this.exited.then((exit) => {
      throw diedOf(exit, 'before it could be given work');
    });
    await Promise.race([this.#seated.promise, died]);
    if (initializer === undefined) return;
    await this.#outlive(
      (desk) => desk.initialize(initializer, args),
      `while it ran its initializer, ${nameOf(initializer)}`,
    );
  }

  /** A result for each call of `work`; `ProcessDiedError` where it ends before. */
  async run({ task, calls }: Work): Promise<unknown[]> {
    this.#runs++;
    return (await this.#outlive(
      (desk) => desk.run(task, calls),
      `while it ran ${nameOf(task)}`,
    )) as unknown[];
  }

  abort(reason: unknown): void {
    const told = this.#desk?.abort(reason) as Promise<void> | undefined;
    told?.catch(() => undefined); // it ended: so did its task
  }

  /** Ends it where it has nothing to do: it says goodbye, and what it held is given back at once. */
  retire(): void {
    if (!this.#child.connected) return;
    this.#child.disconnect();
    this.#killLater();
  }

  kill(): void {
    if (this.#exit !== undefined) return;
    this.#child.kill('SIGTERM');
    this.#killLater();
  }

  async #outlive(call: (desk: DeskCalls) => Promise<unknown>, when: string): Promise<unknown> {
    if (this.#desk === undefined) throw new UsageError('The worker has not come yet');
    try {
      return await call(this.#desk);
    } catch (error) {
      // What its task threw came with the stack there; what is thrown here is the end of its session.
      if (!(error instanceof ConnectionLostError) || Object.hasOwn(error, 'remoteStack'))
        throw error;
      this.#killLater();
      throw diedOf(await this.exited, when);
    }
  }

  #killLater(): void {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_STEP_MS).unref();
    void this.exited.then(() => {
      clearTimeout(timer);
    });
  }

  #onExit(exit: Exit): void {
    expected.delete(this.#seat);
    this.#exit = exit;
    this.#exited.resolve(exit);
  }
}

/** What a client of its own needs: it trusts the key, and gives the certificate that is asked for. */
function placeOf({
  address,
  key,
  serializer,
  types,
  tls,
}: Home): Omit<WorkerConfig, 'seat' | 'log'> {
  const asks = tls?.ca !== undefined;
  return { address: address(), key, serializer, types, tls: asks ? tls : undefined };
}

/** Without a loader. Throws `UsageError` where one is needed and not installed. */
export function canLoadUntold(url: string): boolean {
  return loadsUntold(ENTRY, url);
}

function diedOf(exit: Exit, when: string): ProcessDiedError {
  const { code, signal } = exit;
  const text = `A worker of the pool ended ${when}: ${describeExit(exit)}`;
  return new ProcessDiedError(text, { exitCode: code, signal });
}

/** Nothing is called through it: a worker makes one to come, and releases it. */
class SeatProxy extends BaseProxy {}

export const seatType: SharedType = {
  typeid: '_seat',
  create: (seat: string, desk: DeskCalls): PoolWorker => {
    const worker = expected.get(seat);
    if (worker === undefined) throw new UsageError('No worker is expected under that name');
    worker.seat(desk);
    return worker;
  },
  referentType: PoolWorker,
  exposed: [],
  proxyType: SeatProxy,
};
