// Values from bytes. Throws `ProtocolError` for bytes that no encoder writes, and `SerializationError`
// for what is sound and cannot be had here.

import { ProtocolError, SerializationError } from '../base/errors';
import { readArrayBuffer, readRegExp, readView } from './built-ins';
import { type ByteReader } from './bytes';
import { beginError, finishError } from './error-values';
import { Assembly, PART, shellOf } from './parts';
import { decodeWith, serializerOfPeer } from './serializers';
import { BIGINT_DIGITS, DEPTH_MAX, SMALL_INT, TAG } from './tags';
import { fromV8 } from './v8-data';
import { instanceOf } from './value-types';

/** What stands for the reference with that index. */
export type ValueOf = (index: number) => unknown;

/** Reads the values of one message. */
export class ValueDecoder {
  readonly #reader: ByteReader;
  readonly #valueOf: ValueOf;
  /** The one serializer that is spoken of where v8 is not taken; else undefined. */
  readonly #instead: string | undefined;
  /** The errors that were read, in their order: one that comes again is only named. */
  #errors: Error[] | undefined;
  #depth = 0;

  /** `instead`: data of v8 is refused, and that serializer is recommended. */
  constructor(reader: ByteReader, valueOf: ValueOf, instead?: string) {
    this.#reader = reader;
    this.#valueOf = valueOf;
    this.#instead = instead;
  }

  decode(): unknown {
    const reader = this.#reader;
    const tag = reader.u8();
    if (tag >= SMALL_INT) return tag - SMALL_INT;
    switch (tag) {
      case TAG.undefined:
        return undefined;
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.int:
        return reader.varint();
      case TAG.negative:
        return -reader.varint();
      case TAG.double:
        return reader.double();
      case TAG.text:
        return reader.text();
      default:
        return this.#object(tag);
    }
  }

  #object(tag: number): unknown {
    const reader = this.#reader;
    switch (tag) {
      case TAG.array:
        return this.#array();
      case TAG.object:
        return this.#fields();
      case TAG.reference:
        return this.#valueOf(reader.varint());
      case TAG.bigint:
        return parseBigint(reader.text());
      case TAG.buffer:
        return Buffer.from(reader.blob());
      case TAG.bytes:
        return new Uint8Array(reader.blob());
      case TAG.date:
        return new Date(reader.double());
      case TAG.structured:
        return this.#structured();
      case TAG.serialized:
        return this.#serialized();
      case TAG.error:
        return this.#error();
      case TAG.again:
        return this.#errorAt(reader.varint());
      default:
        return this.#rare(tag);
    }
  }

  #rare(tag: number): unknown {
    const reader = this.#reader;
    switch (tag) {
      case TAG.registered:
        return this.#registered();
      case TAG.view:
        return readView(reader);
      case TAG.arrayBuffer:
        return readArrayBuffer(reader);
      case TAG.regExp:
        return readRegExp(reader);
      case TAG.boxed:
        return Object(this.#inner()) as object;
      default:
        throw new ProtocolError(`Cannot read a value: tag ${String(tag)} is unknown`);
    }
  }

  /** Values stand in values: deeper than any encoder goes, it is an attack on our stack. */
  #enter(): void {
    if (++this.#depth > DEPTH_MAX) {
      throw new ProtocolError('Cannot read a value: it is nested too deep');
    }
  }

  #inner(): unknown {
    this.#enter();
    const value = this.decode();
    this.#depth--;
    return value;
  }

  #array(): unknown[] {
    const count = this.#reader.count();
    const items: unknown[] = [];
    this.#enter();
    for (let i = 0; i < count; i++) items.push(this.decode());
    this.#depth--;
    return items;
  }

  #fields(): Record<string, unknown> {
    const count = this.#reader.count();
    const fields: Record<string, unknown> = {};
    this.#enter();
    for (let i = 0; i < count; i++) {
      const name = this.#reader.text();
      if (name === '__proto__')
        throw new ProtocolError('Cannot read an object: it has a key "__proto__"');
      fields[name] = this.decode();
    }
    this.#depth--;
    return fields;
  }

  #registered(): unknown {
    const name = this.#reader.text();
    return instanceOf(name, this.#inner());
  }

  #error(): Error {
    const open = beginError(this.#reader);
    (this.#errors ??= []).push(open.error);
    finishError(this.#reader, open, () => this.#inner());
    return open.error;
  }

  #errorAt(index: number): Error {
    const error = this.#errors?.[index];
    if (error !== undefined) return error;
    throw new ProtocolError('Cannot read an error: it was not there before');
  }

  #structured(): unknown {
    const count = this.#reader.count();
    const extras: unknown[] = [];
    for (let i = 0; i < count; i++) extras.push(this.#inner());
    const bytes = this.#reader.blob();
    if (this.#instead === undefined) return fromV8(bytes, extras);
    throw new SerializationError(
      `Cannot read data of serializer 'v8': this manager does not take it from its clients; use '${this.#instead}', as Manager.connect(address, { serializer: '${this.#instead}' }) or withOptions(proxy, { serializer: '${this.#instead}' })`,
    );
  }

  #serialized(): unknown {
    const reader = this.#reader;
    const name = reader.text();
    const count = reader.count();
    const kinds: number[] = [];
    const values: unknown[] = [];
    for (let i = 0; i < count; i++) {
      const kind = reader.u8();
      kinds.push(kind);
      values.push(kind === PART.leaf ? this.#inner() : shellOf(kind));
    }
    const bytes = reader.blob();
    const serializer = serializerOfPeer(name);
    if (serializer === undefined)
      throw new ProtocolError("Cannot read a value: 'v8' has its own tag");
    return new Assembly(kinds, values).assemble(decodeWith(serializer, bytes));
  }
}

function parseBigint(text: string): bigint {
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  if (!/^[0-9a-f]+$/.test(digits) || digits.length > BIGINT_DIGITS) {
    throw new ProtocolError('Cannot read a bigint');
  }
  const value = BigInt(`0x${digits}`);
  return negative ? -value : value;
}
