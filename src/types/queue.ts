// The shared queues: first in first out, last in first out, and by priority. An item is in the queue,
// on its way to a caller that has not confirmed it, with a taker that has not acknowledged it, or got.
//
// Rule 1: somebody waits to get only while the queue is empty, and to put only while it is full; who
//         came first is served first, and nobody passes by.
// Rule 2: what its caller never got, or never acknowledged, goes back to the head, marked, and to
//         whoever waits; there may be more than `maxSize` then.
// Rule 3: an item counts as unfinished from its put to `taskDone`, whoever has it meanwhile.

import { inspect } from 'node:util';
import { QueueEmptyError, QueueFullError, QueueShutdownError, UsageError } from '../base/errors';
import { option, isBoolean, resolveOptions } from '../base/options';
import { type Flow } from '../proxy/flow';
import { type WaitOptions } from '../proxy/options';
import { type Caller } from '../session/caller';
import { currentCaller } from '../session/current-call';
import { Delivery } from '../session/delivery';
import { type Purpose } from '../session/parties';
import { type Copyable, TO_PLAIN, toPlain } from '../session/plain-copy';
import { type Entry, type Store, fifoStore, lifoStore, priorityStore } from './queue-store';
import { type SharedType } from './shared-type';
import { Wait, firstOf, timedOut, waitingTime } from './wait';
import { type BlockingOptions, WaitingProxy } from './waiting-proxy';

interface Getter {
  readonly wait: Wait<Delivery>;
  readonly give: Give;
}
interface Putter {
  readonly wait: Wait<undefined>;
  readonly item: unknown;
}
/** An item that its caller keeps until it is acknowledged. */
interface Taken {
  readonly entry: Entry;
  readonly caller: Caller;
  readonly drop: () => void;
}
/** How an item leaves: for good, or to be acknowledged. */
type Give = (entry: Entry, to: Caller) => Delivery;

export class QueueReferent implements Copyable {
  readonly #store: Store;
  readonly #maxSize: number;
  readonly #getters = new Set<Getter>();
  readonly #putters = new Set<Putter>();
  readonly #joiners = new Set<Wait<undefined>>();
  readonly #taken = new Map<number, Taken>();
  /** open; draining: nothing more is put; empty: what comes back is dropped too. */
  #state: 'open' | 'draining' | 'empty' = 'open';
  #unfinished = 0;
  #places = 0;
  #tickets = 0;

  /** Throws `UsageError` for a size that is no whole number. 0 or less: without bound. */
  constructor(store: Store, maxSize: number) {
    this.#store = store;
    this.#maxSize = requireMaxSize(maxSize) > 0 ? maxSize : Infinity;
  }

