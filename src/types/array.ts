// The shared array: numbers of one kind, in a typed array of the manager. Its length never changes.
// Whole stretches travel as one block of bytes.

import { inspect } from 'node:util';
import { UsageError } from '../base/errors';
import { BaseProxy, ELEMENTS, type Elements } from '../proxy/base-proxy';
import { type Flow } from '../proxy/flow';
import { ELEMENT, type Element, type HasElements } from '../session/elements';
import { makeBeside } from '../proxy/functions';
import { type Purpose } from '../session/parties';
import { type LockProxy } from './lock';
import { type Copyable, TO_PLAIN } from '../session/plain-copy';
import {
  type Cells,
  type Typecode,
  cellsFrom,
  isCellsOf,
  pack,
  requireCell,
  requireLength,
  requireTypecode,
  zeroes,
} from './cells';
import { type Chunk, type IterationOptions, firstChunk, iterateChunks } from './chunks';
import { increment } from './increment';
import { itemElement, requireIndex } from './indices';
import { type SharedType } from './shared-type';

export class ArrayReferent implements Copyable, HasElements {
  readonly #typecode: Typecode;
  readonly #cells: Cells;

  constructor(typecode: Typecode, cells: Cells) {
    this.#typecode = typecode;
    this.#cells = cells;
  }

  length(): number {
    return this.#cells.length;
  }
  at(index: number): number | bigint | undefined {
    return this.#cells.at(index);
  }
  get(index: number): number | bigint {
    return this.#cells[this.#require(index)] as number | bigint;
  }
  set(index: number, value: number | bigint): void {
    const at = this.#require(index);
    requireCell(this.#typecode, value);
    this.#cells[at] = value;
  }
  slice(start?: number, end?: number): Cells {
    return this.#cells.slice(start, end);
  }
  setSlice(start: number, values: Iterable<unknown>): void {
    const cells = isCellsOf(this.#typecode, values) ? values : cellsFrom(this.#typecode, values);
    const { length } = this.#cells;
    const at = start < 0 ? length + start : start;
    if (!Number.isInteger(at) || at < 0 || at + cells.length > length) {
      throw new RangeError(
        `Cannot set ${String(cells.length)} cells from index ${String(start)} on: the array has ${String(length)}, and its length never changes`,
      );
    }
    this.#cells.set(cells as never, at);
  }
  increment(index: number, by?: number | bigint): number | bigint {
    this.set(index, increment(this.get(index), by));
    return this.get(index);
  }
  includes(value: unknown): boolean {
    return this.#cells.includes(value as never);
  }
  _chunk(batch: number): Chunk {
    return firstChunk(this.#cells.values(), batch);
  }

  #require(index: number): number {
    return requireIndex(index, this.#cells.length, 'the array has');
  }

  [ELEMENT](name: string): Element | undefined {
    return itemElement(this, name);
  }

  [Symbol.iterator](): Iterator<unknown> {
    return this.#cells.values();
  }

  [TO_PLAIN](seen: Map<object, unknown>): Cells {
    const copy = this.#cells.slice();
    seen.set(this, copy);
    return copy;
  }

  [inspect.custom](depth: number, options: object): string {
    return inspect(this.#cells, { ...options, depth });
  }
}

export class ArrayProxy<N extends number | bigint = number>
  extends BaseProxy
  implements AsyncIterable<N>
{
  /** Asked for when awaited. */
  get length(): Promise<number> {
    return this.property('length') as Promise<number>;
  }
  /** Undefined out of range; negative counts from the end, as everywhere here. */
  at(index: number): Promise<N | undefined> {
    return this.#indexed('at', [index]) as Promise<N | undefined>;
  }
  /** `RangeError` out of range. */
  get(index: number): Promise<N> {
    return this.#indexed('get', [index]) as Promise<N>;
  }
  /** `RangeError` out of range, and for what the typecode cannot hold; `TypeError` for what is no number of its kind. */
  set(index: number, value: N): Promise<void> {
    return this.#indexed('set', [index, value]) as Promise<void>;
  }
  /** A copy, as the typed array of the typecode. */
  slice(start?: number, end?: number): Promise<NodeJS.TypedArray> {
    return this.call('slice', [start, end]) as Promise<NodeJS.TypedArray>;
  }
  /** All or nothing: `RangeError` where they do not all fit in. A typed array is the fastest to give. */
  setSlice(start: number, values: Iterable<N>): Promise<void> {
    return this.flow(() => this.#fill(start, values));
  }
  /** Adds in one step; answers the sum. `RangeError` for one that does not fit, and nothing is changed. */
  increment(index: number, by?: N): Promise<N> {
    return this.#indexed('increment', [index, by]) as Promise<N>;
  }
  /** Iterates over the cells as `for await (const cell of array)` does, with options. */
  iterate(options?: IterationOptions): AsyncIterableIterator<N> {
    return iterateChunks<N>((batch) => this.call('_chunk', [batch]), options, this.isSync);
  }
  [Symbol.asyncIterator](): AsyncIterableIterator<N> {
    return this.iterate();
  }

  *#fill(start: number, values: Iterable<N>): Flow<void> {
    yield this.call('setSlice', [start, pack(requireValues(values))]);
  }

  /** A method whose first argument is an index. */
  #indexed(name: string, args: readonly unknown[]): Promise<unknown> {
    const [index] = args;
    if (typeof index === 'number') return this.call(name, args);
    return this.refuse(new TypeError(`An index of an array is a number, not ${typeof index}`));
  }

  get [ELEMENTS](): Elements {
    return 'index';
  }

  /** The one lock of this object, re-entrant, in whatever process it is asked for. */
  getLock(): LockProxy {
    return makeBeside(this, 'rlock', [undefined, this]) as LockProxy;
  }

  protected override get purpose(): Purpose {
    return 'container';
  }
}

function requireValues(values: unknown): Iterable<unknown> {
  if (typeof values === 'object' && values !== null && Symbol.iterator in values)
    return values as Iterable<unknown>;
  throw new UsageError(
    'Cells of an array are given as an iterable of numbers, or as a typed array',
  );
}

/** What `manager.array` is given, to be sent: what does not fit into the typecode throws here. */
export function cellsOf(typecode: unknown, items: unknown): [typecode: Typecode, items: unknown] {
  const code = requireTypecode(typecode);
  if (typeof items === 'number') return [code, requireLength(items)];
  if (items instanceof BaseProxy) return [code, items];
  return [code, cellsFrom(code, requireValues(items))];
}

function createArray(typecode: unknown, items: unknown): ArrayReferent {
  const code = requireTypecode(typecode);
  if (typeof items === 'number') return new ArrayReferent(code, zeroes(code, items));
  const values = items instanceof ArrayReferent ? items.slice() : requireValues(items);
  return new ArrayReferent(code, cellsFrom(code, values));
}

export const arrayType: SharedType = {
  typeid: 'array',
  create: createArray,
  referentType: ArrayReferent,
  exposed: [
    'Symbol.iterator',
    'length',
    'at',
    'get',
    'set',
    'slice',
    'setSlice',
    'increment',
    'includes',
    '_chunk',
  ],
  isContainer: true,
  proxyType: ArrayProxy,
};
