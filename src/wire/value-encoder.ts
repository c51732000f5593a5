// Values as bytes. Primitives, bytes, dates and small trees have compact tags of their own; what is
// left is carried by v8, or by the serializer that was asked for.
//
// What is not data is offered to `reference`, which answers its index in the frame's table or throws.

import { types } from 'node:util';
import { LimitError, SerializationError } from '../base/errors';
import { DEFAULT_LIMITS } from '../base/limits';
import { writeBuiltIn } from './built-ins';
import { type ByteWriter } from './bytes';
import { isErrorValue, writeError } from './error-values';
import { Division, PART } from './parts';
import { isPlainArray, isPlainObject, kindOf } from './plain';
import {
  type ReferenceOf,
  type ValueLimits,
  refusal,
  requireCleanKeys,
  requireDepth,
} from './refusals';
import { type NamedSerializer, encodeWith } from './serializers';
import { BIGINT_DIGITS, PLACEHOLDER, SMALL_INT, TAG } from './tags';
import { Walk, hasMore, toV8 } from './v8-data';
import { plainOf, valueTypeOf } from './value-types';

/** Trees of up to this many objects are written compactly. */
const SMALL_TREE = 16;
const SMALL_OBJECT_KEYS = 32;

export class ValueEncoder {
  readonly #writer: ByteWriter;
  readonly #referenceOf: ReferenceOf;
  readonly #limits: ValueLimits;
  /** The objects of the small tree that is being written. */
  #tree: object[] = [];
  /** The special objects that are being written: one that holds itself is met here again. */
  #open: Set<object> | undefined;
  /** The errors written so far: one that comes again is named by its number. */
  readonly #errors: Error[] = [];
  /** What carries structured data; undefined: small trees have tags, and the rest goes by v8. */
  readonly #serializer: NamedSerializer | undefined;

  constructor(
    writer: ByteWriter,
    referenceOf: ReferenceOf,
    limits: ValueLimits = DEFAULT_LIMITS,
    serializer?: NamedSerializer,
  ) {
    this.#writer = writer;
    this.#referenceOf = referenceOf;
    this.#limits = limits;
    this.#serializer = serializer;
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
    if (this.#special(value, path) || this.#common(value)) return;
    if (this.#serializer !== undefined) return this.#serialized(this.#serializer, value, path);
    const start = writer.length;
    const errors = this.#errors.length;
    this.#tree = [];
    if (this.#smallTree(value, path)) return;
    writer.length = start;
    this.#errors.length = errors;
    this.#structured(value, path);
  }

  /** Built-ins that have a tag of their own whatever carries the rest. */
  #common(value: object): boolean {
    const writer = this.#writer;
    if (value instanceof Uint8Array && value.constructor === Buffer) {
      writer.u8(TAG.buffer);
      writer.blob(value);
    } else if (value instanceof Uint8Array && value.constructor === Uint8Array) {
      writer.u8(TAG.bytes);
      writer.blob(value);
    } else if (value instanceof Date && Object.getPrototypeOf(value) === Date.prototype) {
      writer.u8(TAG.date);
      writer.double(value.getTime());
    } else return false;
    return true;
  }

  /** References, errors, instances of registered classes: what no serializer carries, wherever it stands. */
  #special(value: object, path: string): boolean {
    if (isErrorValue(value)) {
      this.#error(value, path);
      return true;
    }
    if (isPlainArray(value) || isPlainObject(value)) return false;
    const type = valueTypeOf(value);
    if (type !== undefined) {
      this.#registered(type, value, path);
      return true;
    }
    const index = this.#referenceOf(value, path);
    if (index === undefined) return false;
    this.#writer.u8(TAG.reference);
    this.#writer.varint(index);
    return true;
  }

  #registered(type: string, value: object, path: string): void {
    this.#within(value, path, () => {
      this.#writer.u8(TAG.registered);
      this.#writer.text(type);
      this.encode(plainOf(type, value, path), path);
    });
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
    if (valueTypeOf(value) !== undefined) return false; // once, and not again when the tree is dropped
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
    writer.blob(toV8(data, path));
  }

  #extra(special: object, path: string): void {
    if (this.#special(special, path) || writeBuiltIn(this.#writer, special)) return;
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

  #serialized(serializer: NamedSerializer, value: object, path: string): void {
    const writer = this.#writer;
    if (this.#builtIn(value, path)) return;
    const division = new Division(this.#referenceOf, this.#limits);
    const data = division.divide(value, path);
    writer.u8(TAG.serialized);
    writer.text(serializer.name);
    writer.varint(division.parts.length);
    for (const { kind, content, path: at } of division.parts) {
      writer.u8(kind);
      if (kind === PART.leaf) this.#leaf(content, at);
    }
    writer.blob(encodeWith(serializer, data, path));
  }

  #leaf(value: unknown, path: string): void {
    if (this.#primitive(value, path)) return;
    const leaf = value as object;
    if (this.#special(leaf, path) || this.#common(leaf) || this.#builtIn(leaf, path)) return;
    throw refusal(value, path);
  }

  #builtIn(value: object, path: string): boolean {
    if (writeBuiltIn(this.#writer, value)) return true;
    if (!types.isBoxedPrimitive(value) || types.isSymbolObject(value)) return false;
    this.#writer.u8(TAG.boxed);
    return this.#primitive(value.valueOf(), path);
  }

  #within(special: object, path: string, write: () => void): void {
    const open = (this.#open ??= new Set());
    if (open.has(special)) {
      throw new SerializationError(
        `Cannot send ${path}: ${kindOf(special)} holds itself, which only plain arrays, objects, Maps and Sets may`,
      );
    }
    requireDepth(open.size + 1, path, this.#limits);
    open.add(special);
    const tree = this.#tree;
    try {
      write();
    } finally {
      open.delete(special);
      this.#tree = tree;
    }
  }
}
