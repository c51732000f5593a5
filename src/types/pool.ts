// Worker processes of the manager, as Python's `Pool`: a task is a function named by its module, and
// runs with arguments that may be proxies. The pool itself is in `pool-referent.ts`.

import { UsageError } from '../base/errors';
import { isCount, isDuration, option, resolveOptions } from '../base/options';
import { type ModuleRef, resolveModule } from '../process/modules';
import { BaseProxy } from '../proxy/base-proxy';
import { type Flow } from '../proxy/flow';
import { type WaitOptions } from '../proxy/options';
import { type AsyncResult } from './async-result';
import { type Feeding, PoolIterator } from './pool-feed';
import { type Arguments } from './pool-job';
import { type PoolConfig, PoolReferent } from './pool-referent';
import { type Home, type SharedType } from './shared-type';

export interface PoolOptions {
  /** Runs in each worker before its first task. One that fails breaks the pool. */
  readonly initializer?: ModuleRef | undefined;
  readonly initargs?: readonly unknown[] | undefined;
  /** A worker is replaced by another after so many tasks; a chunk of a map counts as one. */
  readonly maxTasksPerChild?: number | undefined;
}

export interface ChunkOptions {
  /** Items that go to a worker in one go. Of `map` by default four goes for each worker, of `imap` 1. */
  readonly chunkSize?: number | undefined;
}

export interface MapOptions extends ChunkOptions, WaitOptions {}

