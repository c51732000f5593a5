// What a session owes its peer, and tells it along with whatever it sends: references that are given
// back, deliveries that somebody got, answers that nobody can name any more.

import { type Lease } from '../refs/lease';
import { type Outbox } from '../transport/outbox';
import { type ControlFrame } from '../wire/frames';

/** What the collector releases leaves at the latest after this, or with the next frame. */
const RELEASE_DELAY_MS = 20;
const RELEASE_BATCH = 256;

interface DuesOptions {
  /** Whether references can be given back yet: not before the handshake is over. */
  readonly canRelease: () => boolean;
  readonly send: (frame: ControlFrame) => void;
  /** Another call may have that number now. */
  readonly freed: (callId: number) => void;
}

export class Dues {
  readonly #outbox: Outbox;
  readonly #options: DuesOptions;
  /** Number to count. */
  readonly #releases = new Map<number, number>();
  /** Something was released by hand: that goes before the next call, as it stands in the program. */
  #releasesFirst = false;
  /** Given back before they had a number. */
  #unnumbered: Lease[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Deliveries that came, and whether somebody got them. */
  readonly #confirmations: { readonly callId: number; readonly received: boolean }[] = [];
  #confirmsSoon = false;
  /** Kept answers that nobody here can name any more. */
  readonly #forgotten: { readonly callId: number; readonly replied: boolean }[] = [];

  constructor(outbox: Outbox, options: DuesOptions) {
    this.#outbox = outbox;
    this.#options = options;
  }

  giveBack(lease: Lease, explicit: boolean): void {
    if (lease.id === 0) {
      this.#unnumbered.push(lease);
      return;
    }
    this.#releases.set(lease.id, (this.#releases.get(lease.id) ?? 0) + 1);
    if (explicit) {
      this.#releasesFirst = true;
      this.#outbox.schedule();
    } else if (this.#releases.size >= RELEASE_BATCH) {
      this.#outbox.flush();
    } else {
      this.#startTimer();
    }
  }

  /** They have their numbers now. */
  takeUnnumbered(): Lease[] {
    return this.#unnumbered.splice(0);
  }

  /**
   * With whatever is sent next, which mostly is what the caller does with the delivery; at the latest
   * in this turn of the event loop. Always before another call can have that number.
   */
  confirm(callId: number, received: boolean): void {
    this.#confirmations.push({ callId, received });
    if (this.#confirmsSoon) return; // a thread that blocks again and again turns no event loop
    this.#confirmsSoon = true;
    setImmediate(() => {
      this.#confirmsSoon = false;
      if (this.#confirmations.length > 0) this.#outbox.flush();
    });
  }

  /** `replied`: the answer also came back to this side. */
  forget(callId: number, replied: boolean): void {
    this.#forgotten.push({ callId, replied });
    this.#startTimer();
  }

  /** What must come before the next call. */
  payUrgent(): void {
    this.#sendConfirmations();
    if (this.#releasesFirst) this.#sendReleases();
  }

  /** Everything, behind the rest of a write. */
  pay(): void {
    this.#sendConfirmations();
    this.#sendForgotten();
    this.#sendReleases();
  }

  /** The session has ended: nothing is owed any more. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#releases.clear();
    this.#confirmations.length = 0;
    this.#forgotten.length = 0;
    this.#unnumbered = [];
  }

  #startTimer(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#outbox.flush();
    }, RELEASE_DELAY_MS).unref();
  }

  #sendConfirmations(): void {
    if (this.#confirmations.length === 0) return;
    for (const { callId, received } of this.#confirmations.splice(0)) {
      this.#options.send({ kind: 'got', callId, received });
    }
  }

  #sendForgotten(): void {
    if (this.#forgotten.length === 0) return;
    const forgotten = this.#forgotten.splice(0);
    this.#options.send({ kind: 'forget', callIds: forgotten.map(({ callId }) => callId) });
    // Only now may another call have the number.
    for (const { callId, replied } of forgotten) if (!replied) this.#options.freed(callId);
  }

  #sendReleases(): void {
    this.#releasesFirst = false;
    if (this.#releases.size === 0 || !this.#options.canRelease()) return;
    const counts = [...this.#releases];
    this.#releases.clear();
    this.#options.send({ kind: 'release', counts });
  }
}
