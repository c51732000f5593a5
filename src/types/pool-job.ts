// What a pool has to do. A work is what one worker does in one go: a task applied to each of some
// arguments. A job is what a caller asked for: one or many works, and the results of all in order.

import { deferred } from '../base/deferred';
import { type ResolvedModule } from '../process/modules';
import { type Outcome } from '../session/outcome';
import { Wait, timedOut } from './wait';

/** The arguments of one application of a task. */
export type Arguments = readonly unknown[];

/** Who gets works done. */
export interface Dispatcher {
  /** Throws `UsageError` where it no longer takes any, but from a feed that it had before. */
  submit(works: readonly Work[], feed?: object): void;
  /** From now on nothing comes from that feed. */
  fed(feed: object): void;
  /** Nobody waits for `work` any more: it does not start, or its task's signal aborts. */
  drop(work: Work, reason: unknown): void;
}

export class Work {
  readonly task: ResolvedModule;
  readonly calls: readonly Arguments[];
  readonly #done = deferred<readonly unknown[]>();
  #outcome: Outcome | undefined;

  constructor(task: ResolvedModule, calls: readonly Arguments[]) {
    this.task = task;
    this.calls = calls;
    this.#done.promise.catch(() => undefined); // told by its job
  }

  /** A result for each of the calls. */
  get done(): Promise<readonly unknown[]> {
    return this.#done.promise;
  }
  /** How it ended; undefined until then. */
  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  succeed(results: readonly unknown[]): void {
    this.#outcome ??= { kind: 'return', value: results };
    this.#done.resolve(results);
  }

  fail(error: unknown): void {
    this.#outcome ??= { kind: 'throw', value: error };
    this.#done.reject(error);
  }
}

export class Job {
  readonly #pool: Dispatcher;
  readonly #works: readonly Work[];
  /** The first error ends the job: what has not started is dropped. */
  readonly results: Promise<unknown[]>;

  constructor(pool: Dispatcher, works: readonly Work[]) {
    this.#pool = pool;
    this.#works = works;
    pool.submit(works);
    this.results = Promise.all(works.map(({ done }) => done)).then((chunks) => chunks.flat(1));
    this.results.catch((reason: unknown) => {
      this.drop(reason);
    });
  }

  drop(reason: unknown): void {
    for (const work of this.#works) this.#pool.drop(work, reason);
  }
}

/** `calls` in works of `size`. */
export function cut(task: ResolvedModule, calls: readonly Arguments[], size: number): Work[] {
  const works: Work[] = [];
  for (let at = 0; at < calls.length; at += size) {
    works.push(new Work(task, calls.slice(at, at + size)));
  }
  return works;
}

/** The call that is running waits for `result`; `TimeoutError` after `timeoutMs`. */
export function waitFor<T>(result: Promise<T>, timeoutMs: number | undefined): Promise<T> {
  const wait = new Wait<T>(() => undefined).limit(timeoutMs, () => {
    wait.fail(timedOut('The pool had no result', timeoutMs ?? 0));
  });
  result.then(
    (value) => {
      wait.wake(value);
    },
    (error: unknown) => {
      wait.fail(error);
    },
  );
  return wait.promise;
}