export interface PoolAsyncOptions<R> extends ChunkOptions {
  /** Called here with the result. */
  readonly callback?: ((value: R) => unknown) | undefined;
  /** Called here with the error. */
  readonly errorCallback?: ((error: unknown) => unknown) | undefined;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isPositive = (value: unknown): boolean => isCount(value) && value !== 0;
const positive = option<number | undefined>(undefined, isPositive, 'a whole number >= 1');
const callback = option<unknown>(undefined, isFunction, 'a function');

const POOL_RULES = {
  initializer: option<ModuleRef | undefined>(undefined, () => true, 'a module'),
  initargs: option<readonly unknown[]>([], Array.isArray, 'an array'),
  maxTasksPerChild: positive,
};
const WAIT_RULES = {
  timeoutMs: option<number>(0, isDuration, 'a number of milliseconds >= 0'),
  signal: option<AbortSignal | undefined>(
    undefined,
    (value) => value instanceof AbortSignal,
    'an AbortSignal',
  ),
};
const CHUNK_RULES = { chunkSize: positive };
const MAP_RULES = { ...CHUNK_RULES, ...WAIT_RULES };
const ASYNC_RULES = { ...CHUNK_RULES, callback, errorCallback: callback };

/** What the options of a pool say, as the manager is told it. Throws `UsageError`. */
export function resolvePoolOptions(options?: PoolOptions): PoolConfig {
  const { initializer, ...rest } = resolveOptions('a pool', POOL_RULES, options);
  return initializer === undefined ? rest : { ...rest, initializer: resolveModule(initializer) };
}

/**
 * Processes that run tasks. A task that is running when nobody waits for it any more goes on, with
 * its `currentSignal()` aborted; one that has not started never does. `ProcessDiedError` where a
 * worker ends in the middle of a task. With the last proxy of a pool its processes end.
 */
export class PoolProxy extends BaseProxy implements AsyncDisposable {
  /** The task's result, awaited in the worker. `timeoutMs: 0`: without end. */
  apply<R = unknown>(task: ModuleRef, args: Arguments = [], options?: WaitOptions): Promise<R> {
    return this.flow(() => this.#apply<R>(task, args, options));
  }

  /** Returns while the task runs. Callbacks run in this process. */
  applyAsync<R = unknown>(
    task: ModuleRef,
    args: Arguments = [],
    onResult?: (value: R) => unknown,
    onError?: (error: unknown) => unknown,
  ): Promise<AsyncResult<R>> {
    return this.flow(() => this.#applyAsync<R>(task, args, [onResult, onError]));
  }

  /** The task's results for each item, in their order. The first error ends it: the rest is dropped. */
  map<R = unknown>(task: ModuleRef, items: Iterable<unknown>, options?: MapOptions): Promise<R[]> {
    return this.flow(() => this.#map<R>(task, eachAlone(items), options));
  }

  /** As `map`, with items that are lists of arguments. */
  starmap<R = unknown>(
    task: ModuleRef,
    items: Iterable<Arguments>,
    options?: MapOptions,
  ): Promise<R[]> {
    return this.flow(() => this.#map<R>(task, eachSpread(items), options));
  }

  mapAsync<R = unknown>(
    task: ModuleRef,
    items: Iterable<unknown>,
    options?: PoolAsyncOptions<R[]>,
  ): Promise<AsyncResult<R[]>> {
    return this.flow(() => this.#mapAsync<R>(task, eachAlone(items), options));
  }

  starmapAsync<R = unknown>(
    task: ModuleRef,
    items: Iterable<Arguments>,
    options?: PoolAsyncOptions<R[]>,
  ): Promise<AsyncResult<R[]>> {
    return this.flow(() => this.#mapAsync<R>(task, eachSpread(items), options));
  }

  /**
   * Results as they come, in the order of the items, which are read as they are needed: they may be
   * without end. Leaving the loop drops what has not started; an error
   * ends it.
   */
  imap<R = unknown>(
    task: ModuleRef,
    items: Iterable<unknown>,
    options?: ChunkOptions,
  ): AsyncIterableIterator<R> {
    return this.#iterate<R>(task, items, options, true);
  }

  /** As `imap`, each result as soon as it is there. */
  imapUnordered<R = unknown>(
    task: ModuleRef,
    items: Iterable<unknown>,
    options?: ChunkOptions,
  ): AsyncIterableIterator<R> {
    return this.#iterate<R>(task, items, options, false);
  }

  /** From now on it takes no tasks; its processes end when those that it has are done. */
  close(): Promise<void> {
    return this.call('close', []) as Promise<void>;
  }

  /** Ends its processes at once. Whoever waits for a task gets `ProcessDiedError`. */
  terminate(): Promise<void> {
    return this.call('terminate', []) as Promise<void>;
  }

  /** Resolves when its processes have ended. `UsageError` before `close()` or `terminate()`. */
  join(options?: WaitOptions): Promise<void> {
    return this.flow(() => this.#join(options));
  }

  /** `terminate()` and `join()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.flow(() => this.#dispose());
  }

  *#apply<R>(task: ModuleRef, args: Arguments, options?: WaitOptions): Flow<R> {
    const { timeoutMs, signal } = resolveOptions('apply()', WAIT_RULES, options);
    const sent = [resolveModule(task), [...args], endless(timeoutMs)];
    return yield this.call('apply', sent, signal);
  }

  *#applyAsync<R>(
    task: ModuleRef,
    args: Arguments,
    callbacks: readonly unknown[],
  ): Flow<AsyncResult<R>> {
    if (!callbacks.every((one) => one === undefined || isFunction(one))) {
      throw new UsageError('The callbacks of applyAsync() must be functions');
    }
    this.#requireServed(callbacks);
    const sent = [resolveModule(task), [...args], ...callbacks];
    return keep(this, yield this.call('applyAsync', sent));
  }

  *#map<R>(task: ModuleRef, calls: Iterable<Arguments>, options?: MapOptions): Flow<R[]> {
    const { timeoutMs, signal, chunkSize } = resolveOptions('map()', MAP_RULES, options);
    const sent = [resolveModule(task), [...calls], chunkSize, endless(timeoutMs)];
    return yield this.call('map', sent, signal);
  }

  *#mapAsync<R>(
    task: ModuleRef,
    calls: Iterable<Arguments>,
    options?: PoolAsyncOptions<R[]>,
  ): Flow<AsyncResult<R[]>> {
    const given = resolveOptions('mapAsync()', ASYNC_RULES, options);
    this.#requireServed([given.callback, given.errorCallback]);
    const sent = [
      resolveModule(task),
      [...calls],
      given.chunkSize,
      given.callback,
      given.errorCallback,
    ];
    return keep(this, yield this.call('mapAsync', sent));
  }

  /** A callback that comes between two blocking calls waits for the event loop, and the result for it. */
  #requireServed(callbacks: readonly unknown[]): void {
    if (!this.isSync || callbacks.every((one) => one === undefined)) return;
    throw new UsageError(
      'A pool behind sync() takes no callbacks: a thread that blocks serves them late or never; use what get() of the result answers',
    );
  }

  #iterate<R>(
    task: ModuleRef,
    items: Iterable<unknown>,
    options: ChunkOptions | undefined,
    ordered: boolean,
  ): AsyncIterableIterator<R> {
    if (this.isSync) {
      throw new UsageError('imap() gives results as they come: behind sync() use map()');
    }
    const { chunkSize = 1 } = resolveOptions('imap()', CHUNK_RULES, options);
    const feeding = this.call('_feed', [resolveModule(task), chunkSize, ordered]) as Feeding;
    return keep(this, new PoolIterator<R>(feeding, eachAlone(items)));
  }

  *#join(options?: WaitOptions): Flow<void> {
    const { timeoutMs, signal } = resolveOptions('join()', WAIT_RULES, options);
    yield this.call('join', [endless(timeoutMs)], signal);
  }

  *#dispose(): Flow<void> {
    yield this.terminate();
    yield this.join();
    this[Symbol.dispose]();
  }
}

/** A pool lives as long as what it gave: with its last proxy its processes would end. */
const poolOf = new WeakMap<object, PoolProxy>();

function keep<T extends object>(pool: PoolProxy, given: T): T {
  poolOf.set(given, pool);
  return given;
}

/** 0, as everywhere in the options of a call, is without end. */
function endless(timeoutMs: number): number | undefined {
  return timeoutMs === 0 ? undefined : timeoutMs;
}

function* eachAlone(items: Iterable<unknown>): Generator<Arguments, void, undefined> {
  for (const item of items) yield [item];
}

function* eachSpread(items: Iterable<Arguments>): Generator<Arguments, void, undefined> {
  for (const item of items) yield [...item];
}

export const poolType: SharedType = {
  typeid: 'pool',
  create: (home: Home | undefined, processes?: number, config?: PoolConfig) =>
    new PoolReferent(home, processes, config),
  takesHome: true,
  referentType: PoolReferent,
  exposed: ['apply', 'applyAsync', 'map', 'mapAsync', '_feed', 'close', 'terminate', 'join'],
  proxyType: PoolProxy,
  owned: true,
};
