// Data that v8 carries: all that structured clone keeps, cycles and shared parts too.
//
// A value is walked before v8 sees it, because v8 would silently make `{}` of a class instance.
// What v8 must not see, the *specials*, is written before the data; in the data `{ '@r': n }` stands
// for the n-th of them. A plain object that has the key '@r' itself is a special too, so nobody is
// confused.

import { deserialize, serialize } from 'node:v8';
import { ProtocolError, SerializationError, messageOf } from '../base/errors';
import { isRecentView } from './built-ins';
import { isErrorValue } from './error-values';
import { isCopiedLeaf, isPlainArray, isPlainMap, isPlainObject, isPlainSet } from './plain';
import {
  type ReferenceOf,
  type ValueLimits,
  keyText,
  refusal,
  requireCleanKeys,
  requireDepth,
  requireFewKeys,
  requireFewNodes,
} from './refusals';
import { PLACEHOLDER } from './tags';
import { valueTypeOf } from './value-types';

/** One pass over a value that v8 will carry: finds what v8 must not see, refuses what cannot cross. */
export class Walk {
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
    requireDepth(depth, path, this.#limits);
    requireFewNodes(this.#seen.size, path, this.#limits);
    if (isPlainArray(value)) {
      this.#seen.add(value);
      this.#scanArray(value, path, depth);
    } else if (isPlainObject(value)) {
      this.#scanObject(value as Record<string, unknown>, path, depth);
    } else if (this.#isSpecial(value, path)) {
      this.#addSpecial(value, path);
    } else if (isPlainMap(value)) {
      this.#seen.add(value);
      for (const [key, item] of value) {
        if (mayHold(key)) this.scan(key, `a key of ${path}`, depth + 1);
        if (mayHold(item)) this.scan(item, `${path}.get(${keyText(key)})`, depth + 1);
      }
    } else if (isPlainSet(value)) {
      this.#seen.add(value);
      for (const item of value)
        if (mayHold(item)) this.scan(item, `a member of ${path}`, depth + 1);
    } else if (isRecentView(value)) {
      this.#addSpecial(value, path); // its own tag tells a Node that does not know it
    } else if (!isCopiedLeaf(value)) {
      throw refusal(value, path);
    }
  }

  #isSpecial(value: object, path: string): boolean {
    return (
      isErrorValue(value) ||
      valueTypeOf(value) !== undefined ||
      this.#referenceOf(value, path) !== undefined
    );
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
    requireFewKeys(names, path, this.#limits);
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
}

function mayHold(value: unknown): boolean {
  return typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol';
}

/** Whether an array has properties besides its items, as the match of a RegExp has. */
export function hasMore(items: readonly unknown[]): boolean {
  if ('index' in items || 'raw' in items) return true;
  return items.length <= KEYS_COUNTED && Object.keys(items).length > items.length;
}
/** Counting the keys of a longer array would cost more than sending it. */
const KEYS_COUNTED = 64;

export function toV8(data: unknown, path: string): Buffer {
  try {
    return serialize(data);
  } catch (cause) {
    throw new SerializationError(`Cannot send ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** The value whose specials were `extras`. */
export function fromV8(bytes: Buffer, extras: readonly unknown[]): unknown {
  let data: unknown;
  try {
    data = deserialize(Buffer.from(bytes));
  } catch (cause) {
    throw new ProtocolError(`Cannot read a value: ${messageOf(cause)}`, { cause });
  }
  return extras.length === 0 ? data : new Restore(extras).restore(data);
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
