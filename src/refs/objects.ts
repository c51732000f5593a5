// The referents of a server, by number.
//
// pinned   a session, ticket or name holds it: the table keeps it alive
// weak     none does: it lives only as long as something in the server refers to it, a list that
//          contains it for example; the collector then removes its row
//
// Rule 1: a number is given once and never again, so a late message cannot hit a stranger.
// Rule 2: a row becomes pinned again only with the referent in hand.
// Rule 3: pins are counted from what holds: sessions, tickets, names. All three at 0: weak.

import { ProtocolError } from '../base/errors';
import { type Collector, type MakeCollector, realCollector } from './finalizer';

/** Each client numbers its objects in a range of this size; range 0 is the server's own. */
export const RANGE_SIZE = 2 ** 24;

export type Pin = 'sessions' | 'tickets' | 'names';

export class Row<E = unknown> {
  readonly id: number;
  readonly typeid: string;
  /** What may be reached of the referent; another one once it is exposed by name of its own. */
  exposure: E;
  /** The referent is disposed as soon as nothing pins it. */
  readonly owned: boolean;
  sessions = 0;
  tickets = 0;
  names = 0;
  strong: object | undefined;
  weak: WeakRef<object> | undefined = undefined;
  /** While the referent is still being made. */
  ready: Promise<void> | undefined = undefined;
  /** Why it could not be made. */
  failure: unknown = undefined;

  constructor(
    id: number,
    referent: object | undefined,
    kind: { readonly typeid: string; readonly exposure: E; readonly owned: boolean },
  ) {
    this.id = id;
    this.strong = referent;
    this.typeid = kind.typeid;
    this.exposure = kind.exposure;
    this.owned = kind.owned;
  }

  get pinned(): boolean {
    return this.sessions > 0 || this.tickets > 0 || this.names > 0;
  }

  get referent(): object | undefined {
    return this.strong ?? this.weak?.deref();
  }
}

export class ObjectTable<E = unknown> {
  readonly #rows = new Map<number, Row<E>>();
  /** A referent keeps its row for as long as it lives. */
  readonly #rowOf = new WeakMap<object, Row<E>>();
  readonly #collector: Collector<number>;
  readonly #dispose: (referent: object) => void;
  /** The last number given in range 0; the server itself is number 0. */
  #last = 0;
  /** Rows that a session or a name holds. */
  #held = 0;

  /** `dispose` is called for owned referents that nothing pins any more. */
  constructor(dispose: (referent: object) => void, makeCollector: MakeCollector = realCollector) {
    this.#dispose = dispose;
    this.#collector = makeCollector((id) => {
      this.#collected(id);
    });
  }

  /** How many a session or a name holds. */
  get held(): number {
    return this.#held;
  }

  get size(): number {
    return this.#rows.size;
  }

  [Symbol.iterator](): IterableIterator<Row<E>> {
    return this.#rows.values();
  }

  nextId(): number {
    return ++this.#last;
  }

  /** Adds a row that nothing pins yet; the caller pins it in the same turn. */
  add(row: Row<E>): Row<E> {
    if (this.#rows.has(row.id)) {
      throw new ProtocolError(`Cannot create object ${String(row.id)}: the number is taken`);
    }
    this.#rows.set(row.id, row);
    if (row.strong !== undefined) this.#rowOf.set(row.strong, row);
    return row;
  }

  /** Gives a row its referent, made later than the row. */
  fill(row: Row<E>, referent: object): void {
    row.strong = referent;
    this.#rowOf.set(referent, row);
    if (!row.pinned) this.#weaken(row);
  }

  /** Takes a row out that nothing pins and that never got a referent. */
  remove(row: Row<E>): void {
    if (!row.pinned && row.strong === undefined) this.#rows.delete(row.id);
  }

  get(id: number): Row<E> | undefined {
    return this.#rows.get(id);
  }

  rowOf(referent: object): Row<E> | undefined {
    return this.#rowOf.get(referent);
  }

  pin(row: Row<E>, by: Pin): void {
    if (row.strong === undefined && row.weak !== undefined) {
      const referent = row.weak.deref();
      if (referent === undefined) throw new ProtocolError(`Object ${String(row.id)} is gone`);
      row.strong = referent;
      row.weak = undefined;
      this.#collector.forget(referent);
    }
    if (by !== 'tickets' && row.sessions + row.names === 0) this.#held++;
    row[by]++;
  }

  unpin(row: Row<E>, by: Pin): void {
    row[by]--;
    if (by !== 'tickets' && row.sessions + row.names === 0) this.#held--;
    if (!row.pinned) this.#weaken(row);
  }

  #weaken(row: Row<E>): void {
    const referent = row.strong;
    if (referent === undefined) {
      if (row.ready === undefined) this.#rows.delete(row.id);
      return;
    }
    row.strong = undefined;
    if (row.owned) {
      this.#rows.delete(row.id);
      this.#rowOf.delete(referent);
      this.#dispose(referent);
      return;
    }
    row.weak = new WeakRef(referent);
    this.#collector.watch(referent, row.id);
  }

  #collected(id: number): void {
    const row = this.#rows.get(id);
    if (row !== undefined && row.strong === undefined && row.weak?.deref() === undefined) {
      this.#rows.delete(id);
    }
  }
}
