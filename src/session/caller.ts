// Who calls: a session, as the objects that it calls see it. What a lock, a queue or a barrier has
// given to a caller, it takes back when that caller ends, which is at once when its connection
// breaks: nothing that is held waits for the references to be given up.
//
// Rule 1: a caller that has ended is given nothing.
// Rule 2: first its waits end, then what it never confirmed comes back, then what it holds.

import { LimitError, ObjectGoneError } from '../base/errors';

/** What is held: a lock or a permit, or something else that comes back, as an item or an order. */
export type HoldingKind = 'lock' | 'other';

export class Caller {
  readonly #waitersMax: number;
  readonly #holdings = new Map<() => void, HoldingKind>();
  #ended = false;
  /** Calls of it that wait inside of a method, for a lock or an item: they take no one's turn. */
  #waiting = 0;

  constructor(waitersMax: number) {
    this.#waitersMax = waitersMax;
  }

  get ended(): boolean {
    return this.#ended;
  }
  get waiting(): number {
    return this.#waiting;
  }
  get holdings(): number {
    return this.#holdings.size;
  }
  /** Locks and permits among its holdings. */
  get locks(): number {
    return [...this.#holdings.values()].filter((kind) => kind === 'lock').length;
  }

  /** Throws `LimitError` beyond `limits.waiters`. */
  startWaiting(): void {
    this.#requireAlive();
    if (this.#waiting >= this.#waitersMax) {
      throw new LimitError(
        `Cannot wait: ${String(this.#waitersMax)} calls of this session wait already, which is limits.waiters`,
      );
    }
    this.#waiting++;
  }

  stopWaiting(): void {
    this.#waiting--;
  }

  /** It holds something until `drop`, which is not called by the end of the caller. */
  hold(lost: () => void, kind: HoldingKind = 'other'): { drop: () => void } {
    this.#requireAlive();
    this.#holdings.set(lost, kind);
    return {
      drop: () => {
        this.#holdings.delete(lost);
      },
    };
  }

  /** A call that was held back may run after its session has ended. */
  #requireAlive(): void {
    if (!this.#ended) return;
    throw new ObjectGoneError('The caller has ended: nothing is given to it any more');
  }

  /** From now on it is given nothing. */
  leave(): void {
    this.#ended = true;
  }

  /** What it holds is lost to it. */
  loseAll(): void {
    for (const lost of [...this.#holdings.keys()]) {
      this.#holdings.delete(lost);
      lost();
    }
  }
}

/** Whoever calls a referent in its own process, without a session: it never ends. */
export const localCaller = new Caller(Infinity);
