// The tokens that a client makes of what it holds. The manager hears of each by a ticket, which goes
// the way of all frames: before the release of what it is for.

import { LimitError } from '../base/errors';
import { type Lease } from '../refs/lease';
import { type ControlFrame } from '../wire/frames';
import { type Ticket, type Place, formatToken, ticketSecret } from '../wire/token';
import { type Wish } from './callee';

/** No ticket lives longer. */
const TICKET_MS_MAX = 24 * 60 * 60 * 1000;

type MintFrame = Extract<ControlFrame, { kind: 'mint' }>;

/** Where the ticket went: what waits there leaves. */
export interface Flushing {
  flush(): void;
}

interface Minted {
  readonly text: string;
  readonly renewAt: number;
}

interface Minter {
  readonly place: Place;
  readonly key: Buffer;
  /** Our session, as tokens name it. */
  readonly minter: number;
}

export class Mint {
  readonly #ticketsMax: number;
  readonly #send: (frame: MintFrame) => Flushing;
  /** Tokens in JSON are used again until half of their time is over. */
  readonly #shared = new Map<number, Minted>();
  /** When each of our live tickets ends: the server refuses more than `limits.tickets`. */
  #ends: number[] = [];
  #count = 0;
  #hasFlushed = false;

  constructor(ticketsMax: number, send: (frame: MintFrame) => Flushing) {
    this.#ticketsMax = ticketsMax;
    this.#send = send;
  }

  /** The same one again for a while where it may be claimed without end. Throws `LimitError`. */
  token(lease: Lease, wish: Wish, { place, key, minter }: Minter): string {
    const now = performance.now();
    const { uses } = wish;
    const ttlMs = Math.min(Math.floor(wish.ttlMs), TICKET_MS_MAX);
    const shared = uses === 0 ? this.#shared.get(lease.id) : undefined;
    if (shared !== undefined && shared.renewAt > now) return shared.text;
    this.#requireRoom(now, ttlMs);
    const { id, typeid, callable } = lease;
    const ticket: Ticket = { id, typeid, callable, minter, number: ++this.#count, uses, ttlMs };
    this.#flushFirst(this.#send({ kind: 'mint', number: ticket.number, id, uses, ttlMs }));
    const secret = ticketSecret(key, { ...ticket, ...place });
    const text = formatToken({ ...ticket, ...place, secret });
    if (uses === 0) this.#shared.set(id, { text, renewAt: now + ttlMs / 2 });
    return text;
  }

  clear(): void {
    this.#shared.clear();
  }

  /**
   * The first ticket of a tick leaves before its token does: whoever gets the token may kill us at
   * once. Those of a whole array of proxies leave together, at the end of the tick.
   */
  #flushFirst(outbox: Flushing): void {
    if (this.#hasFlushed) return;
    this.#hasFlushed = true;
    outbox.flush();
    process.nextTick(() => {
      this.#hasFlushed = false;
    });
  }

  #requireRoom(now: number, ttlMs: number): void {
    if (this.#ends.length >= this.#ticketsMax) {
      this.#ends = this.#ends.filter((end) => end > now);
      for (const [id, minted] of this.#shared) if (minted.renewAt <= now) this.#shared.delete(id);
    }
    if (this.#ends.length >= this.#ticketsMax) {
      throw new LimitError(
        `Cannot make another token: ${String(this.#ticketsMax)} are on their way, which is limits.tickets; put proxies into a shared list, or await what claims them`,
      );
    }
    this.#ends.push(now + ttlMs);
  }
}
