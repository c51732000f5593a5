// The shared condition: a lock, and who sleeps until it is told that something has changed.
//
// Rule 1: wait() releases the lock whole and goes to sleep in one turn: no notification falls between.
// Rule 2: who is notified moves to the queue of the lock, and wakes when it holds it again.
// Rule 3: one that was notified and is gone before it could act passes the notification on. One too
//         many may wake; none is lost.

import { inspect } from 'node:util';
import { LockError, UsageError } from '../base/errors';
import { isCount, requireFunction, resolveOptions } from '../base/options';
import { type Flow } from '../proxy/flow';
import { type GrantValues, renewed } from '../proxy/held';
import { type WaitOptions } from '../proxy/options';
import { requireLease } from '../proxy/realm';
import { type Caller } from '../session/caller';
import { currentCaller } from '../session/current-call';
import { type Delivery } from '../session/delivery';
import { type Fenced, HOLDS } from '../session/guard';
import { WAIT_RULES } from './waiting-proxy';
import { LOCK_METHODS, LockReferent, LockingProxy } from './lock';
import { type Lockable } from './lockable';
import { type Holding } from './permits';
import { RLockReferent } from './rlock';
import { type SharedType } from './shared-type';
import { type Owner } from './uses';
import { Wait, waitingTime } from './wait';

/** Why somebody woke. */
type Waking = 'notified' | 'expired' | 'interrupted';

/** What wait() answers: why, the fence before, and what is held now. */
type Woken = readonly [why: Waking, before: number, ...grant: GrantValues];

/** Somebody who waits: first for a notification, then for the lock. */
interface Sleeper {
  readonly caller: Caller;
  readonly owner: Owner | undefined;
  readonly depth: number;
  /** What it was held under. */
  readonly before: number;
  /** How its process names this call, to interrupt it; 0: not at all. */
  readonly ticket: number;
  readonly wait: Wait<Delivery>;
  why: Waking | undefined;
  granted(holding: Holding): void;
  refused(error: Error): void;
}

export class ConditionReferent implements Fenced {
  readonly #lock: Lockable;
  /** In the order in which they fell asleep. */
  readonly #sleepers = new Set<Sleeper>();

  constructor(lock: Lockable = new RLockReferent()) {
    this.#lock = lock;
  }

  acquire(...args: Parameters<Lockable['acquire']>): Delivery | Promise<Delivery> {
    return this.#lock.acquire(...args);
  }
  tryAcquire(owner?: Owner, callers?: readonly Owner[]): Delivery | undefined {
    return this.#lock.tryAcquire(owner, callers);
  }
  release(callers?: readonly Owner[]): number[] {
    return this.#lock.release(callers);
  }
  _release(fence: number): void {
    this.#lock._release(fence);
  }
  locked(): boolean {
    return this.#lock.locked();
  }

  /** Resolves when the lock is held again. Throws `LockError` where it is not held now. */
  wait(timeMs?: number, callers: readonly Owner[] = [], ticket = 0): Promise<Delivery> {
    const limitMs = waitingTime(true, timeMs);
    const holding = this.#requireHeld('wait on', callers);
    const wait = new Wait<Delivery>(() => {
      this.#gone(sleeper);
    }).limit(limitMs, () => {
      this.#rouse(sleeper, 'expired');
    });
    const sleeper = this.#sleeperOf(holding, ticket, wait);
    this.#sleepers.add(sleeper);
    this.#lock.permits.end(holding);
    return wait.promise;
  }

