// A task that was spawned, as its parent sees it. It comes to an outcome once: its result, its own
// error, or the end of what it ran in. What it ran in ends when the parent has the outcome.

import { deferred } from '../base/deferred';
import {
  ConnectionLostError,
  ProcessDiedError,
  SerializationError,
  UsageError,
} from '../base/errors';
import { ENDING, type Ending, type Exit, describeExit } from '../process/child';
import { LazyPromise } from '../proxy/lazy-promise';
import { type Loose, type Remote } from '../proxy/remote-types';
import { type Whereabouts, remoteOf } from './child-name';
import { type Desk, type Order, type Outcome } from './desk';
import type { Except } from './except';
import { ledgerOf } from './except';
import { type PackedArguments } from './parcel';
import { type JoinOptions, type SpawnSettings, resolveJoinOptions } from './spawn-options';
import { type TravellingTask } from './task';
import { TaskStream } from './task-stream';
import { type End, type Vessel } from './vessel';

/** Before a child that does not end by itself is ended, and between two signals. */
const KILL_STEP_MS = 1000;

/** What a task was started with. */
export interface Launch {
  readonly name: string;
  readonly task: TravellingTask;
  readonly packed: PackedArguments;
  readonly vessel: Vessel;
  /** Of what it runs in, once that has come. */
  readonly desk: Promise<Desk>;
  readonly errors: Except;
  readonly settings: SpawnSettings;
}

export class Spawned<R> implements AsyncDisposable, Ending {
  readonly name: string;
  /** What was thrown in it, and what it has kept itself. */
  readonly errors: Except;
  readonly #launch: Launch;
  readonly #vessel: Vessel;
  readonly #result = deferred<unknown>();
  readonly #source = deferred<Source>();
  readonly #stream = new TaskStream<unknown>(this.#source.promise);
  /** Resolves with the outcome known and all of it gone. */
  readonly #over: Promise<unknown>;
  readonly #records = new Map<number, Error>();
  #isStreamed = false;
  #isSettled = false;
  /** Somebody has waited for the result, and so has the error. */
  #isAwaited = false;
  /** Whoever has it ended is not told again. */
  #isGivenUp = false;
  #value: R | undefined;
  #end: End | undefined;

