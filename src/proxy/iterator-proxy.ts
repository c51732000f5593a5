// The proxy of an iterator or generator: one call for each `next`, so that a generator runs only
// as far as somebody asks.

import { BaseProxy } from './base-proxy';

export class IteratorProxy<T = unknown> extends BaseProxy implements AsyncIterableIterator<T> {
  async next(...values: [] | [unknown]): Promise<IteratorResult<T>> {
    const result = (await this.call('next', values)) as IteratorResult<T>;
    if (result.done === true) this[Symbol.dispose]();
    return result;
  }

  /** Ends the iterator: its `finally` blocks run. */
  async return(value?: unknown): Promise<IteratorResult<T>> {
    try {
      return (await this.call('return', [value])) as IteratorResult<T>;
    } finally {
      this[Symbol.dispose]();
    }
  }

  /** Throws `error` inside the generator, at the `yield` where it waits. */
  async throw(error?: unknown): Promise<IteratorResult<T>> {
    return (await this.call('throw', [error])) as IteratorResult<T>;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
