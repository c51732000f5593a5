// The proxy of whatever is acquired and released: what acquire(), tryAcquire() and use() are for locks,
// semaphores and conditions alike.

import { UsageError } from '../base/errors';
import {
  isString,
  option,
  requireFunction,
  resolveOptions,
  type OptionRule,
} from '../base/options';
import { BaseProxy } from '../proxy/base-proxy';
import { type Flow } from '../proxy/flow';
import { type GrantValues, acquired, released } from '../proxy/held';
import { BlockingLockHandle, LockHandle } from '../proxy/lock-handle';
import { type WaitOptions } from '../proxy/options';
import { requireLease } from '../proxy/realm';
import { type Owner, THREAD, type Use, enclosing, startUse, within } from './uses';
import { waitingTime } from './wait';
import { BLOCKING_RULES, type BlockingOptions, WAIT_RULES } from './waiting-proxy';

export interface AcquireOptions extends BlockingOptions {
  /** Of a re-entrant lock: whoever gives the same one in this process holds the lock together. */
  readonly owner?: string | undefined;
  /** Take also what a holder left that is gone, where the lock was made with `abandoned: 'reject'`. */
  readonly abandoned?: 'grant' | undefined;
}

export const OWNER_RULE: OptionRule<string | undefined> = option<string | undefined>(
  undefined,
  isString,
  'a text',
);

const ACQUIRE_RULES = {
  ...BLOCKING_RULES,
  owner: OWNER_RULE,
  abandoned: option<'grant' | undefined>(undefined, (value) => value === 'grant', "'grant'"),
};

const resolveAcquireOptions = (options: AcquireOptions) =>
  resolveOptions('acquire()', ACQUIRE_RULES, options);
const BY_DEFAULT = resolveAcquireOptions({});

export abstract class AcquirableProxy extends BaseProxy {
  /**
   * Waits for its turn: first come, first served. `TimeoutError` when the time has run out or, with
   * `blocking: false`, when it cannot be had at once.
   */
  acquire(options?: AcquireOptions): Promise<LockHandle> {
    return this.flow(() => this.#acquiring(options));
  }

  /** Undefined where it would have to wait. */
  tryAcquire(): Promise<LockHandle | undefined> {
    return this.flow(() => this.#trying());
  }

  /** Acquires, runs `body`, and releases, whatever `body` does. Answers what it answered. */
  use<R>(body: (handle: LockHandle) => R | Promise<R>, options?: WaitOptions): Promise<R> {
    return this.flow(() => this.#using(body, options));
  }

  /** Whether a use may acquire again what it holds. */
  protected get isReentrant(): boolean {
    return false;
  }

  /** Whether all that is acquired must be given back. */
  protected get isOwed(): boolean {
    return true;
  }

  /** Whose is what is acquired outside of a use. Undefined: every time somebody else's. */
  protected get defaultOwner(): Owner | undefined {
    return this.isSync && this.isReentrant ? THREAD : undefined;
  }

  /** Who calls, where that matters: all that the holder may have named itself. */
  protected callers(owner = this.defaultOwner): Owner[] {
    const owners = this.isReentrant ? enclosing() : [];
    if (owner !== undefined) owners.push(owner);
    return owners;
  }

  /** Without a handle: what it gave back is no longer held by the handles of this process. */
  protected *releasing(args: readonly unknown[]): Flow<void> {
    const fences = (yield this.call('release', args)) as readonly number[];
    for (const fence of fences) released(requireLease(this).lessor, fence);
  }

  *#acquiring(options?: AcquireOptions, use?: Use): Flow<LockHandle> {
    const given = options === undefined ? BY_DEFAULT : resolveAcquireOptions(options);
    if (given.owner !== undefined && !this.isReentrant) {
      throw new UsageError('Option "owner" of acquire() is for re-entrant locks');
    }
    const timeMs = waitingTime(given.blocking, given.timeoutMs);
    const owner = use?.owner ?? given.owner ?? this.defaultOwner;
    const who = [owner, this.callers(given.owner)];
    const args = trimmed([timeMs, given.abandoned !== undefined || undefined, ...who]);
    return this.#handle((yield this.call('acquire', args, given.signal)) as GrantValues);
  }

  *#trying(): Flow<LockHandle | undefined> {
    const args = trimmed([this.defaultOwner, this.callers()]);
    const grant = (yield this.call('tryAcquire', args)) as GrantValues | undefined;
    return grant === undefined ? undefined : this.#handle(grant);
  }

  *#using<R>(body: (handle: LockHandle) => R | Promise<R>, options?: WaitOptions): Flow<R> {
    requireFunction('use()', body);
    const given = resolveOptions('use()', WAIT_RULES, options);
    const use = startUse();
    const handle = yield* this.#acquiring(given, use);
    let result: R;
    try {
      result = yield this.isReentrant ? within(use, () => body(handle)) : body(handle);
    } catch (error) {
      use.over = true;
      yield* quietly(handle);
      throw error;
    }
    use.over = true;
    yield handle.release();
    return result;
  }

  /** Keeps this proxy, for as long as there is something to release through it. */
  #handle(grant: GrantValues): LockHandle {
    const lease = requireLease(this);
    const held = acquired(lease.lessor, grant);
    const release = (): Promise<void> => {
      const { fence } = held;
      released(lease.lessor, fence);
      return this.post('_release', [fence]);
    };
    const Handle = this.isSync ? BlockingLockHandle : LockHandle;
    return new Handle({ lease, held, isOwed: this.isOwed, release });
  }
}

/** What is missing at the end need not be sent. */
function trimmed(args: unknown[]): unknown[] {
  while (args.length > 0 && isNothing(args[args.length - 1])) args.pop();
  return args;
}

function isNothing(arg: unknown): boolean {
  return arg === undefined || (Array.isArray(arg) && arg.length === 0);
}

/** The error of a use goes before one of its release. */
function* quietly(handle: LockHandle): Flow<void> {
  try {
    yield handle.release();
  } catch {
    return;
  }
}
