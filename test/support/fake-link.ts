// A link that a test fills and empties: what was written leaves when the test says so.
import { type Link } from '../../src/transport/link';

export class FakeLink implements Link {
  readonly peer = 'fake';
  readonly writes: Buffer[] = [];
  /** Bytes that stay here until the test takes them; undefined: none do. */
  room: number | undefined;
  /** Takes no more, whatever has left. */
  isFull = false;
  #left = 0;

  get written(): number {
    return this.writes.reduce((sum, { length }) => sum + length, 0);
  }
  get buffered(): number {
    if (this.isFull) return 2 ** 21;
    return this.room === undefined ? 0 : Math.max(0, this.written - this.#left);
  }
  /** All bytes that were written, left or not. */
  get bytes(): Buffer {
    return Buffer.concat(this.writes);
  }

  /** From now on so many more bytes leave, and what is written beyond them stays. */
  give(room: number): void {
    this.#left = Math.min(this.written, this.#left + room);
    this.room = room;
  }

  listen(): void {}
  write(bytes: Buffer): void {
    this.writes.push(Buffer.from(bytes));
  }
  end(): void {}
  destroy(): void {}
  ref(): void {}
  unref(): void {}
}
