// The types of what `sync()` gives: the members of a proxy with their answers in place of promises.

import { type BaseProxy } from './proxy/base-proxy';
import { type IteratorProxy } from './proxy/iterator-proxy';
import { type LockHandle } from './proxy/lock-handle';
import { type Copied, type HasMethod, type RemoteOf } from './proxy/remote-types';
import { type ArrayProxy } from './types/array';
import { type DictProxy } from './types/dict';
import { type ListProxy } from './types/list';
import { type NamespaceProxy } from './types/namespace';
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
              : P extends BaseProxy
                ? SyncFace<P>
                : SyncRemote<RemoteOf<P>>;
