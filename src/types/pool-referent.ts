// A pool in its manager: works wait in a queue, workers are idle or have one work, and whatever
// changes that gives the first work to the first worker that is idle.
//
// Rule 1: a work is in the queue, or in the table of those that run, or is over.
// Rule 2: a worker that ended is replaced by another while there is anything to come.
// Rule 3: a worker that cannot start breaks the pool: another one could not either.

import { availableParallelism } from 'node:os';
import { inspect } from 'node:util';
import { ConnectionLostError, ProcessDiedError, UsageError, messageOf } from '../base/errors';
import { deferred } from '../base/deferred';
import { type ResolvedModule } from '../process/modules';
import { AsyncResultReferent } from './async-result';
import { FeedReferent } from './pool-feed';
import { type Arguments, type Dispatcher, Job, Work, cut, waitFor } from './pool-job';
import { PoolWorker, canLoadUntold } from './pool-worker';
import { type Home } from './shared-type';

/** Python's: works are so many for each worker that none waits long for the last of another. */
const WORKS_PER_WORKER = 4;

/** What a pool is told when it is made. */
export interface PoolConfig {
  readonly initializer?: ResolvedModule | undefined;
  readonly initargs?: Arguments | undefined;
  readonly maxTasksPerChild?: number | undefined;
}

type Callback = (value: unknown) => unknown;

export class PoolReferent implements Dispatcher {
  readonly #home: Home;
  readonly #size: number;
  readonly #config: PoolConfig;
  readonly #workers = new Set<PoolWorker>();
  readonly #idle = new Set<PoolWorker>();
  readonly #queue = new Set<Work>();
  readonly #running = new Map<Work, PoolWorker>();
  /** Those from which works may still come. */
  readonly #feeds = new Set<object>();
  readonly #ended = deferred<undefined>();
  /** TypeScript that tasks came from: workers from then on are forked with a loader. */
  readonly #modules: string[];
  #state: 'running' | 'closed' | 'terminated' = 'running';
  /** Why it broke. */
  #failure: ProcessDiedError | undefined;

  constructor(home: Home | undefined, processes = availableParallelism(), config: PoolConfig = {}) {
    if (!isPositive(processes)) throw new UsageError('A pool has a whole number of processes >= 1');
    if (home === undefined) throw new UsageError('A pool needs a manager that others can reach');
    this.#home = home;
    this.#size = processes;
    this.#config = config;
    const { initializer } = config;
    if (initializer !== undefined) home.requireCode(initializer.url);
    const modules = initializer === undefined ? home.types : [...home.types, initializer];
    this.#modules = modules.map(({ url }) => url);
    this.#hire();
  }

  // ---- what is asked of it ---------------------------------------------------------------------

  async apply(task: ResolvedModule, args: Arguments, timeoutMs?: number): Promise<unknown> {
    const [result] = await this.#wait(new Job(this, [new Work(task, [args])]), timeoutMs);
    return result;
  }

  map(
    task: ResolvedModule,
    calls: readonly Arguments[],
    chunkSize?: number,
    timeoutMs?: number,
  ): Promise<unknown[]> {
    return this.#wait(this.#mapped(task, calls, chunkSize), timeoutMs);
  }

