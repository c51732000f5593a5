// The names of a host: what each stands for, until when, and who was told to make what is not there.
//
// Rule 1: a name stands for a shared object, which it keeps alive, or for a plain value.
// Rule 2: who asks for a name that stands for nothing is told to make it, and is the only one; those
//         who ask meanwhile wait. Nothing else waits: not other names, not whoever replaces this one.
// Rule 3: an order that its receiver gives back, never received or took to its grave goes to the one
//         that has waited longest.
// Rule 4: a time runs from when a name was last used, or an object last held by a proxy or a token.

import { UsageError } from '../base/errors';
import { isObject } from '../base/options';
import { type ObjectTable, Row } from '../refs/objects';
import { type RunningCall, currentCaller } from '../session/current-call';
import { type Delivery } from '../session/delivery';
import { type Exposure, openExposure } from '../session/exposure';
import {
  type Asked,
  type Name,
  type NameOptions,
  absent,
  nameText,
  requireName,
} from '../session/naming';
import { type NameService } from '../host/name-service';
import { NameDesk } from './desk';
import { Making } from './making';

/** What a name stands for. */
interface Entry {
  /** Undefined: it stands for `value`. */
  readonly row: Row<Exposure> | undefined;
  readonly value: unknown;
  readonly ttlMs: number | undefined;
  expires: number;
  /** Its owner's end no longer ends it. */
  readonly drop: (() => void) | undefined;
}

export class Names implements NameService {
  /** What clients may ask. */
  readonly desk = new NameDesk(this);
  readonly #objects: ObjectTable<Exposure>;
  readonly #now: () => number;
  readonly #entries = new Map<Name, Entry>();
  /** By name, what is being made. */
  readonly #makings = new Map<Name, Making>();
  /** Who waits until a name stands for something. */
  readonly #awaited = new Map<Name, Set<() => void>>();
  #orders = 0;

  constructor(objects: ObjectTable<Exposure>, now: () => number = () => performance.now()) {
    this.#objects = objects;
    this.#now = now;
  }

  has(key: Name): boolean {
    return this.#find(key) !== undefined;
  }

  keys(): Name[] {
    this.sweep();
    return [...this.#entries.keys()];
  }

  /** What it stands for: the object itself, or the value. Throws `ObjectGoneError`. */
  get(key: Name): unknown {
    const entry = this.#use(key);
    return entry.row === undefined ? entry.value : entry.row.referent;
  }

  /** The object of a name, for whoever believes that it is of that type; undefined where it is not. */
  bind(key: Name, typeid: string): Row<Exposure> | undefined {
    const entry = this.#find(key);
    if (entry?.row?.typeid !== typeid) return undefined;
    this.#renew(entry);
    return entry.row;
  }

  /** The typeid of what is there; where nothing is, the order to make it, perhaps after a wait. */
  ask(key: Name, canMake: boolean): string | Delivery | Promise<Asked | Delivery> {
    const entry = this.#find(key);
    if (entry !== undefined) return typeidOf(key, entry);
    if (!canMake) throw absent(key);
    const making = this.#makings.get(key);
    if (making !== undefined) return making.wait();
    return this.#startMaking(key).give(currentCaller());
  }

  #startMaking(key: Name): Making {
    const making = new Making(
      () => ++this.#orders,
      () => this.#makings.delete(key),
    );
    this.#makings.set(key, making);
    return making;
  }

  /** The order is carried out, unless the name has got another object meanwhile. Answers the typeid of what is there. */
  supply(key: Name, order: number, object: unknown, options: NameOptions = {}): string | undefined {
    const making = this.#makings.get(key);
    const entry = this.#find(key);
    if (entry !== undefined) return typeidOf(key, entry);
    if (making?.order !== order) return undefined; // it was given to somebody else
    const row = this.#requireRow(key, object);
    this.#put(key, this.#entry(key, row, undefined, options));
    return row.typeid;
  }

  /** The order is given back: whoever waits gets it. */
  giveUp(key: Name, order: number): void {
    const making = this.#makings.get(key);
    if (making?.order === order) making.pass();
  }

  /** From now on the name stands for `value`: a shared object, or plain data. */
  replace(key: Name, value: unknown): void {
    requireName(key);
    const row = this.#rowOf(value);
    this.#put(key, this.#entry(key, row, row === undefined ? value : undefined));
  }

