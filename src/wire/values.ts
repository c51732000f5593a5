// Values as bytes. Primitives, bytes and small trees have compact tags of their own; everything
// else that structured clone keeps is carried by v8.serialize.
//
// The encoder walks a value before v8 sees it: v8 would silently make `{}` of a class instance.
// What is not data is offered to `reference`, which answers its index in the frame's table or
// throws. Inside v8 data a special value is `{ '@r': n }`, the n-th of the extras written before
// the data; a plain object that has the key '@r' itself is an extra too, so nobody is confused.

import { deserialize, serialize } from 'node:v8';
import { LimitError, ProtocolError, SerializationError, messageOf } from '../base/errors';
import { DEFAULT_LIMITS } from '../base/limits';
import { ByteReader, ByteWriter } from './bytes';
import { isErrorValue, readError, writeError } from './error-values';
import { isCopiedLeaf, isPlainArray, isPlainMap, isPlainObject, isPlainSet, kindOf } from './plain';

const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  int: 4,
  negative: 5,
  double: 6,
  text: 7,
  bigint: 8,
  buffer: 9,
  bytes: 10,
  array: 11,
  object: 12,
  reference: 13,
  structured: 14,
  error: 15,
  date: 16,
  again: 17,
} as const;
/** Tags from here on are the numbers 0 to 127 themselves. */
const SMALL_INT = 128;
/** Trees of up to this many objects are written compactly. */
const SMALL_TREE = 16;
const SMALL_OBJECT_KEYS = 32;
const PLACEHOLDER = '@r';

/** What the walk may meet. */
export interface ValueLimits {
  readonly depth: number;
  readonly nodes: number;
  readonly keys: number;
  /** Whether errors tell where they were thrown. Default true. */
  readonly stacks?: boolean;
}

/**
 * The index of the reference that stands for `value`, or undefined where it is data.
 * Throws `SerializationError` for what cannot cross; `path` says where it was found.
 */
export type ReferenceOf = (value: object, path: string) => number | undefined;

export class ValueEncoder {
  readonly #writer: ByteWriter;
  readonly #referenceOf: ReferenceOf;
  readonly #limits: ValueLimits;
  /** The objects of the small tree that is being written. */
  #tree: object[] = [];
  /** The special objects that are being written: one that holds itself is met here again. */
  readonly #open = new Set<object>();
  /** The errors written so far: one that comes again is named by its number. */
  readonly #errors: Error[] = [];

  constructor(writer: ByteWriter, referenceOf: ReferenceOf, limits: ValueLimits = DEFAULT_LIMITS) {
    this.#writer = writer;
    this.#referenceOf = referenceOf;
    this.#limits = limits;
  }

  /** Throws `SerializationError` or `LimitError`; what was written till then is the caller's to drop. */
  encode(value: unknown, path: string): void {
    if (this.#primitive(value, path)) return;
    this.#object(value as object, path);
  }

  #primitive(value: unknown, path: string): boolean {
    const writer = this.#writer;
    switch (typeof value) {
      case 'string':
        writer.u8(TAG.text);
        writer.text(value);
        return true;
      case 'number':
        this.#number(value);
        return true;
      case 'boolean':
        writer.u8(value ? TAG.true : TAG.false);
        return true;
      case 'undefined':
        writer.u8(TAG.undefined);
        return true;
      case 'bigint':
        writer.u8(TAG.bigint);
        this.#bigint(value, path);
        return true;
      case 'symbol':
        throw refusal(value, path);
      case 'function':
        return false;
      case 'object':
        if (value !== null) return false;
        writer.u8(TAG.null);
        return true;
    }
  }

