// Whether the other side of a network link is still there. The system asks that of a quiet link by
// itself (keep-alive), and a process that is busy answers. It does not ask while bytes are under way,
// and it knows nothing of what stands in between; so while bytes of ours are unconfirmed, we ask.
//
// Rule 1: only who waits for something asks; a quiet session sends nothing.
// Rule 2: anything that comes is a sign of life, and so is a full buffer that empties.
// Rule 3: our own silence expires nobody: what came while we were busy is read first.

import { ConnectionLostError } from '../base/errors';
import { type Link, type NetworkEnd } from '../transport/link';
import { type Session } from './session';

/** Our pings are told from those of users by their numbers. */
const FIRST_NUMBER = 2 ** 32;
const TIMER_MAX_MS = 2 ** 31 - 1;

export class Liveness {
  readonly #link: Link;
  readonly #end: NetworkEnd;
  readonly #session: Session;
  readonly #leaseMs: number;
  /** Bytes that only asked or answered: nobody confirms them, or it would never end. */
  #idle = 0;
  /** Bytes of ours that the other side has read for certain. */
  #confirmed: number;
  /** Pings without an answer, and what each confirms. */
  #asked: { readonly number: number; readonly confirms: number }[] = [];
  #number = FIRST_NUMBER;
  #heardAt = performance.now();
  #received: number;
  /** What had left of a full buffer at the last look; undefined: it was empty. */
  #taken: number | undefined;

  private constructor(link: Link, end: NetworkEnd, session: Session, leaseMs: number) {
    this.#link = link;
    this.#end = end;
    this.#session = session;
    this.#leaseMs = leaseMs;
    this.#received = end.received;
    this.#confirmed = end.sent;
    const timer = setInterval(
      () => {
        this.#look();
      },
      Math.min(leaseMs / 4, TIMER_MAX_MS),
    ).unref();
    session.whenEnded(() => {
      clearInterval(timer);
    });
  }

  /** Watches the peer of `session`; undefined where the link is no network's, or leases have no end. */
  static watch(link: Link, session: Session, leaseMs: number): Liveness | undefined {
    if (link.network === undefined || leaseMs === 0) return undefined;
    return new Liveness(link, link.network, session, leaseMs);
  }

  /** Answers a ping at once: who asks may give us up. */
  answer(number: number): void {
    this.#sendIdle({ kind: 'pong', number, time: Date.now() });
  }

  /** An answer to one of our pings; those of others are no matter. */
  answered(number: number): void {
    const ping = this.#asked.find((asked) => asked.number === number);
    if (ping !== undefined) this.#confirmed = Math.max(this.#confirmed, ping.confirms);
  }

  get #ours(): number {
    return this.#end.sent - this.#idle;
  }

  #sendIdle(frame: Parameters<Session['control']>[0]): void {
    const { outbox } = this.#session;
    outbox.flush();
    const before = this.#end.sent;
    this.#session.control(frame);
    outbox.flush();
    this.#idle += this.#end.sent - before;
  }

  #look(): void {
    if (this.#session.hasLane) {
      this.#restart(); // its thread may block as long as it likes: of that one the system tells
      return;
    }
    const isOwed = this.#session.pendingCalls > 0 || this.#ours > this.#confirmed;
    if (this.#hasHeard() || !isOwed) this.#restart();
    if (!isOwed) return;
    if (this.#asked.length > 0 && this.#silence >= this.#leaseMs) {
      setImmediate(() => {
        this.#expire();
      });
      return;
    }
    this.#ask();
  }

  get #silence(): number {
    return performance.now() - this.#heardAt;
  }

  #restart(): void {
    this.#heardAt = performance.now();
    this.#asked = [];
  }

  #hasHeard(): boolean {
    const { sent, received } = this.#end;
    const { buffered } = this.#link;
    const taken = sent - buffered;
    const hasHeard =
      received !== this.#received || (this.#taken !== undefined && taken > this.#taken);
    this.#received = received;
    this.#taken = buffered > 0 ? taken : undefined;
    return hasHeard;
  }

  #ask(): void {
    this.#session.outbox.flush();
    const confirms = this.#ours;
    const number = this.#number++;
    this.#sendIdle({ kind: 'ping', number });
    this.#asked.push({ number, confirms });
  }

  #expire(): void {
    if (this.#hasHeard()) {
      this.#restart();
      return;
    }
    this.#link.destroy(
      new ConnectionLostError(
        `nothing has come from ${this.#link.peer} for ${String(this.#leaseMs)} ms (limits.leaseMs)`,
      ),
    );
  }
}
