// The re-entrant lock: who holds it may acquire it again, and it is free when it was released as often.
// Its owner is a `use` in a process, or whatever a process calls by one name; a bare acquire() is an
// owner of its own, because nothing could tell two tasks of one process apart.

import { inspect } from 'node:util';
import { NotOwnerError } from '../base/errors';
import { type Caller } from '../session/caller';
import { currentCaller } from '../session/current-call';
import { type Delivery } from '../session/delivery';
import { HOLDS } from '../session/guard';
import { type Fences } from './fences';
import { LOCK_METHODS, LockProxy, describe } from './lock';
import { type LockOptions, type Lockable, requireLockOptions } from './lockable';
import { type Claim, type Holding, Permits } from './permits';
import { type SharedType } from './shared-type';
import { type Owner } from './uses';
import { waitingTime } from './wait';

export class RLockReferent implements Lockable {
  readonly permits: Permits;

  constructor(options: LockOptions = {}, fences?: Fences) {
    const rejectsAbandoned = options.abandoned === 'reject';
    this.permits = new Permits({ name: 'rlock', count: 1, bound: 1, rejectsAbandoned, fences });
  }

  acquire(
    timeMs?: number,
    takesAbandoned?: boolean,
    owner?: Owner,
    callers: readonly Owner[] = [],
  ): Delivery | Promise<Delivery> {
    const limitMs = waitingTime(true, timeMs);
    const caller = currentCaller();
    const claim: Claim = { caller, owner, takesAbandoned };
    return this.#reenter(caller, callers) ?? this.permits.acquire(limitMs, claim);
  }

  tryAcquire(owner?: Owner, callers: readonly Owner[] = []): Delivery | undefined {
    const caller = currentCaller();
    return this.#reenter(caller, callers) ?? this.permits.tryAcquire({ caller, owner });
  }

  release(callers: readonly Owner[] = []): number[] {
    const holding = this.#ownBy(currentCaller(), callers);
    if (holding === undefined) {
      throw new NotOwnerError(
        'Cannot release the rlock: it is not held by this use or owner; release it by its handle',
      );
    }
    this.#leave(holding);
    return [holding.fence];
  }

  _release(fence: number): void {
    this.#leave(this.permits.require(fence));
  }

  locked(): boolean {
    return this.permits.current !== undefined;
  }

  /** A use is told from the rest of its process; everything else is not. */
  heldBy(caller: Caller, callers: readonly Owner[]): Holding | undefined {
    const holding = this.permits.current;
    const isOfUse = typeof holding?.owner === 'number';
    if (isOfUse) return this.#ownBy(caller, callers);
    return holding?.caller === caller ? holding : undefined;
  }

  #ownBy(caller: Caller, callers: readonly Owner[]): Holding | undefined {
    const holding = this.permits.current;
    if (holding?.owner === undefined || holding.caller !== caller) return undefined;
    return callers.includes(holding.owner) ? holding : undefined;
  }

  #reenter(caller: Caller, callers: readonly Owner[]): Delivery | undefined {
    const holding = this.#ownBy(caller, callers);
    if (holding === undefined) return undefined;
    holding.depth++;
    return this.permits.deliver(holding);
  }

  #leave(holding: Holding): void {
    if (this.permits.holds(holding.fence) && --holding.depth === 0) this.permits.end(holding);
  }

  [HOLDS](fence: number): boolean {
    return this.permits.holds(fence);
  }

  [inspect.custom](): string {
    return `RLock (${describe(this.permits)})`;
  }
}

export class RLockProxy extends LockProxy {
  protected override get isReentrant(): boolean {
    return true;
  }
}

/** The one lock of another referent, for as long as that lives. */
const lockOf = new WeakMap<object, RLockReferent>();

export const rlockType: SharedType = {
  typeid: 'rlock',
  create: (options?: LockOptions, of?: object) => {
    if (of === undefined) return new RLockReferent(requireLockOptions('an rlock', options));
    let lock = lockOf.get(of);
    if (lock === undefined) lockOf.set(of, (lock = new RLockReferent()));
    return lock;
  },
  referentType: RLockReferent,
  exposed: LOCK_METHODS,
  proxyType: RLockProxy,
};
