// `sync(proxy)` and `sync(manager)`: the same referents, for code that blocks until it is answered.

import { Creators } from './creators';
import { type Snapshot } from './host/control';
import { Manager, connectionOf, makeObject } from './manager';
import { behind } from './manager-front';
import { hasEnded } from './process/child';
import { type ModuleRef } from './process/modules';
import { blocking, requireElsewhere, withOptions } from './proxy/functions';
import { type CallOptions, type HandleOptions, SYNC, mergeOptions } from './proxy/options';
import { type Loose } from './proxy/remote-types';
import { typesOf } from './registrations';
import { type NameOptions } from './session/naming';
import { type Purpose } from './session/parties';
import { type Sync, type SyncRemote } from './sync-types';
import { sleepSync } from './transport/sync-pipe';
import { type ArrayProxy } from './types/array';
import { type BarrierOptions, type BarrierProxy } from './types/barrier';
import { type Cell, type Typecode } from './types/cells';
import { type DictProxy } from './types/dict';
import { type EventProxy } from './types/event';
import { type Key } from './types/keys';
import { type ConditionProxy } from './types/condition';
import { type ListProxy } from './types/list';
import { type LockProxy } from './types/lock';
import { type LockOptions } from './types/lockable';
import { type PoolOptions, type PoolProxy } from './types/pool';
import { type SemaphoreProxy } from './types/semaphore';
import { type NamespaceProxy } from './types/namespace';
import { type QueueProxy } from './types/queue';
import { type SetProxy } from './types/set';
import { type ValueProxy } from './types/value';

/** `sync(manager)`: its creators answer sync proxies. */
export interface SyncManager {
  list<T = unknown>(items?: Iterable<T>): Sync<ListProxy<T>>;
  dict<K = string, V = unknown>(
    items?: Iterable<readonly [K & Key, V]>,
  ): Sync<DictProxy<K & Key, V>>;
  dict<V>(items: Readonly<Record<string, V>>): Sync<DictProxy<string, V>>;
  set<T = Key>(items?: Iterable<T & Key>): Sync<SetProxy<T & Key>>;
  value<T = unknown>(initial?: T): Sync<ValueProxy<T>>;
  array<C extends Typecode>(
    typecode: C,
    items: Iterable<Cell<C>> | number,
  ): Sync<ArrayProxy<Cell<C>>>;
  namespace<T extends object = Record<string, unknown>>(members?: T): Sync<NamespaceProxy<T>>;
  queue<T = unknown>(maxSize?: number): Sync<QueueProxy<T>>;
  lifoQueue<T = unknown>(maxSize?: number): Sync<QueueProxy<T>>;
  priorityQueue<T = unknown>(maxSize?: number): Sync<QueueProxy<T>>;
  joinableQueue<T = unknown>(maxSize?: number): Sync<QueueProxy<T>>;
  event(): Sync<EventProxy>;
  barrier(parties: number, options?: BarrierOptions): Sync<BarrierProxy>;
  lock(options?: LockOptions): Sync<LockProxy>;
  rlock(options?: LockOptions): Sync<LockProxy>;
  semaphore(value?: number, options?: LockOptions): Sync<SemaphoreProxy>;
  boundedSemaphore(value?: number, options?: LockOptions): Sync<SemaphoreProxy>;
  condition(lock?: LockProxy | Sync<LockProxy>): Sync<ConditionProxy>;
  pool(processes?: number, options?: PoolOptions): Sync<PoolProxy>;
  create<T = Loose>(typeid: string, ...args: unknown[]): SyncRemote<T>;
  module<T = Loose>(specifier: string): SyncRemote<T>;
  /** As `manager.named`; a factory answers at once. */
  named<P extends object>(key: Key, create?: () => P | Sync<P>, options?: NameOptions): Sync<P>;
  /** Blocks until the manager serves. Throws what stopped it. */
  start(initializer?: ModuleRef, ...args: unknown[]): void;
  /** Blocks until the server has ended. */
  shutdown(options?: { readonly drainMs?: number }): void;
  numberOfObjects(): number;
  debugInfo(): string;
  inspect(): Snapshot;
  readonly address: string;
  readonly pid: number | undefined;
}

