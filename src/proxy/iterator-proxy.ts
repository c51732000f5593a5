// The proxy of an iterator or generator: one call for each `next`, so that a generator runs only
// as far as somebody asks. It gives itself back at the end, and stays used up as any iterator does.

import { BaseProxy } from './base-proxy';
import { type Flow } from './flow';

export class IteratorProxy<T = unknown> extends BaseProxy implements AsyncIterableIterator<T> {
  #ended = false;

  next(...values: [] | [unknown]): Promise<IteratorResult<T>> {
    return this.flow(() => this.#next(values));
  }

  /** Ends the iterator: its `finally` blocks run. */
  return(value?: unknown): Promise<IteratorResult<T>> {
    return this.flow(() => this.#return(value));
  }

  /** Throws `error` inside the generator, at the `yield` where it waits. */
  throw(error?: unknown): Promise<IteratorResult<T>> {
    return this.flow(() => this.#throw(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  *#next(values: [] | [unknown]): Flow<IteratorResult<T>> {
    if (this.#ended) return { done: true, value: undefined };
    return this.#seen((yield this.call('next', values)) as IteratorResult<T>);
  }

  *#return(value: unknown): Flow<IteratorResult<T>> {
    if (this.#ended) return { done: true, value };
    try {
      return yield this.call('return', [value]);
    } finally {
      this.#end();
    }
  }

  *#throw(error: unknown): Flow<IteratorResult<T>> {
    if (this.#ended) throw error;
    return this.#seen((yield this.call('throw', [error])) as IteratorResult<T>);
  }

  #seen(result: IteratorResult<T>): IteratorResult<T> {
    if (result.done === true) this.#end();
    return result;
  }

  #end(): void {
    this.#ended = true;
    this[Symbol.dispose]();
  }
}