  #bigint(value: bigint, path: string): void {
    const digits = value.toString(16);
    if (digits.length > BIGINT_DIGITS) {
      throw new LimitError(
        `Cannot send ${path}: a bigint of more than ${String(BIGINT_DIGITS)} hexadecimal digits`,
      );
    }
    this.#writer.text(digits);
  }

  #number(value: number): void {
    const writer = this.#writer;
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= 0 && value < 128) return writer.u8(SMALL_INT + value);
      writer.u8(value < 0 ? TAG.negative : TAG.int);
      return writer.varint(Math.abs(value));
    }
    writer.u8(TAG.double);
    writer.double(value);
  }

  #object(value: object, path: string): void {
    const writer = this.#writer;
    if (this.#special(value, path)) return;
    if (value instanceof Uint8Array && value.constructor === Buffer) {
      writer.u8(TAG.buffer);
      return writer.blob(value);
    }
    if (value instanceof Uint8Array && value.constructor === Uint8Array) {
      writer.u8(TAG.bytes);
      return writer.blob(value);
    }
    if (value instanceof Date && Object.getPrototypeOf(value) === Date.prototype) {
      writer.u8(TAG.date);
      return writer.double(value.getTime());
    }
    const start = writer.length;
    const errors = this.#errors.length;
    this.#tree = [];
    if (this.#smallTree(value, path)) return;
    writer.length = start;
    this.#errors.length = errors;
    this.#structured(value, path);
  }

  /** References and errors: what v8 would not carry, wherever it stands. */
  #special(value: object, path: string): boolean {
    if (isErrorValue(value)) {
      this.#error(value, path);
      return true;
    }
    if (isPlainArray(value) || isPlainObject(value)) return false;
    const index = this.#referenceOf(value, path);
    if (index === undefined) return false;
    this.#writer.u8(TAG.reference);
    this.#writer.varint(index);
    return true;
  }

  #error(error: Error, path: string): void {
    const known = this.#errors.indexOf(error);
    if (known !== -1) {
      this.#writer.u8(TAG.again);
      this.#writer.varint(known);
      return;
    }
    this.#errors.push(error);
    this.#within(error, path, () => {
      this.#writer.u8(TAG.error);
      const encode = (part: unknown, name: string): void => {
        this.#attempt(() => {
          this.encode(part, `${path}.${name}`);
        });
      };
      writeError(this.#writer, error, encode, this.#limits.stacks);
    });
  }

  /** What is dropped of the bytes is dropped of the errors too. */
  #attempt(write: () => void): void {
    const errors = this.#errors.length;
    try {
      write();
    } catch (error) {
      this.#errors.length = errors;
      throw error;
    }
  }

  /** False where `value` is no small tree: the caller drops what was written. */
  #smallTree(value: object, path: string): boolean {
    if (this.#tree.length === SMALL_TREE || this.#tree.includes(value)) return false;
    this.#tree.push(value);
    if (isPlainArray(value)) return this.#smallArray(value, path);
    return isPlainObject(value) && this.#smallObject(value as Record<string, unknown>, path);
  }

  #smallArray(items: readonly unknown[], path: string): boolean {
    const writer = this.#writer;
    if (hasMore(items)) return false;
    writer.u8(TAG.array);
    writer.varint(items.length);
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (item === undefined && !(i in items)) return false;
      if (typeof item === 'symbol') throw refusal(item, `${path}[${String(i)}]`);
      if (this.#primitive(item, path)) continue;
      if (!this.#child(item as object, `${path}[${String(i)}]`)) return false;
    }
    return true;
  }

  #smallObject(fields: Record<string, unknown>, path: string): boolean {
    const writer = this.#writer;
    const names = Object.keys(fields);
    if (names.length > SMALL_OBJECT_KEYS || PLACEHOLDER in fields) return false;
    requireCleanKeys(fields, path);
    writer.u8(TAG.object);
    writer.varint(names.length);
    for (const name of names) {
      writer.text(name);
      const field = fields[name];
      if (typeof field === 'symbol') throw refusal(field, `${path}.${name}`);
      if (this.#primitive(field, path)) continue;
      if (!this.#child(field as object, `${path}.${name}`)) return false;
    }
    return true;
  }

  #child(value: object, path: string): boolean {
    const tree = this.#tree;
    if (this.#special(value, path)) {
      this.#tree = tree;
      return true;
    }
    return this.#smallTree(value, path);
  }

  #structured(value: object, path: string): void {
    const walk = new Walk(this.#referenceOf, this.#limits);
    walk.scan(value, path, 0);
    const data = walk.specials.size > 0 ? walk.replace(value) : value;
    const writer = this.#writer;
    writer.u8(TAG.structured);
    writer.varint(walk.specials.size);
    for (const [special, at] of walk.specials) this.#extra(special, at.path);
    let bytes: Buffer;
    try {
      bytes = serialize(data);
    } catch (cause) {
      throw new SerializationError(`Cannot send ${path}: ${messageOf(cause)}`, { cause });
    }
    writer.blob(bytes);
  }

  #extra(special: object, path: string): void {
    if (this.#special(special, path)) return;
    // Plain, but with the key '@r': as its entries, which no placeholder can be taken for.
    this.#within(special, path, () => {
      this.#writer.u8(TAG.object);
      const fields = Object.entries(special);
      this.#writer.varint(fields.length);
      for (const [name, field] of fields) {
        this.#writer.text(name);
        this.encode(field, `${path}.${name}`);
      }
    });
  }

  #within(special: object, path: string, write: () => void): void {
    if (this.#open.has(special)) {
      throw new SerializationError(
        `Cannot send ${path}: an object with the key "${PLACEHOLDER}" that holds itself`,
      );
    }
    if (this.#open.size >= this.#limits.depth) {
      throw new LimitError(
        `Cannot send ${shorten(path)}: nested deeper than limits.depth, which is ${String(this.#limits.depth)}`,
      );
    }
    this.#open.add(special);
    const tree = this.#tree;
    try {
      write();
    } finally {
      this.#open.delete(special);
      this.#tree = tree;
    }
  }
}

