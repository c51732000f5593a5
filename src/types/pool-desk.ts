// The place in a worker's process where its work is done. The manager calls it as it calls what any
// client lends, so arguments and results are those of every call: data, proxies, functions.

import { UsageError } from '../base/errors';
import { type ResolvedModule, loadExport } from '../process/modules';
import { RunningCall, currentCaller, runAs } from '../session/current-call';
import { type Arguments } from './pool-job';

type Task = (...args: Arguments) => unknown;

/** What the manager has of a desk. Functions: an instance lends no client over a network. */
export interface DeskCalls {
  readonly initialize: (initializer: ResolvedModule, args: Arguments) => Promise<void>;
  readonly run: (module: ResolvedModule, calls: readonly Arguments[]) => Promise<unknown[]>;
  readonly abort: (reason: unknown) => void;
}

export class Desk {
  readonly #tasks = new Map<string, Promise<Task>>();
  #running: RunningCall | undefined;

  get calls(): DeskCalls {
    return {
      initialize: (initializer, args) => this.initialize(initializer, args),
      run: (module, calls) => this.run(module, calls),
      abort: (reason) => {
        this.abort(reason);
      },
    };
  }

  async initialize(initializer: ResolvedModule, args: Arguments): Promise<void> {
    const run = await this.#load(initializer);
    await run(...args);
  }

  /** The task applied to each of `calls`, one after another; the first error ends it. */
  async run(module: ResolvedModule, calls: readonly Arguments[]): Promise<unknown[]> {
    const running = new RunningCall(currentCaller());
    this.#running = running;
    try {
      const task = await this.#load(module);
      const results: unknown[] = [];
      for (const args of calls) {
        running.signal.throwIfAborted();
        results.push(await runAs(running, () => task(...args)));
      }
      return results;
    } finally {
      this.#running = undefined;
    }
  }

  /** Nobody waits for what is running. */
  abort(reason: unknown): void {
    this.#running?.abort(reason);
  }

  /** Once for each task, however often it runs. */
  #load(module: ResolvedModule): Promise<Task> {
    const name = nameOf(module);
    let task = this.#tasks.get(name);
    if (task === undefined) this.#tasks.set(name, (task = loadTask(module)));
    return task;
  }
}

async function loadTask(module: ResolvedModule): Promise<Task> {
  const task = await loadExport(module);
  if (typeof task === 'function') return task as Task;
  throw new UsageError(`Cannot run ${nameOf(module)}: it is not a function`);
}

/** `"square" of file:///…/tasks.js`, for errors. */
export function nameOf({ url, exportName }: ResolvedModule): string {
  return `"${exportName}" of ${url}`;
}