  put(item: unknown, timeMs?: number): Promise<undefined> | undefined {
    const limitMs = waitingTime(true, timeMs);
    this.#store.require(item);
    if (this.#state !== 'open') throw isShutDown();
    if (this.full()) return this.#waitToPut(item, limitMs);
    this.#add(item);
    this.#serve();
    return undefined;
  }

  get(timeMs?: number): Promise<Delivery> | Delivery {
    return this.#next(this.#giveAway, timeMs);
  }

  /** As `get`, and the item comes back unless it is acknowledged: answers it with a ticket for that. */
  _take(timeMs?: number): Promise<Delivery> | Delivery {
    return this.#next(this.#giveToTaker, timeMs);
  }
  _ack(ticket: number): void {
    this.#endTaking(ticket);
  }
  _nack(ticket: number): void {
    this.#giveBack(this.#endTaking(ticket));
  }

  size(): number {
    return this.#store.size;
  }
  empty(): boolean {
    return this.#store.size === 0;
  }
  full(): boolean {
    return this.#store.size >= this.#maxSize;
  }

  taskDone(): void {
    if (this.#unfinished === 0) {
      throw new UsageError('taskDone() was called more often than items were put');
    }
    this.#finish(1);
  }

  join(timeMs?: number): Promise<undefined> | undefined {
    const limitMs = waitingTime(true, timeMs);
    if (this.#unfinished === 0) return undefined;
    const wait = new Wait<undefined>(() => this.#joiners.delete(wait));
    this.#joiners.add(wait);
    wait.limit(limitMs, () => {
      this.#joiners.delete(wait);
      wait.fail(timedOut(`${String(this.#unfinished)} items were not done`, limitMs ?? 0));
    });
    return wait.promise;
  }

  /** Nothing more is put; what is there can be got, unless `immediate`. */
  shutdown(immediate = false): void {
    if (this.#state !== 'empty') this.#state = immediate ? 'empty' : 'draining';
    for (const { wait } of takeAll(this.#putters)) wait.fail(isShutDown());
    for (const { wait } of takeAll(this.#getters)) wait.fail(isShutDown());
    if (!immediate) return;
    const dropped = this.#store.size;
    this.#store.clear();
    this.#finish(dropped);
  }

  // ---- in --------------------------------------------------------------------------------------

  #add(item: unknown): void {
    this.#store.add({ item, place: this.#places++, redelivered: false });
    this.#unfinished++;
  }

  #waitToPut(item: unknown, limitMs: number | undefined): Promise<undefined> {
    if (limitMs === 0) throw this.#isFull('No room is there');
    const wait = new Wait<undefined>(() => this.#putters.delete(putter));
    const putter: Putter = { wait, item };
    this.#putters.add(putter);
    wait.limit(limitMs, () => {
      this.#putters.delete(putter);
      wait.fail(this.#isFull(`No room came within ${String(limitMs)} ms`));
    });
    return wait.promise;
  }

  #isFull(what: string): QueueFullError {
    return new QueueFullError(
      `${what}: the queue has ${String(this.size())} items of at most ${String(this.#maxSize)}`,
    );
  }

  // ---- out -------------------------------------------------------------------------------------

  #next(give: Give, timeMs: number | undefined): Promise<Delivery> | Delivery {
    const limitMs = waitingTime(true, timeMs);
    const entry = this.#store.take();
    if (entry === undefined) return this.#waitToGet(give, limitMs);
    this.#serve();
    return give(entry, currentCaller());
  }

  #waitToGet(give: Give, limitMs: number | undefined): Promise<Delivery> {
    if (this.#state !== 'open') throw isShutDown();
    if (limitMs === 0) throw new QueueEmptyError('The queue is empty');
    const wait = new Wait<Delivery>(() => this.#getters.delete(getter));
    const getter: Getter = { wait, give };
    this.#getters.add(getter);
    wait.limit(limitMs, () => {
      this.#getters.delete(getter);
      wait.fail(new QueueEmptyError(`No item came within ${String(limitMs)} ms`));
    });
    return wait.promise;
  }

  readonly #giveAway: Give = (entry) =>
    new Delivery(entry.item, (received) => {
      if (!received) this.#giveBack(entry);
    });

  readonly #giveToTaker: Give = (entry, caller) => {
    const ticket = ++this.#tickets;
    return new Delivery([entry.item, entry.redelivered, ticket], (received) => {
      if (received) this.#startTaking(ticket, entry, caller);
      else this.#giveBack(entry);
    });
  };

  #startTaking(ticket: number, entry: Entry, caller: Caller): void {
    const { drop } = caller.hold(() => {
      this.#taken.delete(ticket);
      this.#giveBack(entry);
    });
    this.#taken.set(ticket, { entry, caller, drop });
  }

  /** Throws `UsageError` where the caller no longer has it. */
  #endTaking(ticket: number): Entry {
    const taken = this.#taken.get(ticket);
    if (taken?.caller !== currentCaller()) {
      throw new UsageError('The item was acknowledged or given back before');
    }
    this.#taken.delete(ticket);
    taken.drop();
    return taken.entry;
  }

  #giveBack(entry: Entry): void {
    if (this.#state === 'empty') {
      this.#finish(1);
      return;
    }
    this.#store.giveBack({ ...entry, redelivered: true });
    this.#serve();
  }

  // ---- those who wait --------------------------------------------------------------------------

  /** Gives what there is to those who wait for it, and room to those who wait for that. */
  #serve(): void {
    while (this.#serveGetter() || this.#servePutter());
  }

  #serveGetter(): boolean {
    const getter = firstOf(this.#getters);
    const entry = getter === undefined ? undefined : this.#store.take();
    if (getter === undefined || entry === undefined) return false;
    this.#getters.delete(getter);
    getter.wait.wake(getter.give(entry, getter.wait.caller));
    return true;
  }

  #servePutter(): boolean {
    const putter = this.full() ? undefined : firstOf(this.#putters);
    if (putter === undefined) return false;
    this.#putters.delete(putter);
    this.#add(putter.item);
    putter.wait.wake(undefined);
    return true;
  }

  #finish(count: number): void {
    this.#unfinished = Math.max(0, this.#unfinished - count); // some were done before they were got
    if (this.#unfinished > 0) return;
    for (const wait of takeAll(this.#joiners)) wait.wake(undefined);
  }

  [TO_PLAIN](seen: Map<object, unknown>): unknown[] {
    const copy: unknown[] = [];
    seen.set(this, copy);
    for (const { item } of this.#store.entries()) copy.push(toPlain(item, seen));
    return copy;
  }

  [inspect.custom](depth: number, options: object): string {
    return inspect(toPlain(this), { ...options, depth });
  }
}

/** An item that its taker keeps until it says what became of it, or ends. */
export class TakenItem<T = unknown> {
  readonly item: T;
  /** Somebody had it before, and may have worked on it. */
  readonly redelivered: boolean;
  readonly #settle: (name: '_ack' | '_nack') => Promise<void>;

  /** Made by `take()`. */
  constructor(item: T, redelivered: boolean, settle: (name: '_ack' | '_nack') => Promise<void>) {
    this.item = item;
    this.redelivered = redelivered;
    this.#settle = settle;
  }

  /** It is done with. `UsageError` where that was said before. */
  ack(): Promise<void> {
    return this.#settle('_ack');
  }
  /** It goes back to the head of the queue. `UsageError` where that was said before. */
  nack(): Promise<void> {
    return this.#settle('_nack');
  }
}

export class QueueProxy<T = unknown> extends WaitingProxy {
  /** Waits for room. `QueueFullError` where none came in time, `QueueShutdownError`; then it is not put. */
  put(item: T, options?: BlockingOptions): Promise<void> {
    return this.block('put', [item], options) as Promise<void>;
  }
  /** Waits for an item. `QueueEmptyError` where none came in time, `QueueShutdownError`. */
  get(options?: BlockingOptions): Promise<T> {
    return this.block('get', [], options) as Promise<T>;
  }
  putNowait(item: T): Promise<void> {
    return this.put(item, NOW);
  }
  getNowait(): Promise<T> {
    return this.get(NOW);
  }
  /** As `get`, but the item goes back to the head, marked, unless it is acknowledged. */
  take(options?: BlockingOptions): Promise<TakenItem<T>> {
    return this.flow(() => this.#take(options));
  }
  /** Items that can be got now. A method as in Python, not a property. */
  size(): Promise<number> {
    return this.call('size', []) as Promise<number>;
  }
  empty(): Promise<boolean> {
    return this.call('empty', []) as Promise<boolean>;
  }
  full(): Promise<boolean> {
    return this.call('full', []) as Promise<boolean>;
  }
  /** One item that was put is done. `UsageError` where all are. */
  taskDone(): Promise<void> {
    return this.call('taskDone', []) as Promise<void>;
  }
  /** Waits until all items that were put are done. `TimeoutError`. */
  join(options?: WaitOptions): Promise<void> {
    return this.waitUpTo('join', [], options) as Promise<void>;
  }
  /** Puts are refused from now on, and gets when the queue is empty, which it is at once if `immediate`. */
  shutdown(options?: { readonly immediate?: boolean | undefined }): Promise<void> {
    return this.flow(() => this.#shutdown(options));
  }

  *#take(options: BlockingOptions | undefined): Flow<TakenItem<T>> {
    const answer: unknown = yield this.block('_take', [], options);
    const [item, redelivered, ticket] = answer as [T, boolean, number];
    return new TakenItem(item, redelivered, (name) => this.call(name, [ticket]) as Promise<void>);
  }

  *#shutdown(options: object | undefined): Flow<void> {
    const { immediate } = resolveOptions('shutdown()', SHUTDOWN_RULES, options);
    yield this.call('shutdown', [immediate]);
  }

  protected override get takes(): boolean {
    return true;
  }

  protected override get purpose(): Purpose {
    return 'container';
  }
}

const NOW: BlockingOptions = { blocking: false };
const SHUTDOWN_RULES = { immediate: option(false, isBoolean, 'true or false') };

function takeAll<T>(waits: Set<T>): T[] {
  const all = [...waits];
  waits.clear();
  return all;
}

function isShutDown(): QueueShutdownError {
  return new QueueShutdownError('The queue was shut down');
}

/** Throws `UsageError` for what is no whole number. */
export function requireMaxSize(maxSize: unknown): number {
  if (Number.isInteger(maxSize)) return maxSize as number;
  throw new UsageError('The size of a queue is a whole number; 0 or less: without bound');
}

function queueType(typeid: string, makeStore: () => Store): SharedType {
  return {
    typeid,
    create: (maxSize = 0) => new QueueReferent(makeStore(), maxSize),
    referentType: QueueReferent,
    exposed: EXPOSED,
    isContainer: true,
    proxyType: QueueProxy,
  };
}

const EXPOSED = [
  ...['put', 'get', '_take', '_ack', '_nack', 'size', 'empty', 'full'],
  ...['taskDone', 'join', 'shutdown'],
];

export const queueTypes: readonly SharedType[] = [
  queueType('queue', fifoStore),
  queueType('lifoQueue', lifoStore),
  queueType('priorityQueue', priorityStore),
  queueType('joinableQueue', fifoStore),
];