/** One pass over a value that v8 will carry: finds what v8 must not see, refuses what cannot cross. */
class Walk {
  /** Each special object with its number among the extras. */
  readonly specials = new Map<object, { readonly index: number; readonly path: string }>();
  readonly #seen = new Set<object>();
  readonly #copies = new Map<object, object>();
  readonly #referenceOf: ReferenceOf;
  readonly #limits: ValueLimits;

  constructor(referenceOf: ReferenceOf, limits: ValueLimits) {
    this.#referenceOf = referenceOf;
    this.#limits = limits;
  }

  scan(value: unknown, path: string, depth: number): void {
    if (typeof value === 'symbol') throw refusal(value, path);
    if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return;
    if (this.#seen.has(value) || this.specials.has(value)) return;
    this.#requireRoom(path, depth);
    if (isPlainArray(value)) {
      this.#seen.add(value);
      this.#scanArray(value, path, depth);
    } else if (isPlainObject(value)) {
      this.#scanObject(value as Record<string, unknown>, path, depth);
    } else if (isErrorValue(value) || this.#referenceOf(value, path) !== undefined) {
      this.#addSpecial(value, path);
    } else if (isPlainMap(value)) {
      this.#seen.add(value);
      for (const [key, item] of value) {
        if (mayHold(key)) this.scan(key, `a key of ${path}`, depth + 1);
        if (mayHold(item)) this.scan(item, `${path}.get(${textOf(key)})`, depth + 1);
      }
    } else if (isPlainSet(value)) {
      this.#seen.add(value);
      for (const item of value)
        if (mayHold(item)) this.scan(item, `a member of ${path}`, depth + 1);
    } else if (!isCopiedLeaf(value)) {
      throw refusal(value, path);
    }
  }

  #scanArray(items: readonly unknown[], path: string, depth: number): void {
    items.forEach((item, i) => {
      if (mayHold(item)) this.scan(item, `${path}[${String(i)}]`, depth + 1);
    });
    if (!hasMore(items)) return;
    for (const [name, field] of Object.entries(items)) {
      if (mayHold(field)) this.scan(field, `${path}.${name}`, depth + 1);
    }
  }

