// What a manager makes: a method for each shared type, and one for registered types. Each answers its
// proxy at once; the message leaves with the tick, and an error of the making rejects the first call.

import { EventEmitter } from 'node:events';
import { UsageError } from './base/errors';
import { type Exit } from './process/child';
import { lateOf } from './proxy/late';
import { type HandleOptions } from './proxy/options';
import { type Loose, type Remote } from './proxy/remote-types';
import { type Purpose } from './session/parties';
import { type ArrayProxy, cellsOf } from './types/array';
import { type BarrierOptions, type BarrierProxy, barrierArguments } from './types/barrier';
import { type Cell, type Typecode } from './types/cells';
import { type DictProxy, entriesOf } from './types/dict';
import { type EventProxy } from './types/event';
import { type Key } from './types/keys';
import { type ListProxy } from './types/list';
import { type NamespaceProxy, attributesOf } from './types/namespace';
import { type QueueProxy, requireMaxSize } from './types/queue';
import { type PoolOptions, type PoolProxy, resolvePoolOptions } from './types/pool';
import { type SetProxy, membersOf } from './types/set';
import { isShared } from './types/shared-type';
import { type ValueProxy } from './types/value';
import { type ConditionProxy } from './types/condition';
import { LockProxy } from './types/lock';
import { type LockOptions, requireLockOptions } from './types/lockable';
import { type SemaphoreProxy } from './types/semaphore';

export interface ManagerEvents {
  exit: [Exit];
  disconnect: [Error | undefined];
  reconnect: [{ readonly restarted: boolean }];
  warning: [Error];
}

type Making = [typeid: string, args: readonly unknown[], purpose: Purpose, options?: HandleOptions];

/** What `make` of these creators makes. */
export let makeBy: (creators: Creators, ...making: Making) => object;

export abstract class Creators extends EventEmitter<ManagerEvents> {
  static {
    makeBy = (creators, ...making) => creators.make(...making);
  }

  /** A shared list. At once: an error of its making rejects the first call. */
  list<T = unknown>(items?: Iterable<T>): ListProxy<T> {
    const args = items === undefined ? [] : [itemsOf(items)];
    return this.make('list', args, 'container') as ListProxy<T>;
  }

  /** A shared dict, from entries or from an object. Keys are primitives. */
  dict<K = string, V = unknown>(items?: Iterable<readonly [K & Key, V]>): DictProxy<K & Key, V>;
  dict<V>(items: Readonly<Record<string, V>>): DictProxy<string, V>;
  dict(
    items?: Iterable<readonly [unknown, unknown]> | Readonly<Record<string, unknown>>,
  ): DictProxy<never> {
    const args = items === undefined ? [] : [isShared(items) ? items : entriesOf(items)];
    return this.make('dict', args, 'container') as DictProxy<never>;
  }

  /** A shared set. Members are primitives. */
  set<T = Key>(items?: Iterable<T & Key>): SetProxy<T & Key> {
    const args = items === undefined ? [] : [membersOf(items)];
    return this.make('set', args, 'container') as SetProxy<T & Key>;
  }

  /** A shared cell for any one value. */
  value<T = unknown>(initial?: T): ValueProxy<T> {
    return this.make('value', [initial], 'container') as ValueProxy<T>;
  }

  /**
   * Numbers of one kind, of a length that never changes; a number gives so many zeroes. Throws
   * `TypeError` for what is no number of the kind, `RangeError` for what the typecode cannot hold.
   */
  array<C extends Typecode>(typecode: C, items: Iterable<Cell<C>> | number): ArrayProxy<Cell<C>> {
    return this.make('array', cellsOf(typecode, items), 'container') as ArrayProxy<Cell<C>>;
  }

  /** Named attributes, at first the fields of `members`. */
  namespace<T extends object = Record<string, unknown>>(members?: T): NamespaceProxy<T> {
    const args = members === undefined ? [] : [attributesOf(members)];
    return this.make('namespace', args, 'container') as NamespaceProxy<T>;
  }

  /** A shared queue, first in first out. `maxSize` of 0 or less: without bound. */
  queue<T = unknown>(maxSize = 0): QueueProxy<T> {
    return this.make('queue', [requireMaxSize(maxSize)], 'container') as QueueProxy<T>;
  }