/**
 * The same referent, synchronously: each call blocks this thread until it is answered. Callbacks given
 * to such a call are served meanwhile; the event loop is not. What was sent before, awaited or not,
 * comes before it.
 */
export function sync(manager: Manager): SyncManager;
export function sync<T extends object>(proxy: T): Sync<T>;
export function sync(subject: object): object {
  if (!(subject instanceof Manager)) return blocking(subject);
  requireElsewhere(subject.address);
  const { manager, options } = behind(subject);
  if (options !== undefined) return new BlockingManager(manager, options);
  const known = managers.get(manager) ?? new BlockingManager(manager);
  managers.set(manager, known);
  return known;
}

/** The same with more options: `sync` and `withOptions` may be applied in any order. */
export let blockingWithOptions: (blocking: BlockingManager, more: CallOptions) => BlockingManager;

const managers = new WeakMap<Manager, BlockingManager>();
/** Between the signals that help a process to its end. */
const KILL_STEP_MS = 1000;

export class BlockingManager extends Creators {
  static {
    blockingWithOptions = (blocking, more) =>
      new BlockingManager(blocking.#manager, mergeOptions(blocking.#options, more));
  }

  readonly #manager: Manager;
  readonly #options: HandleOptions;

  constructor(manager: Manager, options?: HandleOptions) {
    super();
    this.#manager = manager;
    this.#options = { ...options, [SYNC]: true };
    for (const typeid of typesOf(manager.constructor).keys()) {
      if (!(typeid in manager) || typeid in this) continue;
      const value = (...args: unknown[]): unknown => this.create(typeid, ...args);
      Object.defineProperty(this, typeid, { value });
    }
  }

  get address(): string {
    return this.#manager.address;
  }
  get pid(): number | undefined {
    return this.#manager.pid;
  }

  module(specifier: string): object {
    return this.#late(this.#manager.module(specifier));
  }

  named(key: Key, create?: () => object, options?: NameOptions): object {
    return this.#late(this.#manager.named(key, create, options));
  }

  #late(handle: object): object {
    return blocking(withOptions(handle, this.#options));
  }

  start(initializer?: ModuleRef, ...args: unknown[]): void {
    // Begun at once, up to where it waits; what it would wait for is waited for here.
    this.#manager.start(initializer, ...args).catch(toldHere);
    connectionOf(this.#manager).blocking.open();
  }

  shutdown(options?: { readonly drainMs?: number }): void {
    const { pid, state, shutdownTimeoutMs } = this.#manager;
    const lane = state === 'started' ? connectionOf(this.#manager).blocking : undefined;
    const drainMs = options?.drainMs ?? 0;
    this.#manager.shutdown(options).catch(toldHere);
    lane?.shutdown(drainMs);
    if (pid === undefined) return;
    waitForEnd(pid, shutdownTimeoutMs + drainMs, () => lane?.hear());
    lane?.close();
  }

  numberOfObjects(): number {
    return this.#manage('numberOfObjects') as number;
  }
  debugInfo(): string {
    return this.#manage('debugInfo') as string;
  }
  inspect(): Snapshot {
    return this.#manage('inspect') as Snapshot;
  }

  protected override make(typeid: string, args: readonly unknown[], purpose: Purpose): object {
    return makeObject(connectionOf(this.#manager), { typeid, args, purpose }, this.#options);
  }

  #manage(name: string): unknown {
    return connectionOf(this.#manager).blocking.manage(name);
  }
}

/** Signals help, each stronger than the one before. `hear` takes what the process still says. */
function waitForEnd(pid: number, timeoutMs: number, hear: () => void): void {
  const steps = [
    { signal: undefined, waitMs: timeoutMs },
    { signal: 'SIGTERM', waitMs: KILL_STEP_MS },
    { signal: 'SIGKILL', waitMs: KILL_STEP_MS },
  ] as const;
  for (const { signal, waitMs } of steps) {
    if (signal !== undefined) process.kill(pid, signal);
    const end = performance.now() + waitMs;
    while (performance.now() < end) {
      const isOver = hasEnded(pid);
      hear();
      if (isOver) return;
      sleepSync(1);
    }
  }
}

/** The blocking call throws it. */
function toldHere(): undefined {
  return undefined;
}
