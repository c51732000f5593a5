// Messages on the way out: cut into frames, and written when the tick ends.
//
//   frame    = u32 length (31 bits; the top bit marks a part), that many bytes
//   part     = varint stream, u8 (1 first, 2 last), [first: varint length of the message], bytes
//
// Messages of one tick leave in one write. A message above 256 KiB goes in parts; replies pass
// between the parts, messages that must stay in order wait behind them.
//
// A numbered outbox counts its ordered messages. What has not certainly left this process can then
// be taken out and sent by another link of the session, before whose messages it belongs: `at` tells
// the other side which number comes next, and what it has seen it drops. Answers are ordered there
// too: one that came twice would be the answer to another call.

import { isTraced } from '../base/diagnostics';
import { ByteWriter } from '../wire/bytes';
import { writeControl } from '../wire/frames';
import { type Link } from './link';

export const PART = 0x8000_0000;
export const HEADER_BYTES = 4;
export const FIRST = 1;
export const LAST = 2;
const FRAME_BYTES = 256 * 1024;
/** Above this much unsent, parts wait in our own queue, so that replies can pass. */
const AHEAD_BYTES = 1024 * 1024;

/** Where a message landed in the batch, so that a byte of it can still be changed. */
export interface Place {
  readonly outbox: Outbox;
  readonly batch: number;
  readonly at: number;
}

/** Whole frames, and the numbers of the ordered messages in them. */
interface Sheaf {
  readonly first: number;
  readonly count: number;
  readonly frames: Buffer[];
  /** How many of the frames were written to the link. */
  written: number;
  /** It went by another link too. */
  moved: boolean;
}

/** Composed while another message was. */
interface Nested {
  readonly bytes: Buffer;
  readonly ordered: boolean;
}

export class Outbox {
  /** Whether what has not left can go by another link. */
  readonly #numbered: boolean;
  #link: Link | undefined;
  /** What leaves with the next write. */
  #batch = new ByteWriter(16 * 1024);
  /** Grows with every write: tells whether a place is still in the batch. */
  #batchNumber = 0;
  /** Ordered messages in the batch. */
  #batchCount = 0;
  /** The number of the next ordered message. */
  #next = 1;
  /** The number that the other end of the link counts next. */
  #linkNext = 1;
  /** Parts, and the ordered messages behind them. */
  readonly #bulk: Sheaf[] = [];
  #bulkBytes = 0;
  /** Given to the link, which had not sent all of it; and how many bytes that is. */
  readonly #given: Sheaf[] = [];
  #givenBytes = 0;
  #streams = 0;
  #composing = 0;
  /** Messages composed while another one was: a getter in its data may call. */
  readonly #nested: Nested[] = [];
  #scheduled = false;
  #closed = false;
  /** Runs before a write, while flags can still be changed. */
  onFlush: (() => void) | undefined;
  /** Sees each message that leaves, where somebody looks; it is only lent. */
  onTraced: ((writer: ByteWriter, start: number) => void) | undefined;

  constructor(options: { readonly numbered: boolean } = { numbered: false }) {
    this.#numbered = options.numbered;
  }

