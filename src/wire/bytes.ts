// Writing to and reading from bytes: numbers, texts, lengths. Nothing here knows what they mean.
//
// A varint is little-endian base 128 and holds whole numbers up to 2^53 - 1. A text is one byte a
// character where it can be (ASCII), else UTF-16: both are lossless, lone surrogates included.

import { ProtocolError } from '../base/errors';

const ASCII = 0;
const UTF16 = 1;
/** Texts up to this length are written and read by hand: faster than a call into the runtime. */
const SHORT = 24;
const CACHED_TEXTS = 1024;

export class ByteWriter {
  #buffer: Buffer;
  /** Bytes written so far. May be set back to forget what was written last. */
  length = 0;

  constructor(size = 4096) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  /** What was written; a view, valid until the next write. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  /** Gives what was written away and starts anew. */
  take(): Buffer {
    const bytes = this.bytes;
    this.#buffer = Buffer.allocUnsafe(4096);
    this.length = 0;
    return bytes;
  }

  u8(value: number): void {
    if (this.length === this.#buffer.length) this.#grow(1);
    this.#buffer[this.length++] = value;
  }

  /** Overwrites a byte that was written before. */
  patchU8(at: number, value: number): void {
    this.#buffer[at] = value;
  }

  patchU32(at: number, value: number): void {
    this.#buffer.writeUInt32LE(value, at);
  }

  byteAt(at: number): number {
    return this.#buffer[at] ?? 0;
  }

  u32(value: number): void {
    if (this.length + 4 > this.#buffer.length) this.#grow(4);
    this.#buffer.writeUInt32LE(value, this.length);
    this.length += 4;
  }

  double(value: number): void {
    if (this.length + 8 > this.#buffer.length) this.#grow(8);
    this.#buffer.writeDoubleLE(value, this.length);
    this.length += 8;
  }

  varint(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`Cannot write ${String(value)} as a whole number`);
    }
    if (this.length + 8 > this.#buffer.length) this.#grow(8);
    let rest = value;
    while (rest >= 2 ** 31) {
      this.#buffer[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.#buffer[this.length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[this.length++] = rest;
  }

  raw(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#buffer.length) this.#grow(bytes.length);
    this.#buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A length, then the bytes. */
  blob(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  text(value: string): void {
    const { length } = value;
    if (length <= SHORT && this.#shortText(value, length)) return;
    if (Buffer.byteLength(value) === length) {
      this.varint(length * 2 + ASCII);
      if (this.length + length > this.#buffer.length) this.#grow(length);
      this.length += this.#buffer.write(value, this.length, 'latin1');
      return;
    }
    this.varint(length * 2 + UTF16);
    if (this.length + length * 2 > this.#buffer.length) this.#grow(length * 2);
    this.length += this.#buffer.write(value, this.length, 'utf16le');
  }

  /** Makes room for `bytes` at `at` and writes them there. */
  insert(at: number, bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#buffer.length) this.#grow(bytes.length);
    this.#buffer.copyWithin(at + bytes.length, at, this.length);
    this.#buffer.set(bytes, at);
    this.length += bytes.length;
  }

  #shortText(value: string, length: number): boolean {
    if (this.length + SHORT + 1 > this.#buffer.length) this.#grow(SHORT + 1);
    const buffer = this.#buffer;
    let at = this.length;
    buffer[at++] = length * 2 + ASCII;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false; // nothing is lost: the length was not moved
      buffer[at++] = code;
    }
    this.length = at;
    return true;
  }

  #grow(by: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.length + by));
    this.#buffer.copy(grown, 0, 0, this.length);
    this.#buffer = grown;
  }
}

/** Texts met lately, by a hash of their bytes: member names come again and again. */
const texts = new Array<string | undefined>(CACHED_TEXTS).fill(undefined);

export class ByteReader {
  #buffer: Buffer;
  /** The next byte to be read. */
  at: number;
  readonly #end: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.at;
  }

  u8(): number {
    if (this.at >= this.#end) throw cut();
    return this.#buffer[this.at++] ?? 0;
  }

  u32(): number {
    this.#need(4);
    this.at += 4;
    return this.#buffer.readUInt32LE(this.at - 4);
  }

  double(): number {
    this.#need(8);
    this.at += 8;
    return this.#buffer.readDoubleLE(this.at - 8);
  }

  varint(): number {
    let byte = this.u8();
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      if (scale > 2 ** 49) throw new ProtocolError('Cannot read a number: it is too long');
      byte = this.u8();
      value += (byte & 127) * scale;
    }
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new ProtocolError('Cannot read a number: it is too large');
    }
    return value;
  }

  /** A view of the next bytes. */
  raw(length: number): Buffer {
    this.#need(length);
    this.at += length;
    return this.#buffer.subarray(this.at - length, this.at);
  }

  blob(): Buffer {
    return this.raw(this.varint());
  }

  text(): string {
    const head = this.varint();
    const length = Math.floor(head / 2);
    if (head % 2 === UTF16) return this.raw(length * 2).toString('utf16le');
    this.#need(length);
    const start = this.at;
    this.at += length;
    return length <= SHORT
      ? this.#shortText(start, length)
      : this.#buffer.toString('latin1', start, start + length);
  }

  /** A number of things that take at least a byte each: a lie about it is found at once. */
  count(): number {
    const count = this.varint();
    if (count > this.left) throw cut();
    return count;
  }

  #shortText(start: number, length: number): string {
    const buffer = this.#buffer;
    let hash = length;
    for (let i = start; i < start + length; i++) hash = (hash * 31 + (buffer[i] ?? 0)) | 0;
    const slot = hash & (CACHED_TEXTS - 1);
    const cached = texts[slot];
    if (cached?.length === length && this.#equals(start, cached)) return cached;
    return (texts[slot] = buffer.toString('latin1', start, start + length));
  }

  #equals(start: number, text: string): boolean {
    for (let i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) !== this.#buffer[start + i]) return false;
    }
    return true;
  }

  #need(bytes: number): void {
    if (bytes > this.#end - this.at) throw cut();
  }
}

function cut(): ProtocolError {
  return new ProtocolError('Cannot read a frame: it ends too early');
}