  /** The value with a placeholder for each special; shared and cyclic parts stay so. */
  replace(value: unknown): unknown {
    if (typeof value !== 'object' && typeof value !== 'function') return value;
    if (value === null) return value;
    const special = this.specials.get(value);
    if (special !== undefined) return { [PLACEHOLDER]: special.index };
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    if (isPlainArray(value)) return this.#replaceArray(value);
    if (isPlainObject(value)) {
      const copy = this.#remember<Record<string, unknown>>(value, {});
      for (const [name, field] of Object.entries(value)) copy[name] = this.replace(field);
      return copy;
    }
    if (isPlainMap(value)) {
      const copy = this.#remember(value, new Map<unknown, unknown>());
      for (const [key, item] of value) copy.set(this.replace(key), this.replace(item));
      return copy;
    }
    if (isPlainSet(value)) {
      const copy = this.#remember(value, new Set<unknown>());
      for (const item of value) copy.add(this.replace(item));
      return copy;
    }
    return value;
  }

  #replaceArray(items: readonly unknown[]): unknown[] {
    const copy = this.#remember(items, new Array<unknown>(items.length));
    for (const [name, item] of Object.entries(items)) {
      (copy as unknown as Record<string, unknown>)[name] = this.replace(item);
    }
    return copy;
  }

  #scanObject(fields: Record<string, unknown>, path: string, depth: number): void {
    requireCleanKeys(fields, path);
    if (PLACEHOLDER in fields) {
      this.#addSpecial(fields, path); // written by itself, and walked then
      return;
    }
    this.#seen.add(fields);
    const names = Object.keys(fields);
    if (names.length > this.#limits.keys) {
      throw new LimitError(
        `Cannot send ${path}: ${String(names.length)} keys, and limits.keys is ${String(this.#limits.keys)}; send entries or a Map`,
      );
    }
    for (const name of names) {
      const field = fields[name];
      if (mayHold(field)) this.scan(field, `${path}.${name}`, depth + 1);
    }
  }

  #addSpecial(value: object, path: string): void {
    this.specials.set(value, { index: this.specials.size, path });
  }

  #remember<T extends object>(original: object, copy: T): T {
    this.#copies.set(original, copy);
    return copy;
  }

  #requireRoom(path: string, depth: number): void {
    if (depth > this.#limits.depth) {
      throw new LimitError(
        `Cannot send ${shorten(path)}: nested deeper than limits.depth, which is ${String(this.#limits.depth)}`,
      );
    }
    if (this.#seen.size >= this.#limits.nodes) {
      throw new LimitError(
        `Cannot send ${path}: more objects than limits.nodes, which is ${String(this.#limits.nodes)}`,
      );
    }
  }
}

function mayHold(value: unknown): boolean {
  return typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol';
}

/** Whether an array has properties besides its items, as the match of a RegExp has. */
function hasMore(items: readonly unknown[]): boolean {
  if ('index' in items || 'raw' in items) return true;
  return items.length <= KEYS_COUNTED && Object.keys(items).length > items.length;
}
/** Counting the keys of a longer array would cost more than sending it. */
const KEYS_COUNTED = 64;

function requireCleanKeys(fields: object, path: string): void {
  if (Object.hasOwn(fields, '__proto__')) {
    throw new SerializationError(`Cannot send ${path}: it has a key "__proto__"`);
  }
  const symbol = Object.getOwnPropertySymbols(fields)[0];
  if (symbol !== undefined) {
    throw new SerializationError(`Cannot send ${path}: it has the key ${symbol.toString()}`);
  }
}

/** A path of a hundred hops is as telling without its middle. */
function shorten(path: string): string {
  return path.length > 100 ? `${path.slice(0, 60)}…${path.slice(-20)}` : path;
}

function textOf(key: unknown): string {
  if (typeof key === 'string') return `"${key}"`;
  return typeof key === 'number' ? String(key) : '…';
}

function refusal(value: unknown, path: string): SerializationError {
  return new SerializationError(`Cannot send ${path}: ${kindOf(value)} cannot be copied`);
}

/** A value that holds no references, as bytes: for messages outside of a session. */
export function packValue(value: unknown): Buffer {
  const writer = new ByteWriter(256);
  new ValueEncoder(writer, () => undefined).encode(value, 'the value');
  return Buffer.from(writer.bytes);
}

export function unpackValue(bytes: Uint8Array): unknown {
  return decodeValue(new ByteReader(Buffer.from(bytes)), () => undefined);
}

