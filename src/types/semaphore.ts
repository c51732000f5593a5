// The shared semaphore: a number of permits, as many holders at a time. What a process holds is known
// and comes back when it ends; permits can also be added out of nothing, as in Python.

import { inspect } from 'node:util';
import { LockError, UsageError } from '../base/errors';
import { isCount } from '../base/options';
import { type Flow } from '../proxy/flow';
import { currentCaller } from '../session/current-call';
import { type Delivery } from '../session/delivery';
import { type Fenced, HOLDS } from '../session/guard';
import { AcquirableProxy } from './acquirable';
import { type Fences } from './fences';
import { type LockOptions, requireLockOptions } from './lockable';
import { Permits } from './permits';
import { type SharedType } from './shared-type';
import { type Owner } from './uses';
import { waitingTime } from './wait';

interface SemaphoreOptions extends LockOptions {
  /** There are never more permits than at the beginning. */
  readonly isBounded?: boolean;
}

export class SemaphoreReferent implements Fenced {
  readonly #permits: Permits;
  readonly #bound: number;

  constructor(value: unknown = 1, options: SemaphoreOptions = {}, fences?: Fences) {
    const count = requirePermits(value, 0, 'A semaphore starts with');
    this.#bound = options.isBounded === true ? count : Infinity;
    const rejectsAbandoned = options.abandoned === 'reject';
    const bound = this.#bound;
    this.#permits = new Permits({ name: 'semaphore', count, bound, rejectsAbandoned, fences });
  }

  /** `owner`: of the use that acquires, and gives back what it has itself. */
  acquire(timeMs?: number, takesAbandoned?: boolean, owner?: Owner): Delivery | Promise<Delivery> {
    const limitMs = waitingTime(true, timeMs);
    return this.#permits.acquire(limitMs, { caller: currentCaller(), owner, takesAbandoned });
  }

  tryAcquire(): Delivery | undefined {
    return this.#permits.tryAcquire({ caller: currentCaller() });
  }

  /**
   * Without a handle: first what the caller has acquired, oldest first, so that its end does not give
   * it back once more; then new ones. What a use holds is not touched. Answers the fences that ended.
   */
  release(permits?: unknown): number[] {
    const count = requirePermits(permits ?? 1, 1, 'release() gives back');
    if (this.#permits.free + count > this.#bound) throw this.#beyondBound();
    const caller = currentCaller();
    const own = this.#permits.holdings
      .filter((holding) => holding.caller === caller && holding.owner === undefined)
      .slice(0, count);
    for (const holding of own) this.#permits.end(holding);
    for (let i = own.length; i < count; i++) this.#permits.add();
    return own.map(({ fence }) => fence);
  }

  _release(fence: number): void {
    if (!this.#permits.end(this.#permits.require(fence))) throw this.#beyondBound();
  }

  value(): number {
    return this.#permits.free;
  }

  #beyondBound(): LockError {
    return new LockError(
      `Cannot release the semaphore: it would have more than ${this.#bound} permits, its bound`,
    );
  }

  [HOLDS](fence: number): boolean {
    return this.#permits.holds(fence);
  }

  [inspect.custom](): string {
    const { free, waiting } = this.#permits;
    return `Semaphore (${free} free${waiting > 0 ? `, ${waiting} waiting` : ''})`;
  }
}

function requirePermits(count: unknown, least: number, what: string): number {
  if (isCount(count) && Number(count) >= least) return Number(count);
  throw new UsageError(`${what} a whole number of permits >= ${least}`);
}

export class SemaphoreProxy extends AcquirableProxy {
  /**
   * Without a handle, as in Python: gives back what this process has acquired outside of `use`, and
   * adds permits beyond that. `LockError` beyond the bound, and then nothing was released.
   */
  release(permits = 1): Promise<void> {
    return this.flow(() => this.#releasing(permits));
  }

  /** Permits that are free. */
  value(): Promise<number> {
    return this.call('value', []) as Promise<number>;
  }

  /** A permit may be a signal: acquired by one, released by another. */
  protected override get isOwed(): boolean {
    return false;
  }

  *#releasing(permits: number): Flow<void> {
    yield* this.releasing([requirePermits(permits, 1, 'release() gives back')]);
  }
}

const EXPOSED = ['acquire', 'tryAcquire', 'release', '_release', 'value'];

export const semaphoreType: SharedType = {
  typeid: 'semaphore',
  create: (value?: unknown, options?: LockOptions) =>
    new SemaphoreReferent(value, requireLockOptions('a semaphore', options)),
  referentType: SemaphoreReferent,
  exposed: EXPOSED,
  proxyType: SemaphoreProxy,
};

export const boundedSemaphoreType: SharedType = {
  ...semaphoreType,
  typeid: 'boundedSemaphore',
  create: (value?: unknown, options?: LockOptions) => {
    const checked = requireLockOptions('a semaphore', options);
    return new SemaphoreReferent(value, { ...checked, isBounded: true });
  },
};
