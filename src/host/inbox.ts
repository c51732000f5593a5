// The messages of one session in their order, whichever of its links brings them: the ordered ones
// have numbers. One that comes twice is dropped, one that comes too early waits for those before it.

import { ProtocolError } from '../base/errors';
import { isNumbered } from '../wire/frames';

/** More than a client can have under way by one link while it sends by another. */
const EARLY_MAX = 1_000_000;

/** How far one link is: the number of the next message that it brings. */
export interface Counter {
  next: number;
}

type Deliver = (buffer: Buffer, start: number, end: number) => void;

export class Inbox {
  readonly #deliver: Deliver;
  readonly #early = new Map<number, Buffer>();
  #next = 1;

  constructor(deliver: Deliver) {
    this.#deliver = deliver;
  }

  receive(from: Counter, buffer: Buffer, start: number, end: number): void {
    if (!isNumbered(buffer[start] ?? 0)) {
      this.#deliver(buffer, start, end);
      return;
    }
    const number = from.next++;
    if (number < this.#next) return; // it has come by another link
    if (number > this.#next) {
      this.#keep(number, Buffer.from(buffer.subarray(start, end)));
      return;
    }
    this.#next++;
    this.#deliver(buffer, start, end);
    if (this.#early.size > 0) this.#deliverEarly();
  }

  #keep(number: number, message: Buffer): void {
    if (this.#early.size >= EARLY_MAX) {
      throw new ProtocolError(`Message ${String(number)} came, and none before it`);
    }
    this.#early.set(number, message);
  }

  #deliverEarly(): void {
    for (;;) {
      const message = this.#early.get(this.#next);
      if (message === undefined) return;
      this.#early.delete(this.#next++);
      this.#deliver(message, 0, message.length);
    }
  }
}
