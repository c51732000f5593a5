// A task's own thread: as its own process, but that it shares memory and ends with this one.

import { Worker } from 'node:worker_threads';
import { deferred } from '../base/deferred';
import { requireEntry, threadArguments } from '../process/child';
import { ENTRY } from './task-process';
import { type ChildConfig, type End, type Vessel, type VesselOptions, expectHello } from './vessel';

export class TaskThread implements Vessel {
  readonly pid = undefined;
  readonly #worker: Worker;
  readonly #ended = deferred<End>();
  #failure: Error | undefined;
  #uncaught: unknown;

  constructor(options: VesselOptions) {
    requireEntry(ENTRY, 'a task');
    this.#worker = makeWorker(options);
    const heard = expectHello(`Thread "${options.name}"`, (failure) => {
      this.#failure = failure;
      this.kill();
    });
    this.#worker.once('message', () => {
      heard();
      const { name, memories, newSeat } = options;
      const config: ChildConfig = { name, seat: newSeat(), memories };
      this.#worker.postMessage(config);
    });
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

function makeWorker({ name, modules, env, execArgv = [] }: VesselOptions): Worker {
  return new Worker(ENTRY, {
    name,
    execArgv: [...execArgv, ...threadArguments(ENTRY, modules)],
    ...(env === undefined ? {} : { env }),
  });
}