  #sleeperOf(holding: Holding, ticket: number, wait: Wait<Delivery>): Sleeper {
    const { caller, owner, depth, fence } = holding;
    const sleeper: Sleeper = {
      ...{ caller, owner, depth, before: fence, ticket, wait, why: undefined },
      granted: (again) => {
        this.#wake(sleeper, again);
      },
      refused: (error) => {
        wait.fail(error);
      },
    };
    return sleeper;
  }

  /** Wakes so many of those that wait, those first that have waited longest. */
  notify(count: unknown = 1, callers: readonly Owner[] = []): void {
    if (!isCount(count)) throw notACount();
    this.#requireHeld('notify', callers);
    this.#notify(Number(count));
  }

  notifyAll(callers: readonly Owner[] = []): void {
    this.#requireHeld('notify', callers);
    this.#notify(Infinity);
  }

  #notify(count: number): void {
    let left = count;
    for (const sleeper of this.#sleepers) {
      if (left === 0) return;
      this.#rouse(sleeper, 'notified');
      left--;
    }
  }

  /** Its process gives that wait up: it goes on as soon as it holds the lock. */
  _interrupt(ticket: number): void {
    const caller = currentCaller();
    for (const sleeper of this.#sleepers) {
      if (sleeper.caller === caller && sleeper.ticket === ticket)
        this.#rouse(sleeper, 'interrupted');
    }
  }

  #rouse(sleeper: Sleeper, why: Waking): void {
    this.#sleepers.delete(sleeper);
    sleeper.why = why;
    sleeper.wait.unlimit();
    this.#lock.permits.contend(sleeper);
  }

  #wake({ why, before, wait }: Sleeper, holding: Holding): void {
    if (why === 'notified') {
      holding.onLost = () => {
        this.#notify(1);
      };
    }
    const answer = [why, before, ...holding.grant];
    wait.wake(this.#lock.permits.deliver(holding, answer, holding.depth));
  }

  /** It was cancelled, or its process is gone: it does not get the lock back. */
  #gone(sleeper: Sleeper): void {
    if (this.#sleepers.delete(sleeper)) return;
    this.#lock.permits.withdraw(sleeper);
    if (sleeper.why === 'notified') this.#notify(1);
  }

  #requireHeld(verb: string, callers: readonly Owner[]): Holding {
    const holding = this.#lock.heldBy(currentCaller(), callers);
    if (holding !== undefined) return holding;
    throw new LockError(
      `Cannot ${verb} the condition: its lock is not held here; acquire it first`,
    );
  }

  [HOLDS](fence: number): boolean {
    return this.#lock[HOLDS](fence);
  }

  [inspect.custom](): string {
    return `Condition (${inspect(this.#lock)}, ${this.#sleepers.size} asleep)`;
  }
}

function notACount(): UsageError {
  return new UsageError('notify() wakes a whole number >= 0');
}

/** Of the waits of this process that can be interrupted. */
let tickets = 0;

export class ConditionProxy extends LockingProxy {
  /**
   * Releases the lock, waits to be notified, and acquires the lock again, whatever happens; its
   * handles have a new fence then. `false` when the time ran out. Rejects with the reason of `signal`.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    return this.flow(() => this.#waiting(resolveOptions('wait()', WAIT_RULES, options)));
  }

  /** Waits until `predicate`, which runs here with the lock held, is true; answers what it said last. */
  waitFor(predicate: () => boolean | Promise<boolean>, options?: WaitOptions): Promise<boolean> {
    return this.flow(() => this.#waitingFor(predicate, options));
  }

  /** Wakes one of those that wait, or `count` of them. They go on when the lock is released. */
  notify(count = 1): Promise<void> {
    if (!isCount(count)) return this.flow(() => fail(notACount()));
    return this.call('notify', [count, this.callers()]) as Promise<void>;
  }

  notifyAll(): Promise<void> {
    return this.call('notifyAll', [this.callers()]) as Promise<void>;
  }

  protected override get isReentrant(): boolean {
    return true;
  }

  *#waiting({ timeoutMs, signal }: WaitOptions): Flow<boolean> {
    signal?.throwIfAborted();
    const ticket = signal === undefined ? 0 : ++tickets;
    const interrupt = (): void => {
      this.call('_interrupt', [ticket]).catch(reportedByTheWait);
    };
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      const args = [timeoutMs, this.callers(), ticket];
      const [why, before, ...grant] = (yield this.call('wait', args)) as Woken;
      renewed(requireLease(this).lessor, before, grant);
      if (why === 'interrupted') throw signal?.reason;
      return why === 'notified';
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
  }

  *#waitingFor(predicate: () => boolean | Promise<boolean>, options?: WaitOptions): Flow<boolean> {
    requireFunction('waitFor()', predicate);
    const { timeoutMs, signal } = resolveOptions('waitFor()', WAIT_RULES, options);
    const end = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    for (;;) {
      if ((yield predicate()) as boolean) return true;
      const leftMs = end === undefined ? undefined : end - performance.now();
      if (leftMs !== undefined && leftMs <= 0) return false;
      yield* this.#waiting({ timeoutMs: leftMs, signal });
    }
  }
}

function* fail(error: Error): Flow<never> {
  yield undefined;
  throw error;
}

/** Where the connection is lost, the wait itself says so. */
function reportedByTheWait(): undefined {
  return undefined;
}

export const conditionType: SharedType = {
  typeid: 'condition',
  create: (lock?: unknown) => new ConditionReferent(requireLock(lock)),
  referentType: ConditionReferent,
  exposed: [...LOCK_METHODS, 'wait', 'notify', 'notifyAll', '_interrupt'],
  proxyType: ConditionProxy,
};

function requireLock(lock: unknown): Lockable | undefined {
  if (lock === undefined || lock instanceof LockReferent || lock instanceof RLockReferent)
    return lock;
  throw new UsageError('A condition is made with a lock or an rlock of the same manager');
}
