// What a queue keeps, in the order of its kind: the first in, the last in, or the least goes first.
// What was given to somebody and came back goes out before all others, among those by the same order.

import { Fifo } from './fifo';
import { Heap } from './heap';
import { type Priority, comparePriorities, requirePriority } from './priority';

export interface Entry {
  readonly item: unknown;
  /** Grows with each put. */
  readonly place: number;
  /** It was given to somebody before, who may have read it. */
  readonly redelivered: boolean;
}

export interface Store {
  readonly size: number;
  /** Throws `TypeError` for an item that has no place here. */
  require(item: unknown): void;
  add(entry: Entry): void;
  /** It was given to somebody, and came back. */
  giveBack(entry: Entry): void;
  take(): Entry | undefined;
  /** In the order in which they would be taken. */
  entries(): Entry[];
  clear(): void;
}

/** A plain order of its own: a line, a stack. */
interface Lane {
  readonly size: number;
  push(entry: Entry): void;
  take(): Entry | undefined;
  toArray(): Entry[];
  clear(): void;
}

/** Who came first, or last; before them those that came back. */
class Line implements Store {
  readonly #lane: Lane;
  readonly #returned: Heap<Entry>;

  constructor(lane: Lane, isBefore: (a: Entry, b: Entry) => boolean) {
    this.#lane = lane;
    this.#returned = new Heap(isBefore);
  }

  get size(): number {
    return this.#returned.size + this.#lane.size;
  }
  require(): void {
    // any item has a place here
  }
  add(entry: Entry): void {
    this.#lane.push(entry);
  }
  giveBack(entry: Entry): void {
    this.#returned.push(entry);
  }
  take(): Entry | undefined {
    return this.#returned.pop() ?? this.#lane.take();
  }
  entries(): Entry[] {
    return [...this.#returned.sorted(), ...this.#lane.toArray()];
  }
  clear(): void {
    this.#returned.clear();
    this.#lane.clear();
  }
}

/** Last in, first out. */
class Stack implements Lane {
  #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }
  push(entry: Entry): void {
    this.#entries.push(entry);
  }
  take(): Entry | undefined {
    return this.#entries.pop();
  }
  toArray(): Entry[] {
    return this.#entries.slice().reverse();
  }
  clear(): void {
    this.#entries = [];
  }
}

/** By priority; among equals by age, so that what comes back is the first of its equals. */
class Ranking implements Store {
  readonly #heap = new Heap<Entry>(ranksBefore);

  get size(): number {
    return this.#heap.size;
  }
  require(item: unknown): void {
    requirePriority(item);
  }
  add(entry: Entry): void {
    this.#heap.push(entry);
  }
  giveBack(entry: Entry): void {
    this.#heap.push(entry);
  }
  take(): Entry | undefined {
    return this.#heap.pop();
  }
  entries(): Entry[] {
    return this.#heap.sorted();
  }
  clear(): void {
    this.#heap.clear();
  }
}

const isOlder = (a: Entry, b: Entry): boolean => a.place < b.place;
const isNewer = (a: Entry, b: Entry): boolean => a.place > b.place;

function ranksBefore(a: Entry, b: Entry): boolean {
  const order = comparePriorities(a.item as Priority, b.item as Priority);
  return order < 0 || (order === 0 && isOlder(a, b));
}

export const fifoStore = (): Store => new Line(new Fifo<Entry>(), isOlder);
export const lifoStore = (): Store => new Line(new Stack(), isNewer);
export const priorityStore = (): Store => new Ranking();
