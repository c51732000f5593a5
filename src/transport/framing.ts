// Messages over a link: cut into frames on the way out, put together on the way in.
//
//   frame    = u32 length (31 bits; the top bit marks a part), that many bytes
//   part     = varint stream, u8 (1 first, 2 last), [first: varint length of the message], bytes
//
// Messages of one tick leave in one write. A message above 256 KiB goes in parts; replies pass
// between the parts, messages that must stay in order wait behind them.

import { LimitError, ProtocolError } from '../base/errors';
import { ByteReader, ByteWriter } from '../wire/bytes';
import { type Link } from './link';

const PART = 0x8000_0000;
const FRAME_BYTES = 256 * 1024;
const HEADER_BYTES = 4;
/** Messages that come in parts at a time. */
const STREAMS_MAX = 64;
const FIRST = 1;
const LAST = 2;
/** Above this much unsent, parts wait in our own queue, so that replies can pass. */
const AHEAD_BYTES = 1024 * 1024;

/** Where a message landed in the batch, so that a byte of it can still be changed. */
export interface Place {
  readonly batch: number;
  readonly at: number;
}

export class Outbox {
  #link: Link | undefined;
  /** What leaves with the next write. */
  #batch = new ByteWriter(16 * 1024);
  /** Grows with every write: tells whether a place is still in the batch. */
  #batchNumber = 0;
  /** Parts, and the ordered messages behind them: each a buffer of whole frames. */
  readonly #bulk: Buffer[] = [];
  #bulkBytes = 0;
  #streams = 0;
  #composing = 0;
  /** Messages composed while another one was: a getter in its data may call. */
  readonly #nested: Buffer[] = [];
  #scheduled = false;
  #closed = false;
  /** Runs before a write, while flags can still be changed. */
  onFlush: (() => void) | undefined;

