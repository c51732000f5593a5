// What a session needs of the layers above it: the objects of this side, and its proxies.

import { type Lease, type Lessor } from '../refs/lease';
import { type Target } from '../wire/references';
import { type Exposure } from './exposure';

/** An object of this side that the peer may call. */
export interface Subject {
  readonly referent: object | undefined;
  readonly exposure: Exposure;
  /** While it is still being made. */
  readonly ready: Promise<void> | undefined;
  /** Why it could not be made. */
  readonly failure: unknown;
  /** Disposed with its last reference. */
  readonly owned: boolean;
}

export interface Lent {
  readonly id: number;
  readonly typeid: string;
  readonly callable: boolean;
}

export interface Creation {
  readonly id: number;
  /** Whether `id` counts from the start of the peer's range. */
  readonly relative: boolean;
  readonly typeid: string;
}

/** The objects of this side, as far as one session may reach them. */
export interface Party {
  /** Throws `ObjectGoneError` for what the peer does not hold. */
  subject(id: number, relative: boolean): Subject;
  /**
   * Lends `value` to the peer: one more count. `typeid` is the type it is shared under, where a
   * registration says so. Throws `SerializationError` for what cannot be lent here.
   */
  lend(value: object, path: string, purpose: Purpose, typeid?: string): Lent;
  /** The peer gives counts back. */
  released(id: number, count: number): void;
  /** The peer takes one more count of what it holds. */
  duplicate(id: number, relative: boolean): void;
  /** The peer creates an object; `args` may be called once `needs` are settled. */
  create(creation: Creation, args: () => unknown[], needs: readonly Promise<unknown>[]): void;
  mint(mint: {
    readonly number: number;
    readonly id: number;
    readonly uses: number;
    readonly ttlMs: number;
  }): void;
}

/**
 * container: into a shared list or dict, where a function or an instance would die with its sender.
 * argument, result: of a call. instance: a result of an object that lends what it answers.
 */
export type Purpose = 'container' | 'argument' | 'result' | 'instance';

/** Where a member of a remote object stands that nobody awaited. */
export interface MemberPath {
  readonly lessor: Lessor;
  /** The lease at the beginning of its chain. */
  readonly root: Lease;
  readonly target: Target;
  readonly path: readonly string[];
}

/** Proxies, as the session sees them. */
export interface Translator {
  /** The lease of a handle; undefined where `value` is none. */
  leaseOf(value: object): Lease | undefined;
  /** Where a lazy member stands; undefined where `value` is none. */
  pathOf(value: object): MemberPath | undefined;
  /** What a handle of a name is written as, which holds nothing; undefined where `value` is none. */
  nameTokenOf(value: object): string | undefined;
  /** A token that can be claimed once. Undefined: its session cannot make one, and calls are passed on. */
  onceToken(lease: Lease): string | undefined;
  /** The handle for a lease that the peer gave; `isBlocking`: to a call that blocked the thread. */
  adopt(lease: Lease, isBlocking: boolean): object;
  /**
   * What a token names: a handle at once, or the object itself in its own process; `claim` settles
   * when it can be used, with the object where `value` is undefined.
   */
  open(text: string): { readonly value: unknown; readonly claim: Promise<unknown> | undefined };
}
