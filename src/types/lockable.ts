// What a condition needs of a lock, and how a lock's options are read.

import { option, resolveOptions } from '../base/options';
import { type Caller } from '../session/caller';
import { type Delivery } from '../session/delivery';
import { type Fenced } from '../session/guard';
import { type Holding, type Permits } from './permits';
import { type Owner } from './uses';

export interface LockOptions {
  /**
   * What becomes of the lock when its holder is gone: the next one is granted it and told by
   * `handle.abandoned` (`'grant'`, the default), or acquiring rejects with `LockError` until somebody
   * asks for it with `{ abandoned: 'grant' }`.
   */
  readonly abandoned?: 'grant' | 'reject' | undefined;
}

const RULES = {
  abandoned: option<'grant' | 'reject'>(
    'grant',
    (value) => value === 'grant' || value === 'reject',
    "'grant' or 'reject'",
  ),
};

/** Throws `UsageError` for what is no option of a lock. */
export function requireLockOptions(owner: string, options?: LockOptions): LockOptions {
  return resolveOptions(owner, RULES, options);
}

/** A lock in the manager: its methods as they are called from afar, and what a condition does to it. */
export interface Lockable extends Fenced {
  readonly permits: Permits;
  acquire(
    timeMs?: number,
    takesAbandoned?: boolean,
    owner?: Owner,
    callers?: readonly Owner[],
  ): Delivery | Promise<Delivery>;
  tryAcquire(owner?: Owner, callers?: readonly Owner[]): Delivery | undefined;
  /** Answers the fence of which something was given back. */
  release(callers?: readonly Owner[]): number[];
  /** By its handle. */
  _release(fence: number): void;
  locked(): boolean;
  /** What the code that calls holds of it; undefined: nothing. */
  heldBy(caller: Caller, callers: readonly Owner[]): Holding | undefined;
}
