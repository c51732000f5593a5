// A task's own thread: as its own process, but that it shares memory and ends with this one.

import { Worker } from 'node:worker_threads';
import { deferred } from '../base/deferred';
import { getProcessName } from '../log/names';
import { requireEntry, threadArguments } from '../process/child';
import { ENTRY } from './task-process';
import { type End, type Vessel, type VesselOptions, configFor, expectHello } from './vessel';

export class TaskThread implements Vessel {
  readonly pid = undefined;
  readonly logged: Promise<void> | undefined;
  readonly #worker: Worker;
  readonly #ended = deferred<End>();
  #failure: Error | undefined;
  #uncaught: unknown;

  constructor(options: VesselOptions) {
    requireEntry(ENTRY, 'a task');
    this.#worker = makeWorker(options);
    const names = { process: getProcessName(), thread: options.name };
    this.logged = options.target?.follow(this.#worker, names);
    const heard = expectHello(`Thread "${options.name}"`, (failure) => {
      this.#failure = failure;
      this.kill();
    });
    this.#worker.once('message', () => {
      heard();
      this.#worker.postMessage(configFor(options));
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

function makeWorker({ name, modules, env, execArgv = [], target }: VesselOptions): Worker {
  return new Worker(ENTRY, {
    name,
    stdout: target !== undefined,
    stderr: target !== undefined,
    execArgv: [...execArgv, ...threadArguments(ENTRY, modules)],
    ...(env === undefined ? {} : { env }),
  });
}
