// The shared lock: one holder at a time, and no way for it to acquire the lock twice.

import { inspect } from 'node:util';
import { LockError } from '../base/errors';
import { resolveOptions } from '../base/options';
import { type Flow } from '../proxy/flow';
import { type Caller } from '../session/caller';
import { currentCaller } from '../session/current-call';
import { type Delivery } from '../session/delivery';
import { HOLDS } from '../session/guard';
import { AcquirableProxy, OWNER_RULE } from './acquirable';
import { type Fences } from './fences';
import { type LockOptions, type Lockable, requireLockOptions } from './lockable';
import { type Holding, Permits } from './permits';
import { type SharedType } from './shared-type';
import { waitingTime } from './wait';

export class LockReferent implements Lockable {
  readonly permits: Permits;

  constructor(options: LockOptions = {}, fences?: Fences) {
    const rejectsAbandoned = options.abandoned === 'reject';
    this.permits = new Permits({ name: 'lock', count: 1, bound: 1, rejectsAbandoned, fences });
  }

  acquire(timeMs?: number, takesAbandoned?: boolean): Delivery | Promise<Delivery> {
    const limitMs = waitingTime(true, timeMs);
    return this.permits.acquire(limitMs, { caller: currentCaller(), takesAbandoned });
  }

  tryAcquire(): Delivery | undefined {
    return this.permits.tryAcquire({ caller: currentCaller() });
  }

  /** By anyone, as in Python. */
  release(): number[] {
    const holding = this.permits.current;
    if (holding === undefined) throw new LockError('Cannot release the lock: it is not held');
    this.permits.end(holding);
    return [holding.fence];
  }

  _release(fence: number): void {
    this.permits.end(this.permits.require(fence));
  }

  locked(): boolean {
    return this.permits.current !== undefined;
  }

  /** Whatever in its process holds it: there is nothing that tells the parts of a process apart. */
  heldBy(caller: Caller): Holding | undefined {
    const holding = this.permits.current;
    return holding?.caller === caller ? holding : undefined;
  }

  [HOLDS](fence: number): boolean {
    return this.permits.holds(fence);
  }

  [inspect.custom](): string {
    return `Lock (${describe(this.permits)})`;
  }
}

/** `held, 2 waiting` */
export function describe({ current, left, waiting }: Permits): string {
  const depth = current === undefined || current.depth === 1 ? '' : ` ${current.depth} times`;
  const free = left > 0 ? 'abandoned' : 'free';
  return `${current === undefined ? free : 'held'}${depth}${waiting > 0 ? `, ${waiting} waiting` : ''}`;
}

/** What the proxies of locks and of conditions have in common. */
export abstract class LockingProxy extends AcquirableProxy {
  /**
   * Without a handle. A plain lock is released by anyone, and `LockError` where it is free; a
   * re-entrant one inside of the `use` that holds it, or by its `owner`: else `NotOwnerError`.
   */
  release(options?: { readonly owner?: string | undefined }): Promise<void> {
    return this.flow(() => this.#releasing(options));
  }

  locked(): Promise<boolean> {
    return this.call('locked', []) as Promise<boolean>;
  }

  *#releasing(options?: object): Flow<void> {
    const { owner } = resolveOptions('release()', { owner: OWNER_RULE }, options);
    const callers = this.callers(owner);
    yield* this.releasing(callers.length === 0 ? [] : [callers]);
  }
}

export class LockProxy extends LockingProxy {}

export const LOCK_METHODS = ['acquire', 'tryAcquire', 'release', '_release', 'locked'];

export const lockType: SharedType = {
  typeid: 'lock',
  create: (options?: LockOptions) => new LockReferent(requireLockOptions('a lock', options)),
  referentType: LockReferent,
  exposed: LOCK_METHODS,
  proxyType: LockProxy,
};