/** What stands for the reference with that index. */
export type ValueOf = (index: number) => unknown;

/** Reads one value. Throws `ProtocolError` for bytes that no encoder writes. */
export function decodeValue(reader: ByteReader, valueOf: ValueOf): unknown {
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
    case TAG.bigint:
      return parseBigint(reader.text());
    case TAG.buffer:
      return Buffer.from(reader.blob());
    case TAG.bytes:
      return new Uint8Array(reader.blob());
    case TAG.array:
      return decodeArray(reader, valueOf);
    case TAG.object:
      return decodeObject(reader, valueOf);
    case TAG.reference:
      return valueOf(reader.varint());
    case TAG.structured:
      return decodeStructured(reader, valueOf);
    case TAG.error:
      return readError(reader, () => decodeValue(reader, valueOf));
    case TAG.again:
      return reader.errorAt(reader.varint());
    case TAG.date:
      return new Date(reader.double());
    default:
      throw new ProtocolError(`Cannot read a value: tag ${String(tag)} is unknown`);
  }
}

function decodeArray(reader: ByteReader, valueOf: ValueOf): unknown[] {
  const count = reader.count();
  const items: unknown[] = [];
  reader.enter();
  for (let i = 0; i < count; i++) items.push(decodeValue(reader, valueOf));
  reader.leave();
  return items;
}

function decodeObject(reader: ByteReader, valueOf: ValueOf): Record<string, unknown> {
  const count = reader.count();
  const fields: Record<string, unknown> = {};
  reader.enter();
  for (let i = 0; i < count; i++) {
    const name = reader.text();
    if (name === '__proto__')
      throw new ProtocolError('Cannot read an object: it has a key "__proto__"');
    fields[name] = decodeValue(reader, valueOf);
  }
  reader.leave();
  return fields;
}

/** Far more than any honest number has, and soon read. */
const BIGINT_DIGITS = 2 ** 18;

function parseBigint(text: string): bigint {
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  if (!/^[0-9a-f]+$/.test(digits) || digits.length > BIGINT_DIGITS) {
    throw new ProtocolError('Cannot read a bigint');
  }
  const value = BigInt(`0x${digits}`);
  return negative ? -value : value;
}

function deserializeData(bytes: Buffer): unknown {
  try {
    return deserialize(Buffer.from(bytes)) as unknown;
  } catch (cause) {
    throw new ProtocolError(`Cannot read a value: ${messageOf(cause)}`, { cause });
  }
}

function decodeStructured(reader: ByteReader, valueOf: ValueOf): unknown {
  const count = reader.count();
  const extras: unknown[] = [];
  for (let i = 0; i < count; i++) extras.push(decodeValue(reader, valueOf));
  const data = deserializeData(reader.blob());
  return count === 0 ? data : new Restore(extras).restore(data);
}

/** Puts the extras where their placeholders are. */
class Restore {
  readonly #extras: readonly unknown[];
  readonly #seen = new Set<object>();

  constructor(extras: readonly unknown[]) {
    this.#extras = extras;
  }

  restore(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) return value;
    if (Object.hasOwn(value, PLACEHOLDER)) return this.#extra(value as Record<string, unknown>);
    this.#seen.add(value);
    if (isPlainMap(value)) {
      const entries = [...value];
      value.clear();
      for (const [key, item] of entries) value.set(this.restore(key), this.restore(item));
    } else if (isPlainSet(value)) {
      const items = [...value];
      value.clear();
      for (const item of items) value.add(this.restore(item));
    } else if (isPlainArray(value) || isPlainObject(value)) {
      const fields = value as Record<string, unknown>;
      for (const name of Object.keys(fields)) {
        const field = fields[name];
        if (mayHold(field)) fields[name] = this.restore(field);
      }
    }
    return value;
  }

  #extra(placeholder: Record<string, unknown>): unknown {
    const index = placeholder[PLACEHOLDER];
    if (typeof index !== 'number' || !(index in this.#extras)) {
      throw new ProtocolError('Cannot read a value: it names an extra that is not there');
    }
    return this.#extras[index];
  }
}