  applyAsync(
    task: ResolvedModule,
    args: Arguments,
    callback?: Callback,
    errorCallback?: Callback,
  ): AsyncResultReferent {
    const { results } = new Job(this, [new Work(task, [args])]);
    return this.#told(
      results.then(([result]) => result),
      callback,
      errorCallback,
    );
  }

  mapAsync(
    task: ResolvedModule,
    calls: readonly Arguments[],
    chunkSize?: number,
    callback?: Callback,
    errorCallback?: Callback,
  ): AsyncResultReferent {
    return this.#told(this.#mapped(task, calls, chunkSize).results, callback, errorCallback);
  }

  /** What takes arguments and gives results, and how many arguments are to be ahead of the results. */
  _feed(
    task: ResolvedModule,
    chunkSize: number,
    ordered: boolean,
  ): [feed: FeedReferent, ahead: number] {
    this.#requireRunning();
    const ahead = this.#size * WORKS_PER_WORKER * chunkSize;
    const feed = new FeedReferent(this, task, { chunkSize, ordered });
    this.#feeds.add(feed);
    return [feed, ahead];
  }

  /** From now on it takes no work; it ends when what it has is done. */
  close(): void {
    if (this.#state !== 'running') return;
    this.#state = 'closed';
    this.#dispatch();
  }

  /** Ends it at once. */
  terminate(): void {
    if (this.#state === 'terminated') return;
    const text = 'The pool was terminated before the task was done';
    this.#end(new ProcessDiedError(text, { signal: 'SIGTERM' }));
  }

  /** Resolves when its last process has ended. */
  async join(timeoutMs?: number): Promise<void> {
    if (this.#state === 'running') {
      throw new UsageError(
        'Cannot join the pool: it is running; call close() or terminate() first',
      );
    }
    await waitFor(this.#ended.promise, timeoutMs);
  }

  /** With its last reference, and at the end of the manager. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate();
    await this.#ended.promise;
  }

  [inspect.custom](): string {
    const counts = [
      `${String(this.#workers.size)} workers`,
      `${String(this.#running.size)} running`,
      `${String(this.#queue.size)} queued`,
    ];
    return `<Pool: ${counts.join(', ')}>`;
  }

  // ---- jobs ------------------------------------------------------------------------------------

  #mapped(task: ResolvedModule, calls: readonly Arguments[], chunkSize?: number): Job {
    const fair = Math.max(1, Math.ceil(calls.length / (this.#size * WORKS_PER_WORKER)));
    return new Job(this, cut(task, calls, chunkSize ?? fair));
  }

  /** A caller that gives up, or is gone, takes its job along. */
  #wait(job: Job, timeoutMs: number | undefined): Promise<unknown[]> {
    const results = waitFor(job.results, timeoutMs);
    results.catch((reason: unknown) => {
      job.drop(reason);
    });
    return results;
  }

  /** A result is there when its callback has run, as in Python. */
  #told(
    result: Promise<unknown>,
    callback: Callback | undefined,
    errorCallback: Callback | undefined,
  ): AsyncResultReferent {
    const told = result.then(
      async (value) => {
        await callBack(callback, value);
        return value;
      },
      async (error: unknown) => {
        await callBack(errorCallback, error);
        throw error;
      },
    );
    return new AsyncResultReferent(told);
  }

  submit(works: readonly Work[], feed?: object): void {
    if (feed === undefined || !this.#feeds.has(feed)) this.#requireRunning();
    if (works[0] !== undefined) this.#requireLoadable(works[0].task);
    for (const work of works) this.#queue.add(work);
    this.#dispatch();
  }

  drop(work: Work, reason: unknown): void {
    this.#queue.delete(work);
    work.fail(reason);
    this.#running.get(work)?.abort(reason);
  }

  fed(feed: object): void {
    this.#feeds.delete(feed);
    this.#dispatch();
  }

  #requireLoadable({ url }: ResolvedModule): void {
    this.#home.requireCode(url);
    canLoadUntold(url); // throws where a loader is missing
  }

  #requireRunning(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#state === 'running') return;
    throw new UsageError(`The pool is not running: it was ${this.#state}`);
  }

  // ---- workers ---------------------------------------------------------------------------------

  get #expectsMore(): boolean {
    if (this.#state !== 'closed') return this.#state === 'running';
    return this.#queue.size > 0 || this.#feeds.size > 0;
  }

  #dispatch(): void {
    for (const work of this.#queue) {
      const worker = this.#idleFor(work.task.url);
      if (worker === undefined) return;
      this.#queue.delete(work);
      void this.#give(worker, work);
    }
    if (!this.#expectsMore) for (const worker of this.#idle) worker.retire();
  }

  /** The first that is idle; one that cannot load the task makes room for another that can. */
  #idleFor(url: string): PoolWorker | undefined {
    for (const worker of this.#idle) {
      this.#idle.delete(worker);
      if (worker.canLoad(url)) return worker;
      if (!this.#modules.includes(url)) this.#modules.push(url);
      worker.retire();
    }
    return undefined;
  }

  async #give(worker: PoolWorker, work: Work): Promise<void> {
    this.#running.set(work, worker);
    try {
      work.succeed(await worker.run(work));
    } catch (error) {
      work.fail(error);
    }
    this.#running.delete(work);
    if (worker.runs === this.#config.maxTasksPerChild) worker.retire();
    else this.#rest(worker);
  }

  #rest(worker: PoolWorker): void {
    if (worker.exit !== undefined || this.#state === 'terminated') return;
    this.#idle.add(worker);
    this.#dispatch();
  }

  /** As many workers as there have to be. */
  #hire(): void {
    while (this.#workers.size < this.#size) {
      const worker = new PoolWorker(this.#home, this.#modules.slice());
      this.#workers.add(worker);
      void worker.exited.then(() => {
        this.#left(worker);
      });
      void this.#welcome(worker);
    }
  }

  async #welcome(worker: PoolWorker): Promise<void> {
    const { initializer, initargs = [] } = this.#config;
    try {
      await worker.prepare(initializer, initargs);
      this.#rest(worker);
    } catch (cause) {
      this.#break(cause);
    }
  }

  #left(worker: PoolWorker): void {
    this.#workers.delete(worker);
    this.#idle.delete(worker);
    try {
      if (this.#expectsMore) this.#hire();
    } catch (cause) {
      this.#break(cause);
    }
    if (this.#workers.size === 0) this.#ended.resolve(undefined);
  }

  #break(cause: unknown): void {
    if (this.#state === 'terminated') return; // it is we who ended the worker
    this.#failure = new ProcessDiedError(`The pool is broken: ${messageOf(cause)}`, { cause });
    this.#end(this.#failure);
  }

  #end(reason: ProcessDiedError): void {
    this.#state = 'terminated';
    for (const work of [...this.#queue, ...this.#running.keys()]) work.fail(reason);
    this.#queue.clear();
    this.#feeds.clear();
    for (const worker of this.#workers) {
      if (this.#idle.has(worker)) worker.retire();
      else worker.kill();
    }
  }
}

function isPositive(count: unknown): boolean {
  return Number.isSafeInteger(count) && Number(count) >= 1;
}

/** Whose callback it is may be gone: that is no fault. */
async function callBack(callback: Callback | undefined, value: unknown): Promise<void> {
  try {
    await callback?.(value);
  } catch (error) {
    if (error instanceof ConnectionLostError) return;
    process.emitWarning(`A callback of a pool failed: ${messageOf(error)}`, 'ReferentWarning');
  }
}
