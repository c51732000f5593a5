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

/**
 * Iterates over what `first` begins. Leaving the loop gives the server's iterator back. `isSync`: the
 * calls have answered when they return, and the iterator is one for `for … of`.
 */
export function iterateChunks<T>(
  first: (batch: number) => Promise<unknown>,
  options?: IterationOptions,
  isSync = false,
): AsyncIterableIterator<T> {
  const { batch } = resolveOptions('an iteration', ITERATION_RULES, options);
  if (!isSync) return new ChunkIterator<T>(first, batch);
  return iterateSync<T>(first as (batch: number) => unknown, batch) as never;
}

/** The same for what is asked for anew before each item: `next` makes one of the answer, or ends. */
export function iterateAsking<A, T>(
  ask: () => Promise<A>,
  next: (answer: A) => T | undefined,
  isSync: boolean,
): AsyncIterableIterator<T> {
  if (isSync) return askSync(ask as () => unknown as () => A, next) as never;
  return askAsync(ask, next);
}

async function* askAsync<A, T>(
  ask: () => Promise<A>,
  next: (answer: A) => T | undefined,
): AsyncIterableIterator<T> {
  for (let item = next(await ask()); item !== undefined; item = next(await ask())) yield item;
}

function* askSync<A, T>(ask: () => A, next: (answer: A) => T | undefined): Generator<T, undefined> {
  for (let item = next(ask()); item !== undefined; item = next(ask())) yield item;
}

/** What `map` makes of each item. */
export function mapItems<T, U>(
  items: AsyncIterableIterator<T>,
  map: (item: T) => U,
  isSync: boolean,
): AsyncIterableIterator<U> {
  if (isSync) return mapSync(items as unknown as Iterable<T>, map) as never;
  return mapAsync(items, map);
}

async function* mapAsync<T, U>(items: AsyncIterable<T>, map: (item: T) => U): AsyncIterableIterator<U> {
  for await (const item of items) yield map(item);
}

function* mapSync<T, U>(items: Iterable<T>, map: (item: T) => U): Generator<U, undefined> {
  for (const item of items) yield map(item);
}

function* iterateSync<T>(first: (batch: number) => unknown, batch: number): Generator<T, undefined> {
  let [items, more] = first(batch) as SyncChunk<T>;
  try {
    for (;;) {
      yield* items;
      if (more === undefined) return;
      const next = more.next(batch);
      if (next[1] === undefined) more[Symbol.dispose]();
      [items, more] = next;
    }
  } finally {
    more?.[Symbol.dispose]();
  }
}

/** A chunk as a proxy sees it whose calls block. */
type SyncChunk<T> = readonly [
  items: readonly T[],
  more: ({ next(batch: number): SyncChunk<T> } & Disposable) | undefined,
];

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
