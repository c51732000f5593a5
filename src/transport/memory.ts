// Two links joined in memory: a network without a network, for tests and for looking at frames.

import { type Link, type LinkListener } from './link';

/** How bytes get from one end to the other; a test may keep them and deliver them later. */
export type Deliver = (bytes: Buffer, arrive: () => void) => void;

const soon: Deliver = (_bytes, arrive) => {
  setImmediate(arrive);
};

export function memoryPair(deliver: Deliver = soon): readonly [Link, Link] {
  const left = new MemoryLink('memory:left', deliver);
  const right = new MemoryLink('memory:right', deliver);
  left.join(right);
  right.join(left);
  return [left, right];
}

class MemoryLink implements Link {
  readonly peer: string;
  readonly #deliver: Deliver;
  #other: MemoryLink | undefined;
  #listener: LinkListener | undefined;
  #closed = false;

  constructor(peer: string, deliver: Deliver) {
    this.peer = peer;
    this.#deliver = deliver;
  }

  readonly buffered = 0;

  join(other: MemoryLink): void {
    this.#other = other;
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  write(bytes: Buffer): void {
    if (this.#closed) return;
    const copy = Buffer.from(bytes);
    this.#deliver(copy, () => {
      this.#other?.arrive(copy);
    });
  }

  end(): void {
    this.#close();
  }

  destroy(error?: Error): void {
    this.#close(error);
  }

  ref(): void {
    // Memory keeps no process alive.
  }

  unref(): void {
    // As above.
  }

  arrive(bytes: Buffer): void {
    if (!this.#closed) this.#listener?.data(bytes);
  }

  #close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    const other = this.#other;
    this.#deliver(Buffer.alloc(0), () => {
      this.#listener?.close(error);
      other?.closedByPeer();
    });
  }

  closedByPeer(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener?.close();
  }
}