  /** Bytes that have not left this process. */
  get buffered(): number {
    return (this.#link?.buffered ?? 0) + this.#bulkBytes + this.#batch.length;
  }
  get isOpen(): boolean {
    return this.#link !== undefined && !this.#closed;
  }
  /** The link has sent all there was. */
  get hasLeft(): boolean {
    return this.isOpen && this.buffered === 0;
  }
  /** A message is being composed: what stands in the batch is half of it. */
  get isComposing(): boolean {
    return this.#composing > 0;
  }

  /** The handshake is over: writes what waited, and from now on everything. */
  open(link: Link): void {
    this.#link = link;
    this.flush();
  }

  close(): void {
    this.#closed = true;
    this.#bulk.length = 0;
    this.#bulkBytes = 0;
    this.#forgetGiven(0);
    this.#batch.length = 0;
  }

  /**
   * Sends the message that `compose` writes; if it throws, nothing is sent. `ordered` messages
   * keep their order among themselves. Answers where the message stands in the batch.
   */
  send(compose: (writer: ByteWriter) => void, ordered: boolean): Place | undefined {
    if (this.#composing > 0) {
      this.#sendNested(compose, ordered);
      return;
    }
    const writer = this.#batch;
    const start = writer.length;
    this.#composing++;
    try {
      writer.u32(0);
      compose(writer);
    } catch (error) {
      writer.length = start;
      this.#composing--;
      this.#appendNested();
      throw error;
    }
    this.#composing--;
    if (isTraced()) this.onTraced?.(writer, start + HEADER_BYTES);
    const place = this.#commit(start, ordered);
    this.#appendNested();
    this.schedule();
    return place;
  }

  /** Sends an answer. It passes ordered messages; where they are numbered it is one of them. */
  answer(compose: (writer: ByteWriter) => void): void {
    this.send(compose, this.#numbered);
  }

  /** The batch with `place` in it, where a byte can still be changed; undefined once it has left. */
  static batchOf(place: Place): ByteWriter | undefined {
    const { outbox, batch } = place;
    return batch === outbox.#batchNumber ? outbox.#batch : undefined;
  }

  flush(): void {
    if (this.#composing > 0) return;
    this.onFlush?.();
    this.#scheduled = false;
    const link = this.#link;
    if (link === undefined || this.#closed) return;
    this.#forgetGiven(link.buffered);
    if (this.#batch.length > 0) this.#writeBatch(link);
    while (this.#bulk.length > 0 && link.buffered < AHEAD_BYTES) this.#writeBulk(link);
  }

  /**
   * Writes all that has not certainly left to another link of the session, whose other end counts
   * `next` as its next number. Answers the number that comes after. The bytes are only lent.
   */
  writeTo(other: Pick<Link, 'write'>, next: number): number {
    this.onFlush?.();
    this.#forgetGiven(this.#link?.buffered ?? 0);
    const number = this.#writeSheavesTo(other, next);
    if (this.#batch.length === 0) return number;
    const count = this.#batchCount;
    if (count > 0 && this.#next - count !== number) other.write(atFrame(this.#next - count));
    this.#batchNumber++;
    this.#batchCount = 0;
    other.write(this.#batch.bytes);
    this.#batch.length = 0;
    return count > 0 ? this.#next : number;
  }

  #writeSheavesTo(other: Pick<Link, 'write'>, next: number): number {
    const sheaves = [...this.#given, ...this.#bulk];
    if (sheaves.length === 0) return next;
    this.#forgetGiven(0);
    // What was begun must be ended on the link: a part of a message is of no use.
    const begun = this.#bulk.filter(({ written }) => written > 0);
    this.#bulk.splice(0, Infinity, ...begun);
    this.#bulkBytes = begun.reduce((sum, sheaf) => sum + unwritten(sheaf), 0);
    let number = next;
    for (const sheaf of sheaves) {
      const { first, count, frames, moved } = sheaf;
      if (moved) continue;
      sheaf.moved = true;
      if (count > 0 && first !== number) other.write(atFrame(first));
      for (const frame of frames) other.write(frame);
      if (count > 0) number = first + count;
    }
    return number;
  }

  /** The link has it, and may not have sent all of it. */
  #keepGiven(sheaf: Sheaf): void {
    if (!this.#numbered || sheaf.moved) return;
    this.#given.push(sheaf);
    this.#givenBytes += bytesOf(sheaf.frames);
  }

  /** All but the last `buffered` bytes have left. */
  #forgetGiven(buffered: number): void {
    for (let sheaf = this.#given[0]; sheaf !== undefined; sheaf = this.#given[0]) {
      const behind = this.#givenBytes - bytesOf(sheaf.frames);
      if (behind < buffered) return;
      this.#givenBytes = behind;
      this.#given.shift();
    }
  }

  #takeBatch(): Sheaf {
    const count = this.#batchCount;
    const frames = [this.#batch.take()];
    this.#batchNumber++;
    this.#batchCount = 0;
    return { first: this.#next - count, count, frames, written: 0, moved: false };
  }

  #writeBatch(link: Link): void {
    const count = this.#batchCount;
    const first = this.#next - count;
    if (count > 0) this.#announce(link, first, count);
    const bytes = this.#batch.bytes;
    this.#batchNumber++;
    this.#batchCount = 0;
    link.write(bytes);
    if (link.buffered === 0) {
      this.#batch.length = 0; // taken whole: the memory can be used again
      return;
    }
    this.#batch.take();
    this.#keepGiven({ first, count, frames: [bytes], written: 1, moved: false });
  }

  #writeBulk(link: Link): void {
    const sheaf = this.#bulk[0];
    const frame = sheaf?.frames[sheaf.written];
    if (sheaf === undefined || frame === undefined) return;
    if (sheaf.written === 0 && sheaf.count > 0) this.#announce(link, sheaf.first, sheaf.count);
    sheaf.written++;
    this.#bulkBytes -= frame.length;
    link.write(frame);
    if (sheaf.written < sheaf.frames.length) return;
    this.#bulk.shift();
    this.#keepGiven(sheaf);
  }

  /** Says which number comes, where something went by another link meanwhile. */
  #announce(link: Link, first: number, count: number): void {
    if (this.#numbered && first !== this.#linkNext) link.write(atFrame(first));
    this.#linkNext = first + count;
  }

  /**
   * Writes at the end of the tick: in a microtask after it, because reads are sent when `then` is
   * called, and that happens in one.
   */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      queueMicrotask(() => {
        if (this.#scheduled) this.flush();
      });
    });
  }

  #appendNested(): void {
    if (this.#nested.length === 0) return;
    for (const { bytes, ordered } of this.#nested.splice(0)) this.#append(bytes, ordered);
    this.schedule();
  }

  #sendNested(compose: (writer: ByteWriter) => void, ordered: boolean): undefined {
    const writer = new ByteWriter(256);
    writer.u32(0);
    compose(writer);
    if (isTraced()) this.onTraced?.(writer, HEADER_BYTES);
    this.#nested.push({ bytes: writer.take(), ordered });
  }

  #commit(start: number, ordered: boolean): Place | undefined {
    const writer = this.#batch;
    const length = writer.length - start - HEADER_BYTES;
    const small = length <= FRAME_BYTES && !(ordered && this.#bulk.length > 0);
    if (small) {
      writer.patchU32(start, length);
      if (ordered) this.#countInBatch();
      return { outbox: this, batch: this.#batchNumber, at: start + HEADER_BYTES };
    }
    const message = Buffer.from(writer.bytes.subarray(start));
    writer.length = start;
    this.#append(message, ordered);
    return undefined;
  }

  #countInBatch(): void {
    this.#next++;
    this.#batchCount++;
  }

  /** `message` has room for its header in front. */
  #append(message: Buffer, ordered: boolean): void {
    const length = message.length - HEADER_BYTES;
    const isWhole = length <= FRAME_BYTES;
    if (isWhole) message.writeUInt32LE(length, 0);
    if (isWhole && !(ordered && this.#bulk.length > 0)) {
      this.#batch.raw(message);
      if (ordered) this.#countInBatch();
      return;
    }
    if (this.#batchCount > 0) this.#seal();
    const first = this.#next;
    const count = ordered ? 1 : 0;
    this.#next += count;
    const frames = isWhole ? [message] : this.#partsOf(message.subarray(HEADER_BYTES));
    this.#pushBulk({ first, count, frames, written: 0, moved: false });
  }

  /** The ordered messages of the batch stay before what is put into the bulk. */
  #seal(): void {
    this.onFlush?.();
    if (this.#bulk.length > 0 || this.#link === undefined) this.#pushBulk(this.#takeBatch());
    else this.#writeBatch(this.#link);
  }

  #partsOf(message: Buffer): Buffer[] {
    const stream = this.#streams++;
    const parts: Buffer[] = [];
    for (let from = 0; from < message.length; from += FRAME_BYTES) {
      const bytes = message.subarray(from, from + FRAME_BYTES);
      const last = from + FRAME_BYTES >= message.length;
      const head = new ByteWriter(32);
      head.u32(0);
      head.varint(stream);
      head.u8((from === 0 ? FIRST : 0) | (last ? LAST : 0));
      if (from === 0) head.varint(message.length);
      head.patchU32(0, PART + head.length - HEADER_BYTES + bytes.length);
      parts.push(Buffer.concat([head.bytes, bytes])); // whole, so that no reply gets in between
    }
    return parts;
  }

  #pushBulk(sheaf: Sheaf): void {
    this.#bulk.push(sheaf);
    this.#bulkBytes += unwritten(sheaf);
  }
}

function unwritten({ frames, written }: Sheaf): number {
  return bytesOf(frames.slice(written));
}

function bytesOf(frames: readonly Buffer[]): number {
  return frames.reduce((sum, frame) => sum + frame.length, 0);
}

/** The next ordered message has this number. */
function atFrame(number: number): Buffer {
  const writer = new ByteWriter(32);
  writer.u32(0);
  writeControl(writer, { kind: 'at', number });
  writer.patchU32(0, writer.length - HEADER_BYTES);
  return writer.take();
}
