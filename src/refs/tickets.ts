// Tickets: references in transit. Whoever sends a proxy mints a ticket, which pins the referent in
// the server until it is claimed or expires; the sender may be gone by then.
//
// A claim may come before its mint, on another connection. A session numbers its tickets in order,
// so a number above the highest that came is not there yet, and one below it, if it is not in the
// table, is over: no list of spent tickets is needed.

import { LimitError, ProtocolError, TicketGoneError } from '../base/errors';
import { type Ticket, type Token, isGenuine } from '../wire/token';
import { type ObjectTable, type Row } from './objects';

/** How far ahead of its mint a claim may be. */
const AHEAD = 4096;
/** Ticket keys of ended sessions: with them a token is still told from a forged one. */
const OLD_KEYS = 10_000;
/** No ticket lives longer. */
const TTL_MAX_MS = 24 * 60 * 60 * 1000;

interface Minter {
  readonly ticketKey: Buffer;
  /** Whether the session holds an object: for others its tokens are worth nothing. */
  readonly holds: (id: number) => boolean;
  /** What it ever minted a ticket for. */
  readonly minted: Set<number>;
  /** The highest number minted so far. */
  high: number;
  /** Claims that came before their mint: number to count. */
  readonly early: Map<number, number>;
  live: number;
  ended: boolean;
}

interface Held {
  readonly row: Row;
  readonly minter: Minter;
  readonly expires: number;
  readonly limited: boolean;
  usesLeft: number;
}

export class TicketTable {
  readonly #objects: ObjectTable;
  readonly #limits: { readonly tickets: number; readonly ticketMs: number };
  readonly #now: () => number;
  readonly #minters = new Map<number, Minter>();
  readonly #tickets = new Map<string, Held>();

  constructor(
    objects: ObjectTable,
    limits: { readonly tickets: number; readonly ticketMs: number },
    now: () => number = () => performance.now(),
  ) {
    this.#objects = objects;
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return this.#tickets.size;
  }

  /** From now on tokens of this minter can be told from forged ones. */
  addMinter(range: number, ticketKey: Buffer, holds: (id: number) => boolean): void {
    const early = new Map<number, number>();
    const minted = new Set<number>();
    this.#minters.set(range, { ticketKey, holds, minted, high: 0, early, live: 0, ended: false });
  }

  /** The tickets of the session stay; claims ahead of their mint no longer do. */
  endMinter(range: number): void {
    const minter = this.#minters.get(range);
    if (minter === undefined) return;
    minter.ended = true;
    minter.early.clear();
    const ended = [...this.#minters].filter(([, other]) => other.ended);
    for (const [old] of ended.slice(0, Math.max(0, ended.length - OLD_KEYS)))
      this.#minters.delete(old);
  }

  isEnded(range: number): boolean {
    return this.#minters.get(range)?.ended ?? true;
  }

  /** A session minted a ticket for `row`, which it holds. */
  mint(ticket: Ticket, row: Row): void {
    const minter = this.#minters.get(ticket.minter);
    if (minter === undefined || ticket.number !== minter.high + 1) {
      throw new ProtocolError(`Cannot mint ticket ${String(ticket.number)}: it is out of turn`);
    }
    minter.high = ticket.number;
    minter.minted.add(ticket.id);
    const used = minter.early.get(ticket.number) ?? 0;
    minter.early.delete(ticket.number);
    const usesLeft = ticket.uses - used;
    if (ticket.uses > 0 && usesLeft <= 0) return; // claimed already
    if (minter.live >= this.#limits.tickets) {
      throw new LimitError(
        `Cannot mint another ticket: limits.tickets is ${String(this.#limits.tickets)}`,
      );
    }
    minter.live++;
    this.#objects.pin(row, 'tickets');
    this.#tickets.set(keyOf(ticket), {
      row,
      minter,
      expires: this.#now() + Math.min(ticket.ttlMs, TTL_MAX_MS),
      limited: ticket.uses > 0,
      usesLeft,
    });
  }

  /**
   * The row that `token` opens; `'later'` where the object or its ticket is still under way.
   * The caller takes its own reference in the same turn. Throws `TicketGoneError`; a forged token
   * gets no other answer than an expired one.
   */
  claim(token: Token): Row | 'later' {
    const minter = this.#minters.get(token.minter);
    if (minter === undefined || !isGenuine(minter.ticketKey, token)) {
      if (token.minter > 0 && minter === undefined) return 'later';
      throw gone();
    }
    const held = this.#tickets.get(keyOf(token));
    const row = held?.row ?? this.#objects.get(token.id);
    if (held !== undefined) {
      if (held.limited && held.usesLeft === 0) throw gone();
      if (held.limited && --held.usesLeft === 0) {
        // Only after the claimant has counted: the row must not become weak in between.
        queueMicrotask(() => {
          this.#drop(keyOf(token), held);
        });
      }
      return held.row;
    }
    if (token.number > minter.high) return this.#claimEarly(minter, token, row);
    if (token.uses > 0) throw gone();
    // A shared token opens its referent for as long as that lives.
    if (!minter.minted.has(token.id)) throw gone();
    if (row?.referent === undefined || row.typeid !== token.typeid) throw gone();
    return row;
  }

  #claimEarly(minter: Minter, token: Token, row: Row | undefined): Row | 'later' {
    if (minter.ended || token.number > minter.high + AHEAD) throw gone();
    if (row === undefined) return 'later';
    if (!minter.holds(token.id)) throw gone();
    const used = minter.early.get(token.number) ?? 0;
    if (token.uses > 0 && used >= token.uses) throw gone();
    minter.early.set(token.number, used + 1);
    return row;
  }

  /** Drops what has expired; the server calls it once a second. */
  sweep(): void {
    const now = this.#now();
    for (const [key, held] of this.#tickets) if (held.expires <= now) this.#drop(key, held);
  }

  clear(): void {
    for (const [key, held] of [...this.#tickets]) this.#drop(key, held);
  }

  #drop(key: string, held: Held): void {
    if (!this.#tickets.delete(key)) return;
    held.minter.live--;
    this.#objects.unpin(held.row, 'tickets');
  }
}

function keyOf(ticket: Ticket): string {
  return `${String(ticket.minter)}:${String(ticket.number)}`;
}

export function gone(): TicketGoneError {
  return new TicketGoneError(
    'Cannot open the token: it is spent or expired, its object is gone, or it is not genuine; ask for a new one, or share the object by name',
  );
}