  /**
   * Gives a live object of this process a name, in place of what had it. `exposure`: what clients may
   * reach of it; by default everything that does not begin with `_`.
   */
  publish(key: Name, object: object, exposure: Exposure = openExposure('object')): void {
    if (!isObject(object) && typeof object !== 'function')
      throw new UsageError(
        `Only an object or a function can be published as ${nameText(key)}; a plain value gets a name by manager.names.replace(key, value)`,
      );
    const { typeid } = exposure;
    const row =
      this.#rowOf(object) ??
      this.#objects.add(
        new Row(this.#objects.nextId(), object, { typeid, exposure, owned: false }),
      );
    this.#put(requireName(key), this.#entry(key, row, undefined));
  }

  /** Resolves when the name stands for something; at once where it does. */
  there(key: Name, call: RunningCall | undefined): Promise<void> | undefined {
    if (this.has(key)) return undefined;
    const waiting = this.#awaited.get(key) ?? new Set();
    this.#awaited.set(key, waiting);
    return new Promise((resolve, reject) => {
      waiting.add(resolve);
      if (call === undefined) return;
      call.onAbort = (reason) => {
        waiting.delete(resolve);
        if (waiting.size === 0) this.#awaited.delete(key);
        reject(reason);
      };
    });
  }

  #tellThere(key: Name): void {
    const waiting = this.#awaited.get(key) ?? [];
    this.#awaited.delete(key);
    for (const tell of waiting) tell();
  }

  delete(key: Name): boolean {
    const entry = this.#find(key);
    if (entry !== undefined) this.#remove(key, entry);
    return entry !== undefined;
  }

  /** Ends names whose time is over; the host calls it once a second. */
  sweep(): void {
    for (const key of [...this.#entries.keys()]) this.#find(key);
  }

  /** For the last time: nothing is kept any more. */
  clear(): void {
    for (const [key, entry] of [...this.#entries]) this.#remove(key, entry);
  }

  // ---- entries ---------------------------------------------------------------------------------

  /** What the name stands for now: it ends here if its time is over. */
  #find(key: Name): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry?.ttlMs === undefined) return entry;
    if (isHeld(entry.row)) this.#renew(entry);
    if (entry.expires > this.#now()) return entry;
    this.#remove(key, entry);
    return undefined;
  }

  #use(key: Name): Entry {
    const entry = this.#find(key);
    if (entry === undefined) throw absent(key);
    this.#renew(entry);
    return entry;
  }

  #renew(entry: Entry): void {
    if (entry.ttlMs !== undefined) entry.expires = this.#now() + entry.ttlMs;
  }

  #entry(
    key: Name,
    row: Row<Exposure> | undefined,
    value: unknown,
    { ttlMs, owned = false }: NameOptions = {},
  ): Entry {
    const end = (): void => {
      if (this.#entries.get(key) === entry) this.#remove(key, entry);
    };
    const drop = owned ? currentCaller().hold(end).drop : undefined;
    const expires = ttlMs === undefined ? Infinity : this.#now() + ttlMs;
    const entry: Entry = { row, value, ttlMs, expires, drop };
    return entry;
  }

  #put(key: Name, entry: Entry): void {
    const { row } = entry;
    if (row !== undefined) this.#objects.pin(row, 'names'); // before the other is let go: it may be the same
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(key, before);
    this.#entries.set(key, entry);
    this.#tellThere(key);
    this.#makings.get(key)?.done(() => typeidOf(key, entry));
  }

  #remove(key: Name, entry: Entry): void {
    this.#entries.delete(key);
    entry.drop?.();
    if (entry.row !== undefined) this.#objects.unpin(entry.row, 'names');
  }

  /** The row of an object that is shared; undefined for data, and for proxies of other managers. */
  #rowOf(value: unknown): Row<Exposure> | undefined {
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
    const row = isObject ? this.#objects.rowOf(value) : undefined;
    if (row === undefined) return undefined;
    return this.#objects.get(row.id) === row ? row : this.#objects.add(row);
  }

  #requireRow(key: Name, object: unknown): Row<Exposure> {
    const row = this.#rowOf(object);
    if (row !== undefined) return row;
    throw new UsageError(
      `The factory of ${nameText(key)} must answer a proxy of this manager; for a plain value use names.replace(key, value)`,
    );
  }
}

/** Somebody has a proxy of it, or one is on its way. */
function isHeld(row: Row<Exposure> | undefined): boolean {
  return row !== undefined && (row.sessions > 0 || row.tickets > 0);
}

function typeidOf(key: Name, { row }: Entry): string {
  if (row !== undefined) return row.typeid;
  throw new UsageError(
    `The name ${nameText(key)} stands for a plain value, which has no members here: await manager.names.get(key)`,
  );
}
