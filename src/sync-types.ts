// The types of what `sync()` gives: the members of a proxy with their answers in place of promises.

import { type BaseProxy } from './proxy/base-proxy';
import { type IteratorProxy } from './proxy/iterator-proxy';
import { type LockHandle } from './proxy/lock-handle';
import { type Copied, type HasMethod, type RemoteOf } from './proxy/remote-types';
import { type ModuleRef } from './process/modules';
import { type WaitOptions } from './proxy/options';
import { type AcquirableProxy } from './types/acquirable';
import { type ArrayProxy } from './types/array';
import { type AsyncResult } from './types/async-result';
import { type DictProxy } from './types/dict';
import { type ListProxy } from './types/list';
import { type NamespaceProxy } from './types/namespace';
import { type MapOptions, type PoolAsyncOptions, type PoolProxy } from './types/pool';
import { type Arguments } from './types/pool-job';
import { type TakenItem } from './types/queue';
import { type SetProxy } from './types/set';

/** What a method gives whose promise nobody has to wait for. */
type SyncOut<T> = T extends BaseProxy | LockHandle
  ? Sync<T>
  : T extends TakenItem
    ? SyncFace<T>
    : T extends Promise<infer V>
      ? SyncOut<V>
      : T extends AsyncIterableIterator<infer U>
        ? IterableIterator<U>
        : T;
type SyncMember<M> = M extends (...args: infer A) => infer R
  ? (...args: A) => SyncOut<R>
  : SyncOut<M>;
type SyncFace<P> = { [K in Exclude<keyof P, typeof Symbol.asyncIterator>]: SyncMember<P[K]> };

/** Methods with type parameters, which a mapped type would lose. */
interface Uses {
  use<R>(body: (handle: SyncLockHandle) => R, options?: WaitOptions): R;
}
interface Tasks {
  apply<R = unknown>(task: ModuleRef, args?: Arguments, options?: WaitOptions): R;
  applyAsync<R = unknown>(
    task: ModuleRef,
    args?: Arguments,
    onResult?: (value: R) => unknown,
    onError?: (error: unknown) => unknown,
  ): SyncFace<AsyncResult<R>>;
  map<R = unknown>(task: ModuleRef, items: Iterable<unknown>, options?: MapOptions): R[];
  starmap<R = unknown>(task: ModuleRef, items: Iterable<Arguments>, options?: MapOptions): R[];
  mapAsync<R = unknown>(
    task: ModuleRef,
    items: Iterable<unknown>,
    options?: PoolAsyncOptions<R[]>,
  ): SyncFace<AsyncResult<R[]>>;
  starmapAsync<R = unknown>(
    task: ModuleRef,
    items: Iterable<Arguments>,
    options?: PoolAsyncOptions<R[]>,
  ): SyncFace<AsyncResult<R[]>>;
}

type SyncLanded<T> = T extends BaseProxy | Copied
  ? T
  : T extends object
    ? HasMethod<T> extends true
      ? SyncRemote<T>
      : T
    : T;

/** A remote object whose members answer at once. */
export type SyncRemote<T> = (T extends (...args: infer A) => infer R
  ? (...args: A) => SyncLanded<Awaited<R>>
  : unknown) & {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => SyncLanded<Awaited<R>>
    : SyncLanded<T[K]>;
} & Disposable;

/** The handle of a lock, released at once. */
export type SyncLockHandle = Omit<LockHandle, 'release' | typeof Symbol.asyncDispose> &
  Disposable & { release(): void };

/** The same proxy, synchronously. */
export type Sync<P> = P extends LockHandle
  ? SyncLockHandle
  : P extends ListProxy<infer T>
    ? SyncFace<P> & Iterable<T> & { [index: number]: T }
    : P extends ArrayProxy<infer N>
      ? SyncFace<P> & Iterable<N> & { [index: number]: N }
      : P extends DictProxy<infer K, infer V>
        ? SyncFace<P> & Iterable<[K, V]>
        : P extends SetProxy<infer T>
          ? SyncFace<P> & Iterable<T>
          : P extends NamespaceProxy<infer M>
            ? SyncFace<P> & M
            : P extends IteratorProxy<infer T>
              ? IterableIterator<T> & Disposable
              : P extends AcquirableProxy
                ? Omit<SyncFace<P>, keyof Uses> & Uses
                : P extends PoolProxy
                  ? Omit<SyncFace<P>, keyof Tasks> & Tasks
                  : P extends BaseProxy
                    ? SyncFace<P>
                    : SyncRemote<RemoteOf<P>>;
