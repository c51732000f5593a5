// The way of imap: a feed in the manager takes arguments and gives results as they come; the
// iterator here reads the arguments that it sends, and never more of them ahead than the feed asks
// for, so that an endless generator can be mapped.

import { UsageError, rethrow } from '../base/errors';
import { BaseProxy } from '../proxy/base-proxy';
import { type ResolvedModule } from '../process/modules';
import { type Arguments, type Dispatcher, type Work, cut } from './pool-job';
import { type SharedType } from './shared-type';
import { Wait } from './wait';

export class FeedReferent {
  readonly #pool: Dispatcher;
  readonly #task: ResolvedModule;
  readonly #options: { readonly chunkSize: number; readonly ordered: boolean };
  /** In the order of their arguments. */
  readonly #works = new Set<Work>();
  #ready: unknown[] = [];
  #failure: { readonly error: unknown } | undefined;
  #waiting: Wait<unknown[]> | undefined;

  constructor(
    pool: Dispatcher,
    task: ResolvedModule,
    options: { readonly chunkSize: number; readonly ordered: boolean },
  ) {
    this.#pool = pool;
    this.#task = task;
    this.#options = options;
  }

  /**
   * Takes more arguments, `last` of all or not, and answers what has come: nothing only where
   * nothing is to come.
   */
  next(calls: readonly Arguments[], last: boolean): unknown[] | Promise<unknown[]> {
    if (this.#waiting !== undefined) throw new UsageError('A feed has one who takes from it');
    this.#submit(calls);
    if (last) this.#pool.fed(this);
    if (this.#hasAnswer()) return this.#take();
    const wait = new Wait<unknown[]>(() => (this.#waiting = undefined));
    this.#waiting = wait;
    return wait.promise;
  }

  /** Nobody takes the results: what has not started does not start. */
  [Symbol.dispose](): void {
    const reason = new DOMException('Nobody takes the results any more', 'AbortError');
    for (const work of this.#works) this.#pool.drop(work, reason);
    this.#works.clear();
    this.#pool.fed(this);
  }

  #submit(calls: readonly Arguments[]): void {
    if (calls.length === 0) return; // a pool that was closed does not mind
    const works = cut(this.#task, calls, this.#options.chunkSize);
    this.#pool.submit(works, this);
    const ended = (): void => {
      this.#workEnded();
    };
    for (const work of works) {
      this.#works.add(work);
      work.done.then(ended, ended);
    }
  }

  #workEnded(): void {
    for (const work of this.#works) {
      if (work.outcome !== undefined) this.#collect(work);
      else if (this.#options.ordered) break;
    }
    const wait = this.#waiting;
    if (wait === undefined || !this.#hasAnswer()) return;
    this.#waiting = undefined;
    try {
      wait.wake(this.#take());
    } catch (error) {
      wait.fail(error);
    }
  }

  #collect(work: Work): void {
    this.#works.delete(work);
    if (work.outcome?.kind === 'return') {
      for (const result of work.outcome.value as unknown[]) this.#ready.push(result);
      return;
    }
    this.#failure ??= { error: work.outcome?.value };
    this[Symbol.dispose]();
  }

  #hasAnswer(): boolean {
    return this.#ready.length > 0 || this.#failure !== undefined || this.#works.size === 0;
  }

  /** What came before an error is taken before it. */
  #take(): unknown[] {
    if (this.#ready.length === 0 && this.#failure !== undefined) rethrow(this.#failure.error);
    return this.#ready.splice(0);
  }
}

export class FeedProxy extends BaseProxy {
  next(calls: readonly Arguments[], last: boolean): Promise<unknown[]> {
    return this.call('next', [calls, last]) as Promise<unknown[]>;
  }
}

export const feedType: SharedType = {
  typeid: '_feed',
  create: () => {
    throw new UsageError('A feed is made by imap() of a pool');
  },
  referentType: FeedReferent,
  exposed: ['next'],
  proxyType: FeedProxy,
  owned: true,
};

export type Feeding = Promise<readonly [feed: FeedProxy, ahead: number]>;

/** Results of a pool as they come. Arguments are read from the first `next` on. */
export class PoolIterator<R> implements AsyncIterableIterator<R> {
  readonly #feeding: Feeding;
  readonly #items: Iterator<Arguments>;
  /** Arguments whose results have not come. */
  #underWay = 0;
  #results: R[] = [];
  #isOver = false;
  #hasReadAll = false;
  /** What reading the arguments threw: told after the results of those before. */
  #failure: { readonly error: unknown } | undefined;
  /** One `next` after another, also where a caller does not wait. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(feeding: Feeding, items: Iterable<Arguments>) {
    feeding.catch(ignored);
    this.#feeding = feeding;
    this.#items = items[Symbol.iterator]();
  }

  next(): Promise<IteratorResult<R>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** What was not started does not start. */
  return(): Promise<IteratorResult<R>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<R>> {
    if (this.#results.length === 0 && !this.#isOver) await this.#fetch();
    if (this.#results.length > 0) return { done: false, value: this.#results.shift() as R };
    this.#end();
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) rethrow(failure.error);
    return { done: true, value: undefined };
  }

  async #fetch(): Promise<void> {
    try {
      const [feed, ahead] = await this.#feeding;
      const calls = this.#read(ahead - this.#underWay);
      this.#underWay += calls.length;
      if (this.#underWay === 0) return;
      const results = (await feed.next(calls, this.#hasReadAll)) as R[];
      this.#underWay -= results.length;
      if (!this.#isOver) this.#results = results;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Up to `count` more arguments; none after the last. */
  #read(count: number): Arguments[] {
    const calls: Arguments[] = [];
    try {
      while (calls.length < count && !this.#hasReadAll) {
        const step = this.#items.next();
        if (step.done === true) this.#hasReadAll = true;
        else calls.push(step.value);
      }
    } catch (error) {
      this.#hasReadAll = true;
      this.#failure = { error };
    }
    return calls;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#results = [];
    this.#feeding.then(([feed]) => {
      feed[Symbol.dispose]();
    }, ignored);
    if (!this.#hasReadAll) this.#items.return?.();
    this.#hasReadAll = true;
  }
}

/** The first `next` tells it. */
function ignored(): undefined {
  return undefined;
}
