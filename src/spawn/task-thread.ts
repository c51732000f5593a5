// A task's own thread: as its own process, but that it shares memory and ends with this one.

import { Worker } from 'node:worker_threads';
import { deferred } from '../base/deferred';
import { requireEntry, threadArguments } from '../process/child';
import { ENTRY } from './task-process';
import { type ChildConfig, type End, type Vessel, type VesselOptions, expectHello } from './vessel';

export class TaskThread implements Vessel {
  readonly pid = undefined;
  readonly #options: VesselOptions;
  readonly #worker: Worker;
  readonly #ended = deferred<End>();
  #failure: Error | undefined;
  #uncaught: unknown;

  constructor(options: VesselOptions) {
    requireEntry(ENTRY, 'a task');
    this.#options = options;
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

  begin(seat: object): void {
    const { name, memories } = this.#options;
    const config: ChildConfig = { name, seat, memories };
    this.#worker.postMessage(config);
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
