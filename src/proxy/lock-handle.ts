// One holding of a lock, or of a permit of a semaphore, as its holder sees it.

import { inspect } from 'node:util';
import { type Lease } from '../refs/lease';
import { type Holding, HOLDING } from '../session/guard';
import { calleeOf } from './handles';
import { type Held } from './held';

/** What the holder before left behind. */
export interface Abandoned {
  /** The fence under which it was held. */
  readonly fence: number;
  /** When its holder was gone, in milliseconds since 1970 by the manager's clock. */
  readonly at: number;
}

/** What a lock gives to who acquires it, and how it is given back. */
export interface Grant {
  readonly lease: Lease;
  readonly held: Held;
  /** Nothing else will ever give it back: to lose its handle is a mistake. */
  readonly isOwed: boolean;
  readonly release: () => Promise<void>;
}

/** A handle that was collected: what it held stays held, which nobody meant. */
const collected = new FinalizationRegistry<{ readonly typeid: string; readonly held: Held }>(
  ({ typeid, held }) => {
    if (held.levels === 0) return; // released without its handle
    process.emitWarning(
      `The handle of one '${typeid}' was collected and not released: it stays held until this process ends; release it, or use "await using" or use()`,
      { type: 'ReferentWarning', code: 'ERR_REFERENT_FORGOTTEN' },
    );
  },
);

/**
 * Handles of this turn of the event loop. Most are released before it ends, and nothing is collected
 * that a turn holds: only those that outlive it pay for being watched.
 */
const young = new Set<LockHandle>();
let turnWillEnd = false;

let watch: (handle: LockHandle) => void;

function watchYoung(): void {
  turnWillEnd = false;
  for (const handle of young) watch(handle);
  young.clear();
}

/** `listener` runs when the release of `handle` is on its way. */
export let whenReleased: (handle: LockHandle, listener: () => void) => void;

/** Given up by `release()`, `await using`, or the end of the holder. */
export class LockHandle implements AsyncDisposable {
  readonly #grant: Grant;
  #lost: AbortController | undefined;
  #stopWatching: (() => void) | undefined;
  #isReleased = false;
  #released: Promise<void> | undefined;
  #onRelease: (() => void) | undefined;

  static {
    whenReleased = (handle, listener) => (handle.#onRelease = listener);
    watch = (handle) => {
      const { lease, held } = handle.#grant;
      collected.register(handle, { typeid: lease.typeid, held }, handle);
    };
  }

  /** Made by `acquire()`. */
  constructor(grant: Grant) {
    this.#grant = grant;
    if (!grant.isOwed) return;
    young.add(this);
    if (turnWillEnd) return;
    turnWillEnd = true;
    setImmediate(watchYoung);
  }

  /**
   * Grows with every grant of the manager, also with the one that ends the `wait` of a condition.
   * Give it to what a paused process must not change late.
   */
  get fence(): number {
    return this.#grant.held.fence;
  }

  /** Set where the holder before ended without releasing: what the lock protects may be half done. */
  get abandoned(): Abandoned | undefined {
    return this.#grant.held.abandoned;
  }

  /** Aborts when the holding is lost with the connection. */
  get signal(): AbortSignal {
    if (this.#lost === undefined) {
      const lost = new AbortController();
      this.#lost = lost;
      this.#stopWatching = calleeOf(this.#grant.lease).whenEnded((reason) => {
        if (!this.#isReleased) lost.abort(reason);
      });
    }
    return this.#lost.signal;
  }

  /** Once; more often does nothing. `NotOwnerError` where it was released meanwhile by somebody else. */
  release(): Promise<void> {
    if (!this.#isReleased) {
      this.#isReleased = true;
      if (!young.delete(this)) collected.unregister(this);
      this.#stopWatching?.();
      this.#released = this.#grant.release();
      this.#onRelease?.();
    }
    // Behind `sync` there is nothing to wait for.
    return this.#released as Promise<void>;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  [inspect.custom](): string {
    const state = this.#isReleased ? 'released' : `fence ${String(this.fence)}`;
    return `<${this.constructor.name} of '${this.#grant.lease.typeid}', ${state}>`;
  }

  /** For the option `guard`. */
  get [HOLDING](): Holding {
    const { lease, held } = this.#grant;
    return { lease, fence: held.fence };
  }
}

/** Behind `sync`: released at once, also by `using`. */
export class BlockingLockHandle extends LockHandle implements Disposable {
  [Symbol.dispose](): void {
    void this.release();
  }
}
