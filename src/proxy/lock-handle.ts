// One holding of a lock, or of a permit of a semaphore, as its holder sees it.

import { type Lease } from '../refs/lease';
import { type Holding, HOLDING } from '../session/guard';
import { sessionOf } from './handles';

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
  readonly fence: number;
  readonly abandoned: Abandoned | undefined;
  readonly release: () => Promise<void>;
}

/** A handle that was collected: what it held stays held, which nobody meant. */
const collected = new FinalizationRegistry<string>((typeid) => {
  process.emitWarning(
    `The handle of a ${typeid} was collected and not released: it stays held until this process ends; release it, or use "await using" or use()`,
    { type: 'ReferentWarning', code: 'ERR_REFERENT_FORGOTTEN' },
  );
});

/** Given up by `release()`, `await using`, or the end of the holder. */
export class LockHandle implements AsyncDisposable {
  readonly #grant: Grant;
  #lost: AbortController | undefined;
  #released: Promise<void> | undefined;

  /** Made by `acquire()`. */
  constructor(grant: Grant) {
    this.#grant = grant;
    collected.register(this, grant.lease.typeid, this);
  }

  /** Grows with every grant of the manager. Give it to what a paused process must not change late. */
  get fence(): number {
    return this.#grant.fence;
  }

  /** Set where the holder before ended without releasing: what the lock protects may be half done. */
  get abandoned(): Abandoned | undefined {
    return this.#grant.abandoned;
  }

  /** Aborts when the holding is lost with the connection. */
  get signal(): AbortSignal {
    if (this.#lost === undefined) {
      const lost = new AbortController();
      this.#lost = lost;
      sessionOf(this.#grant.lease).whenEnded((reason) => {
        if (this.#released === undefined) lost.abort(reason);
      });
    }
    return this.#lost.signal;
  }

  /** Once; more often does nothing. `NotOwnerError` where it was released meanwhile by somebody else. */
  release(): Promise<void> {
    collected.unregister(this);
    return (this.#released ??= this.#grant.release());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** For the option `guard`. */
  get [HOLDING](): Holding {
    return this.#grant;
  }
}
