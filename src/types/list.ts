// The shared list. Reads like a JavaScript array (`at` gives undefined out of range), refuses like
// Python's list (`get`, `set`, `delete` and `remove` of what is not there: RangeError).

import { inspect } from 'node:util';
import { LimitError, UsageError } from '../base/errors';
import { BaseProxy, ELEMENTS, type Elements } from '../proxy/base-proxy';
import { type Flow } from '../proxy/flow';
import { lateOf } from '../proxy/late';
import { ELEMENT, type Element, type HasElements } from '../session/elements';
import { equals } from '../session/exposure';
import { type Purpose } from '../session/parties';
import { type Copyable, TO_PLAIN, toPlain } from '../session/plain-copy';
import { kindOf } from '../wire/plain';
import {
  type Chunk,
  type IterationOptions,
  firstChunk,
  iterateAsking,
  iterateChunks,
  mapItems,
} from './chunks';
import { increment } from './increment';
import { itemElement, requireIndex } from './indices';
import { type SharedType } from './shared-type';

/** How often `sort(compare)` starts again because somebody else changed the list meanwhile. */
const SORT_ATTEMPTS = 10;

export class ListReferent implements Copyable, HasElements {
  #items: unknown[];
  /** Grows with each change. */
  #version = 0;

  constructor(items: readonly unknown[] = []) {
    this.#items = items as unknown[];
  }

