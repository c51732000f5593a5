// The proxy of an iterator or generator: one call for each `next`, so that a generator runs only
// as far as somebody asks.

import { BaseProxy } from './base-proxy';
import { type Flow } from './flow';

export class IteratorProxy<T = unknown> extends BaseProxy implements AsyncIterableIterator<T> {
  next(...values: [] | [unknown]): Promise<IteratorResult<T>> {
    return this.flow(() => this.#next(values));
  }

  /** Ends the iterator: its `finally` blocks run. */
  return(value?: unknown): Promise<IteratorResult<T>> {
    return this.flow(() => this.#return(value));
  }

  /** Throws `error` inside the generator, at the `yield` where it waits. */
  throw(error?: unknown): Promise<IteratorResult<T>> {
    return this.call('throw', [error]) as Promise<IteratorResult<T>>;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  *#next(values: [] | [unknown]): Flow<IteratorResult<T>> {
    const result = (yield this.call('next', values)) as IteratorResult<T>;
    if (result.done === true) this[Symbol.dispose]();
    return result;
  }

  *#return(value: unknown): Flow<IteratorResult<T>> {
    try {
      return yield this.call('return', [value]);
    } finally {
      this[Symbol.dispose]();
    }
  }
}