  /** Made by `spawn()`. */
  constructor(launch: Launch) {
    const { name, errors, vessel, settings } = launch;
    this.name = name;
    this.errors = errors;
    this.#launch = launch;
    this.#vessel = vessel;
    // Its failure is told by join(), or to whoever waits for it.
    this.#result.promise.then(() => {
      this.#hasNoStream();
    }, this.#source.reject);
    const ended = vessel.ended.then((end) => {
      this.#end = end;
      launch.packed.release();
    });
    this.#over = Promise.allSettled([this.#result.promise, ended, vessel.logged]);
    vessel.keepAlive(!settings.unref);
    this.#watch(settings.signal);
    void this.#run();
  }

  /** Of the process; that of this one where the task runs in it, and undefined for a thread. */
  get pid(): number | undefined {
    return this.#vessel.pid;
  }
  /** Null while it runs, and where a signal has ended it. */
  get exitCode(): number | null {
    return this.#end?.code ?? null;
  }
  get signal(): NodeJS.Signals | null {
    return this.#end?.signal ?? null;
  }

  /** For `ready()`: how what it runs in has ended. */
  get [ENDING](): Promise<Exit> {
    return this.#vessel.ended;
  }

  /**
   * What the task answers; of a generator what it returns in the end. Rejects with the task's error,
   * or with `ProcessDiedError`; that nobody looks at it is no fault.
   */
  get result(): Promise<R> {
    return new LazyPromise(() => {
      if (!this.#isStreamed) void this.#stream.drain(); // nobody else will
      this.#isAwaited = true;
      return this.#result.promise as Promise<R>;
    });
  }

  /** The result where it is there already. */
  peek(): R | undefined {
    return this.#value;
  }

  /** What a generator yields: it runs as far as somebody reads, and is closed by whoever leaves. */
  stream<T = unknown>(): AsyncIterableIterator<T> {
    this.#isStreamed = true;
    return this.#stream as AsyncIterableIterator<T>;
  }

  /** What it exposes under that name: late bound. Wait with `ready(remote, { process: spawned })`. */
  remote<T = Loose>(name: string): Remote<T> {
    const find = (): Promise<Whereabouts> => this.#outlive((desk) => desk.whereabouts());
    return remoteOf({ name, child: this.name, find }) as Remote<T>;
  }

  /**
   * Waits for the end of the task and of what it runs in, and throws what it has thrown; undefined
   * where `timeoutMs` is over before. What a generator has yielded meanwhile is kept for `stream()`.
   */
  async join(options?: JoinOptions): Promise<R | undefined> {
    const { settings } = this.#launch;
    const { timeoutMs = settings.timeoutMs, throws = settings.throws } =
      resolveJoinOptions(options);
    await settings.onJoin?.();
    void this.#stream.drain();
    const isOver = await this.#waitFor(this.#over, timeoutMs);
    if (!isOver) return undefined;
    if (!throws || this.#isGivenUp) return this.#value;
    this.#isAwaited = true;
    return (await this.#result.promise) as R;
  }

  /** Asks it to end, by SIGTERM; a thread is ended where it stands. Resolves when it has. */
  async terminate(): Promise<void> {
    await this.#endBy('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#endBy('SIGKILL');
  }

  /** Aborts the signal of the task (`currentSignal()`), with this reason. */
  abort(reason: unknown = new DOMException('The task was aborted', 'AbortError')): void {
    this.#tellDesk((desk) => desk.abort(reason));
  }

  /** `join()`; the task's error comes before that of the block, unless the block was told of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const isTold = this.#isAwaited || this.#stream.hasThrown;
    await this.join(isTold ? { throws: false } : {});
  }

  // ---- its way ---------------------------------------------------------------------------------

  async #run(): Promise<void> {
    try {
      const outcome = await this.#outlive(async (desk) => await this.#order(desk));
      if (outcome.kind !== 'stream') this.#settle(outcome);
      else this.#source.resolve(this.#sourceOf());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The arguments leave with the call, and what was held for them is given back. */
  #order(desk: Desk): Promise<Outcome> {
    const { task, packed, settings } = this.#launch;
    const ledgers = packed.errors.map((errors) =>
      ledgerOf(errors, (number, error) => {
        if (errors === this.errors) this.#records.set(number, error);
      }),
    );
    const order: Order = { task, parcel: packed.parcel, ledgers, results: settings.results };
    const outcome = desk.run(order);
    if (settings.kind !== 'inline') packed.release(); // there the task itself has them
    return outcome;
  }

  #sourceOf(): Source {
    return {
      next: async () => {
        const outcome = await this.#step((desk) => desk.step());
        return outcome.kind === 'yielded'
          ? { done: false, value: outcome.value }
          : { done: true, value: undefined };
      },
      close: async () => {
        await this.#step((desk) => desk.close());
      },
    };
  }

  /** Throws what the task throws. */
  async #step(call: (desk: Desk) => Promise<Outcome>): Promise<Outcome> {
    try {
      const outcome = await this.#outlive(call);
      if (outcome.kind === 'yielded') return outcome;
      this.#settle(outcome);
      if (outcome.kind === 'failed') throw this.#records.get(outcome.number) as Error;
      return outcome;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** What `call` answers, or `ProcessDiedError`. */
  async #outlive<A>(call: (desk: Desk) => Promise<A>): Promise<A> {
    const { desk, vessel } = this.#launch;
    const died = vessel.ended.then((end) => {
      throw this.#diedOf(end);
    });
    died.catch(() => undefined); // told below, where it comes first
    try {
      return await call(await Promise.race([desk, died]));
    } catch (error) {
      // What the task threw has the stack there; what is thrown here is the end of its session.
      if (!(error instanceof ConnectionLostError) || Object.hasOwn(error, 'remoteStack'))
        throw asResult(this.name, error);
      this.#killLater();
      throw this.#diedOf(await vessel.ended);
    }
  }

  #diedOf({ code, signal, failure, uncaught }: End): Error {
    if (failure !== undefined) return failure;
    const cause = uncaught === undefined ? {} : { cause: uncaught };
    const text = `"${this.name}" ended before its task: ${describeExit({ code, signal })}`;
    return new ProcessDiedError(text, { exitCode: code, signal, ...cause });
  }

  #hasNoStream(): void {
    const text = `"${this.name}" has no stream: its task answered a value; await its result`;
    this.#source.reject(new UsageError(text));
  }

  #settle(outcome: Outcome): void {
    if (outcome.kind === 'failed') this.#fail(this.#records.get(outcome.number));
    if (outcome.kind !== 'returned' || this.#isSettled) return;
    this.#isSettled = true;
    this.#value = outcome.value as R;
    this.#result.resolve(this.#value);
    this.#dismiss();
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    // One that its ledger has sent is there already; one that is not of its types passes.
    const keep = { rethrow: false, once: true };
    this.errors.run(undefined, () => Promise.reject(error as Error), keep).catch(() => undefined);
    this.#result.reject(error);
    this.#dismiss();
  }

  /** We have what we wanted: it may end. */
  #dismiss(): void {
    this.#tellDesk((desk) => desk.leave());
  }

  #tellDesk(tell: (desk: Desk) => Promise<void>): void {
    this.#launch.desk.then(tell).catch(() => undefined); // it has ended
  }

  // ---- its end ---------------------------------------------------------------------------------

  async #endBy(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#end === undefined) {
      this.#isGivenUp ||= !this.#isSettled;
      this.#vessel.kill(signal);
    }
    await this.#waitFor(this.#over, 0);
  }

  /** Whoever waits keeps this process alive. */
  async #waitFor(end: Promise<unknown>, timeoutMs: number): Promise<boolean> {
    this.#vessel.keepAlive(true);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      if (timeoutMs > 0) timer = setTimeout(resolve, timeoutMs, false);
    });
    try {
      return await Promise.race([end.then(() => true), late]);
    } finally {
      clearTimeout(timer);
      this.#vessel.keepAlive(!this.#launch.settings.unref);
    }
  }

  #watch(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const stop = (): void => {
      this.abort(signal.reason);
      this.#fail(signal.reason);
      this.#killLater();
    };
    signal.addEventListener('abort', stop, { once: true });
    void this.#over.then(() => {
      signal.removeEventListener('abort', stop);
    });
  }

  #killLater(): void {
    const kill = (signal: 'SIGTERM' | 'SIGKILL', steps: number): NodeJS.Timeout =>
      setTimeout(() => {
        this.#vessel.kill(signal);
      }, steps * KILL_STEP_MS).unref();
    const timers = [kill('SIGTERM', 1), kill('SIGKILL', 2)];
    void this.#vessel.ended.then(() => {
      for (const timer of timers) clearTimeout(timer);
    });
  }
}

interface Source {
  next(): Promise<IteratorResult<unknown, undefined>>;
  close(): Promise<void>;
}

/** A result that cannot be sent is the task's fault, not that of our own method. */
function asResult(name: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error; // a task may throw anything, undefined too
  const { remoteName, cause } = error as { remoteName?: unknown; cause?: unknown };
  if (remoteName !== SerializationError.name || !(cause instanceof Error)) return error;
  return new SerializationError(`The result of "${name}" cannot be sent: ${cause.message}`, {
    cause,
  });
}