  /** A shared queue, last in first out. */
  lifoQueue<T = unknown>(maxSize = 0): QueueProxy<T> {
    return this.make('lifoQueue', [requireMaxSize(maxSize)], 'container') as QueueProxy<T>;
  }

  /** A shared queue, the least first: of numbers, bigints, texts, or `[priority, item]`. */
  priorityQueue<T = unknown>(maxSize = 0): QueueProxy<T> {
    return this.make('priorityQueue', [requireMaxSize(maxSize)], 'container') as QueueProxy<T>;
  }

  /** The same as `queue`, by the name that Python has for one with `taskDone` and `join`. */
  joinableQueue<T = unknown>(maxSize = 0): QueueProxy<T> {
    return this.make('joinableQueue', [requireMaxSize(maxSize)], 'container') as QueueProxy<T>;
  }

  /** A shared flag that can be waited for. */
  event(): EventProxy {
    return this.make('event', [], 'argument') as EventProxy;
  }

  /** Where `parties` wait for each other. */
  barrier(parties: number, options?: BarrierOptions): BarrierProxy {
    return this.make('barrier', barrierArguments(parties, options), 'argument') as BarrierProxy;
  }

  /** A lock: one holder at a time, given up by the end of its process too. */
  lock(options?: LockOptions): LockProxy {
    return this.make('lock', lockArgs('lock()', options), 'argument') as LockProxy;
  }

  /** A lock that a `use` of it, or an `owner`, can acquire again while holding it. */
  rlock(options?: LockOptions): LockProxy {
    return this.make('rlock', lockArgs('rlock()', options), 'argument') as LockProxy;
  }

  /** As many holders at a time as `value` says. A bad value rejects the first call. */
  semaphore(value = 1, options?: LockOptions): SemaphoreProxy {
    const args = [value, ...lockArgs('semaphore()', options)];
    return this.make('semaphore', args, 'argument') as SemaphoreProxy;
  }

  /** The same, and releasing more than was acquired is an error. */
  boundedSemaphore(value = 1, options?: LockOptions): SemaphoreProxy {
    const args = [value, ...lockArgs('boundedSemaphore()', options)];
    return this.make('boundedSemaphore', args, 'argument') as SemaphoreProxy;
  }

  /** A condition, with a lock of this manager, or an rlock of its own. */
  condition(lock?: LockProxy): ConditionProxy {
    const isLock = (lock as unknown) instanceof LockProxy;
    if (lock !== undefined && !isLock && lateOf(lock) === undefined) {
      throw new UsageError('A condition is made with a lock or an rlock of the same manager');
    }
    const args = lock === undefined ? [] : [lock];
    return this.make('condition', args, 'argument') as ConditionProxy;
  }

  /**
   * Worker processes, children of the manager. Default: one for each core that it may use; with its
   * last proxy they end. Anything but a whole number >= 1 rejects the first call.
   */
  pool(processes?: number, options?: PoolOptions): PoolProxy {
    return this.make('pool', [processes, resolvePoolOptions(options)], 'argument') as PoolProxy;
  }

  /** An object of a registered type. An unknown typeid rejects the first call. */
  create<T = Loose>(typeid: string, ...args: unknown[]): Remote<T> {
    requireTypeid(typeid);
    return this.make(typeid, args, 'argument') as Remote<T>;
  }

  /** Throws: a manager is no value, and JSON would make an empty object of it. */
  toJSON(): never {
    throw new UsageError(
      'A manager cannot be sent: send its proxies, or its address, for Manager.connect(address)',
    );
  }

  /** `options`: of the calls of what is made. */
  protected abstract make(...making: Making): object;
}

export function requireTypeid(typeid: unknown): void {
  if (typeof typeid === 'string' && typeid !== '') return;
  const hint =
    typeof typeid === 'function'
      ? '; a class is registered under one first: Manager.register(typeid, { module, export })'
      : '';
  throw new UsageError(`A typeid is a text that is not empty${hint}`);
}

function lockArgs(owner: string, options: LockOptions | undefined): LockOptions[] {
  return options === undefined ? [] : [requireLockOptions(owner, options)];
}

function itemsOf(items: unknown): unknown {
  if (isShared(items)) return items;
  if (typeof items === 'object' && items !== null && Symbol.iterator in items) {
    return [...(items as Iterable<unknown>)];
  }
  if (typeof items === 'string') return Array.from(items);
  throw new UsageError('A list is made of an array or another iterable');
}
