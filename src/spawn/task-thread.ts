// A task's own thread: as its own process, but that it shares memory and ends with this one.

import { Worker } from 'node:worker_threads';
import { deferred } from '../base/deferred';
import { UsageError } from '../base/errors';
import { requireEntry, threadArguments } from '../process/child';
import { ENTRY } from './task-process';
import { type ChildConfig, type End, type Vessel, type VesselOptions, expectHello } from './vessel';

/** What a thread is given. */
export interface ThreadConfig extends ChildConfig {
  readonly memories: readonly SharedArrayBuffer[];
}

export class TaskThread implements Vessel {
  readonly pid = undefined;
  readonly #worker: Worker;
  readonly #ended = deferred<End>();
  #failure: Error | undefined;
  #uncaught: unknown;

  constructor(options: VesselOptions) {
    requireEntry(ENTRY, 'a task');
    requireNone({ cwd: options.cwd, execPath: options.execPath });
    this.#worker = makeWorker(options);
    const heard = expectHello(`Thread "${options.name}"`, (failure) => {
      this.#failure = failure;
      this.kill();
    });
    this.#worker.once('message', heard);
    this.#worker.once('error', (error) => {
      this.#uncaught = error;
    });
    this.#worker.once('exit', (code) => {
      heard();
      const told = { failure: this.#failure, uncaught: this.#uncaught };
      this.#ended.resolve({ code, signal: null, ...told });
    });
  }

  get ended(): Promise<End> {
    return this.#ended.promise;
  }

  /** In the middle of whatever it does. */
  kill(): void {
    void this.#worker.terminate();
  }

  keepAlive(keep: boolean): void {
    if (keep) this.#worker.ref();
    else this.#worker.unref();
  }
}

function makeWorker({ name, seat, memories, modules, env, execArgv }: VesselOptions): Worker {
  const config: ThreadConfig = { name, seat, memories };
  return new Worker(ENTRY, {
    name,
    workerData: config,
    execArgv: [...(execArgv ?? []), ...threadArguments(ENTRY, modules)],
    ...(env === undefined ? {} : { env }),
  });
}

/** Throws `UsageError` for what a thread shares with its process. */
function requireNone(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    throw new UsageError(`Option "${name}" is for processes: a thread has that of its process`);
  }
}
