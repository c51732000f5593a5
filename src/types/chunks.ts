// Iteration over a shared container, a chunk for each call. Live between chunks: what changes in
// the container shows in the next one. The last release of the proxy ends the iteration.

import { option, resolveOptions } from '../base/options';
import { BaseProxy } from '../proxy/base-proxy';
import { type Purpose } from '../session/parties';
import { type SharedType } from './shared-type';

const isBatch = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 1;
const ITERATION_RULES = { batch: option(256, isBatch, 'a whole number >= 1') };

export interface IterationOptions {
  /** Items in a call. Default 256. */
  readonly batch?: number | undefined;
}

/** Items, and what gives more of them: absent when these were the last. */
export type Chunk = readonly [items: unknown[], more: object | undefined];

export class ChunkReferent {
  readonly #iterator: Iterator<unknown>;

  constructor(iterator: Iterator<unknown>) {
    this.#iterator = iterator;
  }

  next(batch: number): Chunk {
    if (!isBatch(batch)) throw new RangeError('A chunk has at least one item');
    const items: unknown[] = [];
    while (items.length < batch) {
      const result = this.#iterator.next();
      if (result.done === true) return [items, undefined];
      items.push(result.value);
    }
    return [items, this];
  }
}

/** The first chunk of an iteration. */
export function firstChunk(iterator: Iterator<unknown>, batch: number): Chunk {
  return new ChunkReferent(iterator).next(batch);
}

export class ChunkProxy extends BaseProxy {
  next(batch: number): Promise<Chunk> {
    return this.call('next', [batch]) as Promise<Chunk>;
  }

  protected override get purpose(): Purpose {
    return 'container';
  }
}

export const chunksType: SharedType = {
  typeid: '_chunks',
  create: (iterator: Iterator<unknown>) => new ChunkReferent(iterator),
  referentType: ChunkReferent,
  exposed: ['next'],
  proxyType: ChunkProxy,
  owned: true,
};

/** Iterates over what `first` begins. Leaving the loop gives the server's iterator back. */
export function iterateChunks<T>(
  first: (batch: number) => Promise<unknown>,
  options?: IterationOptions,
): AsyncIterableIterator<T> {
  const { batch } = resolveOptions('an iteration', ITERATION_RULES, options);
  return new ChunkIterator<T>(first, batch);
}

/** By hand and not a generator: a loop of ten thousand items takes one promise for each, not three. */
class ChunkIterator<T> implements AsyncIterableIterator<T> {
  readonly #first: (batch: number) => Promise<unknown>;
  readonly #batch: number;
  #items: T[] = [];
  #at = 0;
  #more: ChunkProxy | undefined;
  #state: 'new' | 'running' | 'done' = 'new';
  /** One `next` after another, also where a caller does not wait. */
  #fetching: Promise<void> | undefined;

  constructor(first: (batch: number) => Promise<unknown>, batch: number) {
    this.#first = first;
    this.#batch = batch;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#at < this.#items.length && this.#fetching === undefined) {
      return Promise.resolve({ done: false, value: this.#items[this.#at++] as T });
    }
    return this.#nextChunk();
  }

  return(): Promise<IteratorResult<T>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #nextChunk(): Promise<IteratorResult<T>> {
    while (this.#fetching !== undefined) await this.#fetching;
    while (this.#at >= this.#items.length) {
      if (this.#state === 'done' || (this.#state === 'running' && this.#more === undefined)) {
        this.#end();
        return { done: true, value: undefined };
      }
      this.#fetching = this.#fetch();
      try {
        await this.#fetching;
      } finally {
        this.#fetching = undefined;
      }
    }
    return { done: false, value: this.#items[this.#at++] as T };
  }

  async #fetch(): Promise<void> {
    const more = this.#more;
    const asked = more === undefined ? this.#first(this.#batch) : more.next(this.#batch);
    try {
      const [items, next] = (await asked) as readonly [T[], ChunkProxy | undefined];
      if (this.#state === 'done') {
        next?.[Symbol.dispose]();
        return;
      }
      this.#state = 'running';
      this.#items = items;
      this.#at = 0;
      if (next === undefined) more?.[Symbol.dispose]();
      this.#more = next;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #end(): void {
    this.#state = 'done';
    this.#items = [];
    this.#at = 0;
    this.#more?.[Symbol.dispose]();
    this.#more = undefined;
  }
}
