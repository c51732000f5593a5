// A call may be guarded: it runs only while a lock is held, by the very holding that the guard names.
// Checked in the same turn as the call, so that what a paused process sends too late does nothing.

import { FenceError, ObjectGoneError } from '../base/errors';
import { type Lease } from '../refs/lease';

/** The holding of a lock, on the side of its holder. */
export interface Holding {
  readonly lease: Lease;
  readonly fence: number;
}

/** The handle of a lock tells its holding. */
export const HOLDING = Symbol('holding');

export interface Guarding {
  readonly [HOLDING]: Holding;
}

/** What grants fences answers whether one of them is still held. */
export const HOLDS = Symbol('holds');

export interface Fenced {
  [HOLDS](fence: number): boolean;
}

/** Throws `FenceError` where `lock` is not held under `fence`. */
function requireHeld(lock: object | undefined, fence: number): void {
  if (lock === undefined || !(HOLDS in lock)) {
    throw new FenceError('The guard of the call is no lock');
  }
  if (!(lock as Fenced)[HOLDS](fence)) throw over(fence);
}

/** The same, where the session may have given the lock back: then it holds nothing by it. */
export function requireHeldOf(find: () => object | undefined, fence: number): void {
  let lock: object | undefined;
  try {
    lock = find();
  } catch (error) {
    throw error instanceof ObjectGoneError ? over(fence) : error;
  }
  requireHeld(lock, fence);
}

function over(fence: number): FenceError {
  return new FenceError(
    `The call was not run: its guard, fence ${String(fence)}, no longer holds the lock; acquire it again and read anew what it protects`,
  );
}