  /** Bytes that have not left this process. */
  get buffered(): number {
    return (this.#link?.buffered ?? 0) + this.#bulkBytes + this.#batch.length;
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
    this.#batch.length = 0;
  }

  /**
   * Sends the message that `compose` writes; if it throws, nothing is sent. `ordered` messages
   * keep their order among themselves. Answers where the message stands in the batch.
   */
  send(compose: (writer: ByteWriter) => void, ordered: boolean): Place | undefined {
    if (this.#composing > 0) {
      this.#sendNested(compose);
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
    const place = this.#commit(start, ordered);
    this.#appendNested();
    this.schedule();
    return place;
  }

  /** The batch, where a byte at `place` can still be changed; undefined once it has left. */
  batchAt(place: Place): ByteWriter | undefined {
    return place.batch === this.#batchNumber ? this.#batch : undefined;
  }

  flush(): void {
    if (this.#composing > 0) return;
    this.onFlush?.();
    this.#scheduled = false;
    const link = this.#link;
    if (link === undefined || this.#closed) return;
    if (this.#batch.length > 0) this.#writeBatch(link);
    while (this.#bulk.length > 0 && link.buffered < AHEAD_BYTES) {
      const chunk = this.#bulk.shift();
      if (chunk === undefined) break;
      this.#bulkBytes -= chunk.length;
      link.write(chunk);
    }
  }

  #writeBatch(link: Link): void {
    const bytes = this.#batch.bytes;
    this.#batchNumber++;
    link.write(bytes);
    if (link.buffered > 0) this.#batch.take();
    else this.#batch.length = 0; // taken whole: the memory can be used again
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
    for (const message of this.#nested.splice(0)) this.#append(message, true);
    this.schedule();
  }

  #sendNested(compose: (writer: ByteWriter) => void): undefined {
    const writer = new ByteWriter(256);
    writer.u32(0);
    compose(writer);
    this.#nested.push(writer.take());
  }

  #commit(start: number, ordered: boolean): Place | undefined {
    const writer = this.#batch;
    const length = writer.length - start - HEADER_BYTES;
    const small = length <= FRAME_BYTES && !(ordered && this.#bulk.length > 0);
    if (small) {
      writer.patchU32(start, length);
      return { batch: this.#batchNumber, at: start + HEADER_BYTES };
    }
    const message = Buffer.from(writer.bytes.subarray(start));
    writer.length = start;
    this.#append(message, ordered);
    return undefined;
  }

  /** `message` has room for its header in front. */
  #append(message: Buffer, ordered: boolean): void {
    const length = message.length - HEADER_BYTES;
    if (length > FRAME_BYTES) {
      this.#appendParts(message.subarray(HEADER_BYTES));
      return;
    }
    message.writeUInt32LE(length, 0);
    if (ordered && this.#bulk.length > 0) this.#pushBulk(message);
    else this.#batch.raw(message);
  }

  #appendParts(message: Buffer): void {
    const stream = this.#streams++;
    for (let from = 0; from < message.length; from += FRAME_BYTES) {
      const bytes = message.subarray(from, from + FRAME_BYTES);
      const last = from + FRAME_BYTES >= message.length;
      const head = new ByteWriter(32);
      head.u32(0);
      head.varint(stream);
      head.u8((from === 0 ? FIRST : 0) | (last ? LAST : 0));
      if (from === 0) head.varint(message.length);
      head.patchU32(0, PART + head.length - HEADER_BYTES + bytes.length);
      this.#pushBulk(Buffer.concat([head.bytes, bytes])); // whole, so that no reply gets in between
    }
  }

  #pushBulk(chunk: Buffer): void {
    this.#bulk.push(chunk);
    this.#bulkBytes += chunk.length;
  }
}

interface Assembly {
  readonly total: number;
  readonly parts: Buffer[];
  received: number;
}

/** Takes a message where it stands in `buffer`; the bytes are only lent. */
export type OnMessage = (buffer: Buffer, start: number, end: number) => void;

export class FrameReader {
  readonly #onMessage: OnMessage;
  /** The longest message that is accepted; may be raised once the peer is known. */
  messageBytes: number;
  /** The beginning of a frame whose end has not come. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Bytes of `#rest` needed before it is worth looking again. */
  #needed = HEADER_BYTES;
  readonly #assemblies = new Map<number, Assembly>();

  constructor(onMessage: OnMessage, messageBytes: number) {
    this.#onMessage = onMessage;
    this.messageBytes = messageBytes;
  }

  /** Throws what `onMessage` throws, and `ProtocolError` or `LimitError` for bad frames. */
  push(chunk: Buffer): void {
    if (this.#restBytes === 0) return this.#read(chunk);
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    if (this.#restBytes < this.#needed) return;
    const whole = Buffer.concat(this.#rest, this.#restBytes);
    this.#rest = [];
    this.#restBytes = 0;
    this.#read(whole);
  }

  #read(buffer: Buffer): void {
    let at = 0;
    while (buffer.length - at >= HEADER_BYTES) {
      const header = buffer.readUInt32LE(at);
      const isPart = header >= PART;
      const length = isPart ? header - PART : header;
      this.#requireLength(length);
      const start = at + HEADER_BYTES;
      const end = start + length;
      if (end > buffer.length) return this.#keep(buffer, at, HEADER_BYTES + length);
      at = end;
      if (isPart) this.#takePart(buffer, start, end);
      else this.#onMessage(buffer, start, end);
    }
    if (at < buffer.length) this.#keep(buffer, at, HEADER_BYTES);
  }

  #keep(buffer: Buffer, at: number, needed: number): void {
    this.#rest = [at === 0 ? buffer : buffer.subarray(at)];
    this.#restBytes = buffer.length - at;
    this.#needed = needed;
  }

  #takePart(buffer: Buffer, start: number, end: number): void {
    const reader = new ByteReader(buffer, start, end);
    const stream = reader.varint();
    const flags = reader.u8();
    const assembly = this.#assemblyOf(stream, (flags & FIRST) !== 0 ? reader.varint() : undefined);
    const bytes = reader.raw(reader.left);
    if (bytes.length === 0) throw new ProtocolError('Cannot read a message: a part of it is empty');
    assembly.parts.push(bytes);
    assembly.received += bytes.length;
    if (assembly.received > assembly.total) {
      throw new ProtocolError('Cannot read a message: its parts are longer than it said');
    }
    if ((flags & LAST) === 0) return;
    if (assembly.received < assembly.total) {
      throw new ProtocolError('Cannot read a message: its parts are shorter than it said');
    }
    this.#assemblies.delete(stream);
    const message = Buffer.concat(assembly.parts, assembly.total);
    this.#onMessage(message, 0, message.length);
  }

  #assemblyOf(stream: number, total: number | undefined): Assembly {
    const known = this.#assemblies.get(stream);
    if ((known === undefined) === (total === undefined)) {
      throw new ProtocolError(
        `Cannot read a message: part of stream ${String(stream)} out of turn`,
      );
    }
    if (known !== undefined) return known;
    if (this.#assemblies.size >= STREAMS_MAX) {
      throw new ProtocolError('Cannot read a message: too many come in parts at once');
    }
    const first = { total: total ?? 0, parts: [], received: 0 };
    this.#requireLength(first.total);
    this.#assemblies.set(stream, first);
    return first;
  }

  #requireLength(length: number): void {
    if (length <= this.messageBytes) return;
    throw new LimitError(
      `Cannot read a message of ${String(length)} bytes: limits.messageBytes is ${String(this.messageBytes)}`,
    );
  }
}
