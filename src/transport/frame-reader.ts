// Frames on the way in: put together to messages, whatever chunks they come in. `outbox.ts` has the
// format.
//
// Rule: whoever takes a message may read on before it is done with it, as a callback does that blocks
// for a call of its own. So where the next message begins is noted before one is given out.

import { LimitError, ProtocolError } from '../base/errors';
import { ByteReader } from '../wire/bytes';
import { FIRST, HEADER_BYTES, LAST, PART } from './outbox';

/** Messages that come in parts at a time. */
const STREAMS_MAX = 64;
const NOTHING = Buffer.alloc(0);

interface Assembly {
  readonly total: number;
  readonly parts: Buffer[];
  received: number;
}

/** Takes a message where it stands in `buffer`; the bytes are only lent. */
export type OnMessage = (buffer: Buffer, start: number, end: number) => void;

export class FrameReader {
  readonly #onMessage: OnMessage;
  readonly #isLent: boolean;
  /** The longest message that is accepted; may be raised once the peer is known. */
  messageBytes: number;
  /** The chunk that is being read, and where its next frame begins. */
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** The beginning of a frame whose end has not come. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Bytes of `#rest` needed before it is worth looking again. */
  #needed = HEADER_BYTES;
  readonly #assemblies = new Map<number, Assembly>();

  /** `isLent`: chunks are the reader's only while it is given them. */
  constructor(onMessage: OnMessage, messageBytes: number, isLent = false) {
    this.#onMessage = onMessage;
    this.messageBytes = messageBytes;
    this.#isLent = isLent;
  }

  /** Whether messages may stand behind the one that is being taken: `readOn` gives them out. */
  get hasMore(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** Throws what `onMessage` throws, and `ProtocolError` or `LimitError` for bad frames. */
  push(chunk: Buffer): void {
    this.readOn();
    if (this.#restBytes === 0) {
      this.#chunk = chunk;
    } else {
      this.#rest.push(this.#own(chunk));
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#needed) return;
      this.#chunk = Buffer.concat(this.#rest, this.#restBytes);
      this.#rest = [];
      this.#restBytes = 0;
    }
    this.#at = 0;
    this.readOn();
  }

  /** Gives out what is whole in the chunk, and keeps the rest of it. */
  readOn(): void {
    while (this.#chunk.length - this.#at >= HEADER_BYTES) {
      const [buffer, at] = [this.#chunk, this.#at];
      const header = buffer.readUInt32LE(at);
      const isPart = header >= PART;
      const length = isPart ? header - PART : header;
      this.#requireLength(length);
      const start = at + HEADER_BYTES;
      const end = start + length;
      if (end > buffer.length) {
        this.#keep(HEADER_BYTES + length);
        return;
      }
      this.#at = end;
      if (isPart) this.#takePart(buffer, start, end);
      else this.#onMessage(buffer, start, end);
    }
    this.#keep(HEADER_BYTES);
  }

  #keep(needed: number): void {
    const [buffer, at] = [this.#chunk, this.#at];
    this.#chunk = NOTHING;
    this.#at = 0;
    if (at === buffer.length) return;
    this.#rest = [this.#own(at === 0 ? buffer : buffer.subarray(at))];
    this.#restBytes = buffer.length - at;
    this.#needed = needed;
  }

  #own(bytes: Buffer): Buffer {
    return this.#isLent ? Buffer.from(bytes) : bytes;
  }

  #takePart(buffer: Buffer, start: number, end: number): void {
    const reader = new ByteReader(buffer, start, end);
    const stream = reader.varint();
    const flags = reader.u8();
    const assembly = this.#assemblyOf(stream, (flags & FIRST) !== 0 ? reader.varint() : undefined);
    const bytes = reader.raw(reader.left);
    if (bytes.length === 0) throw new ProtocolError('Cannot read a message: a part of it is empty');
    assembly.parts.push(this.#own(bytes));
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
