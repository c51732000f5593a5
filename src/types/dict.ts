// The shared dict: a Map. Keys are primitives, because a copied object could never be found again.

import { inspect } from 'node:util';
import { UsageError } from '../base/errors';
import { BaseProxy, ELEMENTS, type Elements } from '../proxy/base-proxy';
import { type Flow } from '../proxy/flow';
import { ELEMENT, type Element, type HasElements } from '../session/elements';
import { equals } from '../session/exposure';
import { type Purpose } from '../session/parties';
import { type Copyable, TO_PLAIN, toPlain } from '../session/plain-copy';
import { type Chunk, type IterationOptions, firstChunk, iterateChunks } from './chunks';
import { increment } from './increment';
import { sizeElement } from './indices';
import { type Key, badKey, isKey, requireKey } from './keys';
import { type SharedType } from './shared-type';

const A_KEY = 'A key of a dict';

export class DictReferent implements Copyable, HasElements {
  readonly #map: Map<unknown, unknown>;

  constructor(entries: Iterable<readonly [unknown, unknown]> = []) {
    this.#map = new Map(entries);
  }

  size(): number {
    return this.#map.size;
  }
  get(key: unknown): unknown {
    return this.#map.get(key);
  }
  set(key: unknown, value: unknown): void {
    this.#map.set(requireKey(A_KEY, key), value);
  }
  has(key: unknown): boolean {
    return this.#map.has(key);
  }
  delete(key: unknown): boolean {
    return this.#map.delete(key);
  }
  clear(): void {
    this.#map.clear();
  }
  pop(key: unknown): unknown {
    const value = this.#map.get(key);
    this.#map.delete(key);
    return value;
  }
  /** The newest entry, as Python's. */
  popItem(): [unknown, unknown] | undefined {
    const last = [...this.#map.keys()].pop();
    if (this.#map.size === 0) return undefined;
    return [last, this.pop(last)];
  }
  setDefault(key: unknown, value: unknown): unknown {
    if (!this.#map.has(key)) this.set(key, value);
    return this.#map.get(key);
  }
  update(entries: DictReferent | Iterable<readonly [unknown, unknown]>): void {
    const more = entries instanceof DictReferent ? entries.entries() : entries;
    for (const [key, value] of more) this.set(key, value);
  }
  increment(key: unknown, by?: number | bigint): number | bigint {
    const value = increment(this.#map.get(key), by);
    this.set(key, value);
    return value;
  }
  compareAndSet(key: unknown, expected: unknown, value: unknown): boolean {
    if (!equals(this.#map.get(key), expected)) return false;
    this.set(key, value);
    return true;
  }
  keys(): unknown[] {
    return [...this.#map.keys()];
  }
  values(): unknown[] {
    return [...this.#map.values()];
  }
  entries(): [unknown, unknown][] {
    return [...this.#map];
  }
  _chunk(batch: number): Chunk {
    return firstChunk(this.#map.entries(), batch);
  }

  [ELEMENT](name: string): Element | undefined {
    return sizeElement(this, name);
  }

  [Symbol.iterator](): Iterator<unknown> {
    return this.#map.entries();
  }

  [TO_PLAIN](seen: Map<object, unknown>): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>();
    seen.set(this, copy);
    for (const [key, value] of this.#map) copy.set(key, toPlain(value, seen));
    return copy;
  }

  [inspect.custom](depth: number, options: object): string {
    return inspect(toPlain(this), { ...options, depth });
  }
}

type Entries<K, V> = Iterable<readonly [K, V]> | Readonly<Record<string, V>>;

export class DictProxy<K extends Key = Key, V = unknown>
  extends BaseProxy
  implements AsyncIterable<[K, V]>
{
  /** Asked for when awaited. */
  get size(): Promise<number> {
    return this.property('size') as Promise<number>;
  }
  get(key: K): Promise<V | undefined> {
    return this.#keyed('get', [key]) as Promise<V | undefined>;
  }
  set(key: K, value: V): Promise<void> {
    return this.#keyed('set', [key, value]) as Promise<void>;
  }
  has(key: K): Promise<boolean> {
    return this.#keyed('has', [key]) as Promise<boolean>;
  }
  delete(key: K): Promise<boolean> {
    return this.#keyed('delete', [key]) as Promise<boolean>;
  }
  clear(): Promise<void> {
    return this.call('clear', []) as Promise<void>;
  }
  /** Removes a key and answers what it had. */
  pop(key: K): Promise<V | undefined> {
    return this.#keyed('pop', [key]) as Promise<V | undefined>;
  }
  /** Removes the newest entry and answers it. */
  popItem(): Promise<[K, V] | undefined> {
    return this.call('popItem', []) as Promise<[K, V] | undefined>;
  }
  /** What the key has; sets it to `value` first where it is absent. */
  setDefault(key: K, value: V): Promise<V> {
    return this.#keyed('setDefault', [key, value]) as Promise<V>;
  }
  /** The same, under the name that JavaScript's Map has for it. */
  getOrInsert(key: K, value: V): Promise<V> {
    return this.setDefault(key, value);
  }
  update(items: Entries<K, V> | DictProxy<K, V>): Promise<void> {
    return this.flow(() => this.#update(items));
  }
  /** Adds in one step; absent counts as 0. Answers the sum. */
  increment(key: K, by?: number | bigint): Promise<number | bigint> {
    return this.#keyed('increment', [key, by]) as Promise<number | bigint>;
  }
  /** Sets if the key has what equals `expected` (undefined: is absent); answers whether it did. */
  compareAndSet(key: K, expected: V | undefined, value: V): Promise<boolean> {
    return this.#keyed('compareAndSet', [key, expected, value]) as Promise<boolean>;
  }
  keys(): Promise<K[]> {
    return this.call('keys', []) as Promise<K[]>;
  }
  values(): Promise<V[]> {
    return this.call('values', []) as Promise<V[]>;
  }
  entries(): Promise<[K, V][]> {
    return this.call('entries', []) as Promise<[K, V][]>;
  }
  toMap(): Promise<Map<K, V>> {
    return this.flow(() => this.#toMap());
  }
  copy(): Promise<Map<K, V>> {
    return this.toMap();
  }
  /** `TypeError` where a key is no text. */
  toObject(): Promise<Record<string, V>> {
    return this.flow(() => this.#toObject());
  }
  /** Iterates over the entries as `for await (const [key, value] of dict)` does, with options. */
  iterate(options?: IterationOptions): AsyncIterableIterator<[K, V]> {
    return iterateChunks<[K, V]>((batch) => this.call('_chunk', [batch]), options, this.isSync);
  }
  [Symbol.asyncIterator](): AsyncIterableIterator<[K, V]> {
    return this.iterate();
  }

  /** Entries that are none reject. */
  *#update(items: Entries<K, V> | DictProxy<K, V>): Flow<void> {
    if (!(items instanceof DictProxy)) return yield this.call('update', [entriesOf(items)]);
    return yield this.call('update', [this.isNear(items) ? items : yield items.entries()]);
  }

  *#toMap(): Flow<Map<K, V>> {
    return new Map((yield this.entries()) as [K, V][]);
  }

  *#toObject(): Flow<Record<string, V>> {
    const object: Record<string, V> = {};
    for (const [key, value] of (yield this.entries()) as [K, V][]) {
      if (typeof key !== 'string') {
        throw new TypeError(`Key ${String(key)} is no text: use toMap()`);
      }
      const field = { value, enumerable: true, writable: true, configurable: true };
      Object.defineProperty(object, key, field);
    }
    return object;
  }

  get [ELEMENTS](): Elements {
    return 'key';
  }

  /** A method whose first argument is a key. */
  #keyed(name: string, args: readonly unknown[]): Promise<unknown> {
    return isKey(args[0]) ? this.call(name, args) : this.refuse(badKey(A_KEY, args[0]));
  }

  protected override get purpose(): Purpose {
    return 'container';
  }
}

/** Entries of what was given for them, with keys that can be found again. */
export function entriesOf(items: Entries<unknown, unknown>): [unknown, unknown][] {
  if (typeof (items as unknown) !== 'object' || (items as unknown) === null) {
    throw new UsageError('A dict is made of entries or of a plain object');
  }
  const isIterable = Symbol.iterator in items;
  const entries = isIterable
    ? [...(items as Iterable<readonly [unknown, unknown]>)]
    : Object.entries(items);
  return entries.map((entry: unknown) => {
    if (Array.isArray(entry)) return [requireKey(A_KEY, entry[0]), entry[1] as unknown];
    throw new UsageError('An entry of a dict is [key, value]');
  });
}

const EXPOSED = [
  ...['size', 'get', 'set', 'has', 'delete', 'clear', 'pop', 'popItem', 'setDefault', 'update'],
  ...['increment', 'compareAndSet', 'keys', 'values', 'entries', '_chunk', 'Symbol.iterator'],
];

export const dictType: SharedType = {
  typeid: 'dict',
  create: (entries?: unknown) => new DictReferent(readEntries(entries)),
  referentType: DictReferent,
  exposed: EXPOSED,
  isContainer: true,
  proxyType: DictProxy,
};

function readEntries(entries: unknown): Iterable<readonly [unknown, unknown]> {
  if (entries === undefined) return [];
  if (entries instanceof DictReferent) return entries.entries();
  if (typeof entries === 'object' && entries !== null)
    return entriesOf(entries as Entries<unknown, unknown>);
  throw new UsageError('A dict is made from entries or from an object');
}