  length(): number {
    return this.#items.length;
  }
  at(index: number): unknown {
    return this.#items.at(index);
  }
  get(index: number): unknown {
    return this.#items[this.#require(index)];
  }
  set(index: number, value: unknown): void {
    this.#items[this.#require(index)] = value;
    this.#version++;
  }
  push(...items: unknown[]): number {
    this.#version++;
    for (const item of items) this.#items.push(item);
    return this.#items.length;
  }
  pop(): unknown {
    this.#version++;
    return this.#items.pop();
  }
  shift(): unknown {
    this.#version++;
    return this.#items.shift();
  }
  unshift(...items: unknown[]): number {
    this.#version++;
    this.#items = items.concat(this.#items);
    return this.#items.length;
  }
  insert(index: number, value: unknown): void {
    this.#version++;
    this.#items.splice(index, 0, value);
  }
  extend(items: readonly unknown[] | ListReferent): number {
    const more = items instanceof ListReferent ? items.toArray() : arrayOf(items);
    this.#version++;
    for (const item of more) this.#items.push(item);
    return this.#items.length;
  }
  splice(start: number, deleteCount: number | undefined, ...items: unknown[]): unknown[] {
    this.#version++;
    return this.#items.splice(start, deleteCount ?? this.#items.length, ...items);
  }
  slice(start?: number, end?: number): unknown[] {
    return this.#items.slice(start, end);
  }
  remove(value: unknown): void {
    const index = this.indexOf(value);
    if (index === -1) throw new RangeError('Cannot remove a value that is not in the list');
    this.splice(index, 1);
  }
  delete(index: number): unknown {
    return this.splice(this.#require(index), 1)[0];
  }
  includes(value: unknown): boolean {
    return this.indexOf(value) !== -1;
  }
  indexOf(value: unknown, from = 0): number {
    const start = from < 0 ? Math.max(0, this.#items.length + from) : from;
    for (let i = start; i < this.#items.length; i++) if (equals(this.#items[i], value)) return i;
    return -1;
  }
  lastIndexOf(value: unknown, from = -1): number {
    const start = from < 0 ? this.#items.length + from : Math.min(from, this.#items.length - 1);
    for (let i = start; i >= 0; i--) if (equals(this.#items[i], value)) return i;
    return -1;
  }
  count(value: unknown): number {
    return this.#items.filter((item) => equals(item, value)).length;
  }
  reverse(): this {
    this.#version++;
    this.#items.reverse();
    return this;
  }
  /** As `Array.prototype.sort` without a function: by text, undefined last. */
  sort(): this {
    this.#version++;
    this.#items.sort();
    return this;
  }
  increment(index: number, by?: number | bigint): number | bigint {
    const at = this.#require(index);
    const value = increment(this.#items[at], by);
    this.set(at, value);
    return value;
  }
  compareAndSet(index: number, expected: unknown, value: unknown): boolean {
    const at = this.#require(index);
    if (!equals(this.#items[at], expected)) return false;
    this.set(at, value);
    return true;
  }
  fill(value: unknown, start?: number, end?: number): this {
    this.#version++;
    this.#items.fill(value, start, end);
    return this;
  }
  join(separator?: string): string {
    return this.#items.join(separator);
  }
  concat(...items: unknown[]): unknown[] {
    return this.#items.concat(...(items as unknown[][]));
  }
  clear(): void {
    this.#version++;
    this.#items = [];
  }
  toArray(): unknown[] {
    return this.#items.slice();
  }
  /** What a sort by a function of the client needs. */
  _versioned(): [version: number, items: unknown[]] {
    return [this.#version, this.toArray()];
  }
  /** Puts the items into another order, if nothing has changed since `version`. */
  _permute(version: number, order: readonly number[]): boolean {
    if (version !== this.#version) return false;
    const items = this.#items;
    this.#items = order.map((from) => items[from]);
    this.#version++;
    return true;
  }
  _chunk(batch: number): Chunk {
    // A generator and not the array's iterator: `clear` and `unshift` give the list a new array.
    return firstChunk(this.#each(), batch);
  }

  *#each(): Generator<unknown, void, undefined> {
    for (let i = 0; i < this.#items.length; i++) yield this.#items[i];
  }

  #require(index: number): number {
    return requireIndex(index, this.#items.length, 'the list has');
  }

  [ELEMENT](name: string): Element | undefined {
    return itemElement(this, name);
  }

  [Symbol.iterator](): Iterator<unknown> {
    return this.#each();
  }

  [TO_PLAIN](seen: Map<object, unknown>): unknown[] {
    const copy: unknown[] = [];
    seen.set(this, copy);
    for (const item of this.#items) copy.push(toPlain(item, seen));
    return copy;
  }

  [inspect.custom](depth: number, options: object): string {
    return inspect(toPlain(this), { ...options, depth });
  }
}

export class ListProxy<T = unknown> extends BaseProxy implements AsyncIterable<T> {
  /** Asked for when awaited. */
  get length(): Promise<number> {
    return this.property('length') as Promise<number>;
  }
  /** Undefined out of range; negative counts from the end, as everywhere here. */
  at(index: number): Promise<T | undefined> {
    return this.call('at', [index]) as Promise<T | undefined>;
  }
  /** `RangeError` out of range. */
  get(index: number): Promise<T> {
    return this.call('get', [index]) as Promise<T>;
  }
  /** `RangeError` out of range. */
  set(index: number, value: T): Promise<void> {
    return this.call('set', [index, value]) as Promise<void>;
  }
  /** The new length. */
  push(...items: T[]): Promise<number> {
    return this.call('push', items) as Promise<number>;
  }
  pop(): Promise<T | undefined> {
    return this.call('pop', []) as Promise<T | undefined>;
  }
  shift(): Promise<T | undefined> {
    return this.call('shift', []) as Promise<T | undefined>;
  }
  unshift(...items: T[]): Promise<number> {
    return this.call('unshift', items) as Promise<number>;
  }
  insert(index: number, value: T): Promise<void> {
    return this.call('insert', [index, value]) as Promise<void>;
  }
  /** Appends many; from another list of the same manager without coming through here. */
  extend(items: Iterable<T> | ListProxy<T>): Promise<number> {
    return this.flow(() => this.#extend(items));
  }
  splice(start: number, deleteCount?: number, ...items: T[]): Promise<T[]> {
    return this.call('splice', [start, deleteCount, ...items]) as Promise<T[]>;
  }
  slice(start?: number, end?: number): Promise<T[]> {
    return this.call('slice', [start, end]) as Promise<T[]>;
  }
  /** Removes the first equal one; `RangeError` where there is none. */
  remove(value: T): Promise<void> {
    return this.call('remove', [value]) as Promise<void>;
  }
  /** Removes one and answers it; `RangeError` out of range. */
  delete(index: number): Promise<T> {
    return this.call('delete', [index]) as Promise<T>;
  }
  /** Equality is SameValueZero for primitives, deep for plain values, identity for proxies. */
  includes(value: T): Promise<boolean> {
    return this.call('includes', [value]) as Promise<boolean>;
  }
  indexOf(value: T, from?: number): Promise<number> {
    return this.call('indexOf', [value, from]) as Promise<number>;
  }
  lastIndexOf(value: T, from?: number): Promise<number> {
    return this.call('lastIndexOf', [value, from]) as Promise<number>;
  }
  count(value: T): Promise<number> {
    return this.call('count', [value]) as Promise<number>;
  }
  reverse(): Promise<this> {
    return this.call('reverse', []) as Promise<this>;
  }
  /**
   * Without a function as `Array.prototype.sort`, in the manager. With one the items are fetched,
   * compared here and put in order there, again if they changed meanwhile; `LimitError` after 10 times.
   */
  sort(compare?: (a: T, b: T) => number): Promise<this> {
    if (compare === undefined) return this.call('sort', []) as Promise<this>;
    if (typeof (compare as unknown) !== 'function') {
      return this.refuse(new UsageError('A list is sorted by a function, or without one by text'));
    }
    return this.flow(() => this.#sortBy(compare));
  }
  /** Adds in one step; answers the sum. */
  increment(index: number, by?: number | bigint): Promise<number | bigint> {
    return this.call('increment', [index, by]) as Promise<number | bigint>;
  }
  /** Sets if the value there equals `expected`; answers whether it did. */
  compareAndSet(index: number, expected: T, value: T): Promise<boolean> {
    return this.call('compareAndSet', [index, expected, value]) as Promise<boolean>;
  }
  fill(value: T, start?: number, end?: number): Promise<this> {
    return this.call('fill', [value, start, end]) as Promise<this>;
  }
  join(separator?: string): Promise<string> {
    return this.call('join', [separator]) as Promise<string>;
  }
  concat(...items: (T | readonly T[])[]): Promise<T[]> {
    return this.call('concat', items) as Promise<T[]>;
  }
  clear(): Promise<void> {
    return this.call('clear', []) as Promise<void>;
  }
  copy(): Promise<T[]> {
    return this.toArray();
  }
  toArray(): Promise<T[]> {
    return this.call('toArray', []) as Promise<T[]>;
  }
  keys(): AsyncIterableIterator<number> {
    let index = 0;
    const next = (length: number): number | undefined => (index < length ? index++ : undefined);
    return iterateAsking(() => this.length, next, this.isSync);
  }
  values(options?: IterationOptions): AsyncIterableIterator<T> {
    return iterateChunks<T>((batch) => this.call('_chunk', [batch]), options, this.isSync);
  }
  entries(options?: IterationOptions): AsyncIterableIterator<[number, T]> {
    let index = 0;
    const number = (item: T): [number, T] => [index++, item];
    return mapItems(this.values(options), number, this.isSync);
  }
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.values();
  }

  /** An iterable that throws rejects. */
  *#extend(items: Iterable<T> | ListProxy<T>): Flow<number> {
    if (lateOf(items) !== undefined) return yield this.call('extend', [items]); // read there
    if (!(items instanceof ListProxy)) return yield this.call('extend', [arrayOf(items)]);
    return yield this.call('extend', [this.isNear(items) ? items : yield items.toArray()]);
  }

  *#sortBy(compare: (a: T, b: T) => number): Flow<this> {
    for (let attempt = 0; attempt < SORT_ATTEMPTS; attempt++) {
      const [version, items] = (yield this.call('_versioned', [])) as [number, T[]];
      const order = items.map((_item, i) => i);
      order.sort((a, b) => compareLast(compare, items[a] as T, items[b] as T));
      if ((yield this.call('_permute', [version, order])) as boolean) return this;
    }
    throw new LimitError(
      `Cannot sort the list: it changed during each of ${String(SORT_ATTEMPTS)} attempts; hold a lock while sorting`,
    );
  }

  get [ELEMENTS](): Elements {
    return 'index';
  }

  protected override get purpose(): Purpose {
    return 'container';
  }
}

/** As in `Array.prototype.sort`, undefined goes last and is never compared. */
function compareLast<T>(compare: (a: T, b: T) => number, a: T, b: T): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const order: unknown = compare(a, b);
  if (typeof order === 'number') return order;
  throw new UsageError(
    `Cannot sort the list: the function that compares answers no number but ${kindOf(order)}; an async one cannot compare`,
  );
}

const EXPOSED = [
  ...[
    'length',
    'at',
    'get',
    'set',
    'push',
    'pop',
    'shift',
    'unshift',
    'insert',
    'extend',
    'splice',
  ],
  ...[
    'slice',
    'remove',
    'delete',
    'includes',
    'indexOf',
    'lastIndexOf',
    'count',
    'reverse',
    'sort',
  ],
  ...['increment', 'compareAndSet', 'fill', 'join', 'concat', 'clear', 'toArray'],
  ...['_versioned', '_permute', '_chunk', 'Symbol.iterator'],
];

function arrayOf(items: Iterable<unknown>): unknown[] {
  if (typeof (items as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function')
    return [...items];
  throw new TypeError(
    'A list is extended by an array, another iterable, or a shared list; by a name of another manager as await manager.names.get(key)',
  );
}

export const listType: SharedType = {
  typeid: 'list',
  create: (items?: unknown) => new ListReferent(itemsOf(items)),
  referentType: ListReferent,
  exposed: EXPOSED,
  isContainer: true,
  proxyType: ListProxy,
};

function itemsOf(items: unknown): unknown[] {
  if (items === undefined) return [];
  if (Array.isArray(items)) return items as unknown[];
  if (items instanceof ListReferent) return items.toArray();
  if (typeof items === 'object' && items !== null && Symbol.iterator in items)
    return [...(items as Iterable<unknown>)];
  throw new UsageError('A list is made from an iterable');
}
