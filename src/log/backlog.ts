// Records that wait to be sent. When there are too many, the oldest are given up, and a record in
// their place tells how many.

import { frameOf } from './handshake';

/** What an entry takes beside its bytes. */
const ENTRY_BYTES = 100;
/** Entries that were taken are forgotten in lots. */
const FORGOTTEN_AT_ONCE = 1024;

interface Entry {
  readonly time: number;
  readonly packed: Buffer;
}

export class Backlog {
  readonly #bytesMax: number;
  /** A record, packed, that tells of `count` lost ones, the last of them made at `time`. */
  readonly #lossReport: (count: number, time: number) => Buffer;
  readonly #entries: (Entry | undefined)[] = [];
  #first = 0;
  #bytes = 0;
  #lost = 0;
  #lostTime = 0;

  constructor(bytesMax: number, lossReport: (count: number, time: number) => Buffer) {
    this.#bytesMax = bytesMax;
    this.#lossReport = lossReport;
  }

  get bytes(): number {
    return this.#bytes;
  }
  get isEmpty(): boolean {
    return this.#lost === 0 && this.#first === this.#entries.length;
  }

  push(time: number, packed: Buffer): void {
    this.#entries.push({ time, packed });
    this.#bytes += packed.length + ENTRY_BYTES;
    while (this.#bytes > this.#bytesMax) this.#drop();
  }

  /** The frames of the oldest records, about `bytes` of them; undefined where none waits. */
  take(bytes: number): Buffer | undefined {
    if (this.isEmpty) return undefined;
    const frames: Buffer[] = [];
    if (this.#lost > 0) frames.push(frameOf(this.#lossReport(this.#lost, this.#lostTime)));
    this.#lost = 0;
    for (let taken = 0; taken < bytes;) {
      const entry = this.#shift();
      if (entry === undefined) break;
      frames.push(frameOf(entry.packed));
      taken += entry.packed.length;
    }
    return Buffer.concat(frames);
  }

  #drop(): void {
    const entry = this.#shift();
    if (entry === undefined) return;
    this.#lost++;
    this.#lostTime = entry.time;
  }

  #shift(): Entry | undefined {
    const entry = this.#entries[this.#first];
    if (entry === undefined) return undefined;
    this.#entries[this.#first++] = undefined;
    this.#bytes -= entry.packed.length + ENTRY_BYTES;
    if (this.#first >= FORGOTTEN_AT_ONCE && this.#first * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#first);
      this.#first = 0;
    }
    return entry;
  }
}
