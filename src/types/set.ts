// The shared set. Members are primitives, in the order in which they came. An operand that is a
// shared set of the same manager is read there and never comes through here.

import { inspect } from 'node:util';
import { UsageError } from '../base/errors';
import { BaseProxy } from '../proxy/base-proxy';
import { type Flow } from '../proxy/flow';
import { lateOf } from '../proxy/late';
import { ELEMENT, type Element, type HasElements } from '../session/elements';
import { type Purpose } from '../session/parties';
import { type Copyable, TO_PLAIN } from '../session/plain-copy';
import { type Chunk, type IterationOptions, firstChunk, iterateChunks } from './chunks';
import { sizeElement } from './indices';
import { type Key, badKey, isKey, requireKey } from './keys';
import { type SharedType, isShared } from './shared-type';

const A_MEMBER = 'A member of a set';

/** The other side of an operation, as it arrives in the manager. */
type Operand = SetReferent | Iterable<unknown>;

export class SetReferent implements Copyable, HasElements {
  /** One Set for all its life: iterations that run see what the updates do. */
  readonly #set: Set<unknown>;

  constructor(members: Iterable<unknown> = []) {
    this.#set = new Set(members);
  }

  size(): number {
    return this.#set.size;
  }
  add(value: unknown): void {
    this.#set.add(requireKey(A_MEMBER, value));
  }
  has(value: unknown): boolean {
    return this.#set.has(value);
  }
  delete(value: unknown): boolean {
    return this.#set.delete(value);
  }
  /** The oldest member. */
  pop(): unknown {
    const { value } = this.#set.values().next();
    this.#set.delete(value);
    return value;
  }
  clear(): void {
    this.#set.clear();
  }
  values(): unknown[] {
    return [...this.#set];
  }
  copy(): Set<unknown> {
    return new Set(this.#set);
  }
  union(other: Operand): Set<unknown> {
    return new Set([...this.#set, ...read(other)]);
  }
  intersection(other: Operand): Set<unknown> {
    const theirs = read(other);
    return new Set(this.values().filter((member) => theirs.has(member)));
  }
  difference(other: Operand): Set<unknown> {
    const theirs = read(other);
    return new Set(this.values().filter((member) => !theirs.has(member)));
  }
  symmetricDifference(other: Operand): Set<unknown> {
    const theirs = read(other);
    const added = [...theirs].filter((member) => !this.#set.has(member));
    return new Set([...this.difference(theirs), ...added]);
  }
  unionUpdate(other: Operand): this {
    for (const member of read(other)) this.#set.add(member);
    return this;
  }
  intersectionUpdate(other: Operand): this {
    const theirs = read(other);
    for (const member of this.#set) if (!theirs.has(member)) this.#set.delete(member);
    return this;
  }
  differenceUpdate(other: Operand): this {
    for (const member of read(other)) this.#set.delete(member);
    return this;
  }
  symmetricDifferenceUpdate(other: Operand): this {
    for (const member of read(other)) if (!this.#set.delete(member)) this.#set.add(member);
    return this;
  }
  isSubsetOf(other: Operand): boolean {
    const theirs = read(other);
    return this.values().every((member) => theirs.has(member));
  }
  isSupersetOf(other: Operand): boolean {
    return [...read(other)].every((member) => this.#set.has(member));
  }
  isDisjointFrom(other: Operand): boolean {
    return [...read(other)].every((member) => !this.#set.has(member));
  }
  _chunk(batch: number): Chunk {
    return firstChunk(this.#set.values(), batch);
  }

  [ELEMENT](name: string): Element | undefined {
    return sizeElement(this, name);
  }

  [Symbol.iterator](): Iterator<unknown> {
    return this.#set.values();
  }

  [TO_PLAIN](seen: Map<object, unknown>): Set<unknown> {
    const copy = this.copy();
    seen.set(this, copy);
    return copy;
  }

  [inspect.custom](depth: number, options: object): string {
    return inspect(this.#set, { ...options, depth });
  }
}

/** Its members at this moment: an operand may be the very set that is being changed. */
function read(other: Operand): Set<unknown> {
  return other instanceof SetReferent ? other.copy() : new Set(requireMembers(other));
}

type Members<T> = Iterable<T> | SetProxy<T & Key>;

export class SetProxy<T extends Key = Key> extends BaseProxy implements AsyncIterable<T> {
  /** Asked for when awaited. */
  get size(): Promise<number> {
    return this.property('size') as Promise<number>;
  }
  add(value: T): Promise<void> {
    return this.#withMember('add', value) as Promise<void>;
  }
  has(value: T): Promise<boolean> {
    return this.#withMember('has', value) as Promise<boolean>;
  }
  /** Whether it was there. */
  delete(value: T): Promise<boolean> {
    return this.#withMember('delete', value) as Promise<boolean>;
  }
  /** Removes the oldest member and answers it. */
  pop(): Promise<T | undefined> {
    return this.call('pop', []) as Promise<T | undefined>;
  }
  clear(): Promise<void> {
    return this.call('clear', []) as Promise<void>;
  }
  /** Oldest first. */
  values(): Promise<T[]> {
    return this.call('values', []) as Promise<T[]>;
  }
  copy(): Promise<Set<T>> {
    return this.call('copy', []) as Promise<Set<T>>;
  }
  union(other: Members<T>): Promise<Set<T>> {
    return this.#withOther('union', other) as Promise<Set<T>>;
  }
  intersection(other: Members<T>): Promise<Set<T>> {
    return this.#withOther('intersection', other) as Promise<Set<T>>;
  }
  difference(other: Members<T>): Promise<Set<T>> {
    return this.#withOther('difference', other) as Promise<Set<T>>;
  }
  symmetricDifference(other: Members<T>): Promise<Set<T>> {
    return this.#withOther('symmetricDifference', other) as Promise<Set<T>>;
  }
  unionUpdate(other: Members<T>): Promise<this> {
    return this.#withOther('unionUpdate', other) as Promise<this>;
  }
  intersectionUpdate(other: Members<T>): Promise<this> {
    return this.#withOther('intersectionUpdate', other) as Promise<this>;
  }
  differenceUpdate(other: Members<T>): Promise<this> {
    return this.#withOther('differenceUpdate', other) as Promise<this>;
  }
  symmetricDifferenceUpdate(other: Members<T>): Promise<this> {
    return this.#withOther('symmetricDifferenceUpdate', other) as Promise<this>;
  }
  isSubsetOf(other: Members<T>): Promise<boolean> {
    return this.#withOther('isSubsetOf', other) as Promise<boolean>;
  }
  isSupersetOf(other: Members<T>): Promise<boolean> {
    return this.#withOther('isSupersetOf', other) as Promise<boolean>;
  }
  isDisjointFrom(other: Members<T>): Promise<boolean> {
    return this.#withOther('isDisjointFrom', other) as Promise<boolean>;
  }
  /** Iterates over the members as `for await (const member of set)` does, with options. */
  iterate(options?: IterationOptions): AsyncIterableIterator<T> {
    return iterateChunks<T>((batch) => this.call('_chunk', [batch]), options, this.isSync);
  }
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.iterate();
  }

  #withMember(name: string, member: unknown): Promise<unknown> {
    return isKey(member) ? this.call(name, [member]) : this.refuse(badKey(A_MEMBER, member));
  }

  #withOther(name: string, other: Members<T>): Promise<unknown> {
    return this.flow(() => this.#operate(name, other));
  }

  /** A set of another manager is read first, and then sent. */
  *#operate(name: string, other: Members<T>): Flow<unknown> {
    if (lateOf(other) !== undefined) return yield this.call(name, [other]); // read there
    if (!(other instanceof SetProxy)) return yield this.call(name, [membersOf(other)]);
    return yield this.call(name, [this.isNear(other) ? other : yield other.values()]);
  }

  protected override get purpose(): Purpose {
    return 'container';
  }
}

/** What a set is made of, to be sent: checked members, or the shared set that has them. */
export function membersOf(items: unknown): unknown {
  return isShared(items) ? items : requireMembers(items);
}

function requireMembers(items: unknown): unknown[] {
  const isIterable = typeof items === 'object' && items !== null && Symbol.iterator in items;
  if (!isIterable && typeof items !== 'string')
    throw new UsageError(
      'Members of a set are given as an iterable, or as another shared set; by a name of another manager as await manager.names.get(key)',
    );
  const members = [...(items as Iterable<unknown>)];
  for (const member of members) requireKey(A_MEMBER, member);
  return members;
}

const EXPOSED = [
  ...['size', 'add', 'has', 'delete', 'pop', 'clear', 'values', 'copy'],
  ...['union', 'intersection', 'difference', 'symmetricDifference'],
  ...['unionUpdate', 'intersectionUpdate', 'differenceUpdate', 'symmetricDifferenceUpdate'],
  ...['isSubsetOf', 'isSupersetOf', 'isDisjointFrom', '_chunk', 'Symbol.iterator'],
];

export const setType: SharedType = {
  typeid: 'set',
  create: (members?: unknown) =>
    new SetReferent(members === undefined ? [] : read(members as Operand)),
  referentType: SetReferent,
  exposed: EXPOSED,
  isContainer: true,
  proxyType: SetProxy,
};
