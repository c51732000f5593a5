// A value taken apart for a serializer that knows only what JSON knows, and put together again.
//
// What is left is plain: null, booleans, finite numbers, texts, arrays, plain objects. Everything
// else is a *part*, for which `{ '@r': n }` stands: a *leaf*, which has a tag of its own and is written
// beside the data; or a *container*, whose contents are plain data again. So Maps, Sets, arrays with
// holes, what is held twice and what holds itself all come back, whichever serializer carries them.

import { ProtocolError } from '../base/errors';
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
import { DEPTH_MAX, PLACEHOLDER } from './tags';
import { hasMore } from './v8-data';
import { valueTypeOf } from './value-types';

/**
 * leaf: no container. shared: an array or object that is held more than once; its contents are
 * itself. map: keys and values in turn. set: the members. entries: an object with keys that a
 * serializer could misread, as keys and values in turn. items: an array with holes or further
 * properties, as its length, then keys and values in turn.
 */
export const PART = { leaf: 0, shared: 1, map: 2, set: 3, entries: 4, items: 5 } as const;
type PartKind = (typeof PART)[keyof typeof PART];

export interface Part {
  readonly kind: PartKind;
  /** Of a leaf the value, of a container its contents. */
  readonly content: unknown;
  readonly path: string;
}

type Fields = Record<string | number, unknown>;

/** Where an object was met: if it is met again, its copy is taken out from there. */
interface Met {
  /** Its number among the parts; -1 where it stands inside of another one. */
  index: number;
  readonly copy: unknown;
  readonly holder: Fields;
  readonly key: string | number;
  readonly path: string;
}

/** Keys by which a library may take data for more than data. */
const ODD_KEYS: ReadonlySet<string> = new Set([PLACEHOLDER, 'toJSON', 'constructor']);

export class Division {
  readonly parts: Part[] = [];
  readonly #met = new Map<unknown, Met>();
  readonly #referenceOf: ReferenceOf;
  readonly #limits: ValueLimits;

  constructor(referenceOf: ReferenceOf, limits: ValueLimits) {
    this.#referenceOf = referenceOf;
    this.#limits = limits;
  }

  /** The plain data: the value itself, then the contents of the containers, in the order of `parts`. */
  divide(value: unknown, path: string): unknown[] {
    const root: Fields = {};
    this.#put(root, 0, value, path, 0);
    const containers = this.parts.filter(({ kind }) => kind !== PART.leaf);
    return [root[0], ...containers.map(({ content }) => content)];
  }

  #put(holder: Fields, key: string | number, value: unknown, path: string, depth: number): void {
    holder[key] = isPlain(value) ? value : this.#take(holder, key, value, path, depth);
  }

  /** What stands at that place for something that is no plain primitive. */
  #take(
    holder: Fields,
    key: string | number,
    value: unknown,
    path: string,
    depth: number,
  ): unknown {
    if (typeof value === 'symbol') throw refusal(value, path);
    const met = this.#met.get(value);
    if (met !== undefined) return this.#again(met);
    if (typeof value !== 'object' && typeof value !== 'function')
      return this.#part(value, PART.leaf, value, path);
    const object = value as object;
    requireDepth(depth, path, this.#limits);
    requireFewNodes(this.#met.size, path, this.#limits);
    if (isPlainArray(object) && !hasHoles(object) && !hasMore(object)) {
      return this.#inline(holder, key, object, [], path, depth);
    }
    if (isPlainObject(object)) {
      requireCleanKeys(object, path);
      const names = Object.keys(object);
      requireFewKeys(names, path, this.#limits);
      if (!names.some(isOdd)) return this.#inline(holder, key, object, {}, path, depth);
    }
    return this.#container(object, path, depth) ?? this.#leaf(object, path);
  }

  #inline(
    holder: Fields,
    key: string | number,
    value: object,
    copy: object,
    path: string,
    depth: number,
  ): unknown {
    const met: Met = { index: -1, copy, holder, key, path };
    this.#met.set(value, met);
    const target = copy as Fields;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) {
        if (isPlain(value[i])) target[i] = value[i];
        else this.#put(target, i, value[i], `${path}[${String(i)}]`, depth + 1);
      }
    } else {
      for (const [name, field] of Object.entries(value)) {
        if (isPlain(field))
          target[name] = field; // no path is made where none is needed
        else this.#put(target, name, field, `${path}.${name}`, depth + 1);
      }
    }
    return met.index === -1 ? copy : placeholder(met.index); // met again inside of itself
  }

  #again(met: Met): unknown {
    if (met.index === -1) {
      met.index = this.parts.push({ kind: PART.shared, content: met.copy, path: met.path }) - 1;
      met.holder[met.key] = placeholder(met.index);
    }
    return placeholder(met.index);
  }

  #container(value: object, path: string, depth: number): unknown {
    if (isPlainMap(value)) {
      const contents = this.#open(value, PART.map, path);
      for (const [key, item] of value) {
        contents.add(key, `a key of ${path}`, depth);
        contents.add(item, `${path}.get(${keyText(key)})`, depth);
      }
      return contents.placeholder;
    }
    if (isPlainSet(value)) {
      const contents = this.#open(value, PART.set, path);
      for (const item of value) contents.add(item, `a member of ${path}`, depth);
      return contents.placeholder;
    }
    const isArray = isPlainArray(value);
    if (!isArray && !isPlainObject(value)) return undefined;
    const contents = this.#open(value, isArray ? PART.items : PART.entries, path);
    if (isArray) contents.add(value.length, path, depth);
    for (const [name, field] of Object.entries(value)) {
      contents.add(name, path, depth);
      contents.add(field, isArray ? `${path}[${name}]` : `${path}.${name}`, depth);
    }
    return contents.placeholder;
  }

  #open(value: object, kind: PartKind, path: string) {
    const items: unknown[] = [];
    const sign = this.#part(value, kind, items, path);
    return {
      placeholder: sign,
      add: (item: unknown, at: string, depth: number): void => {
        this.#put(items as unknown as Fields, items.length, item, at, depth + 1);
      },
    };
  }

  #leaf(value: object, path: string): unknown {
    const isLeaf =
      isErrorValue(value) ||
      valueTypeOf(value) !== undefined ||
      this.#referenceOf(value, path) !== undefined ||
      isCopiedLeaf(value);
    if (!isLeaf) throw refusal(value, path);
    return this.#part(value, PART.leaf, value, path);
  }

  #part(value: unknown, kind: PartKind, content: unknown, path: string): unknown {
    const index = this.parts.push({ kind, content, path }) - 1;
    this.#met.set(value, { index, copy: undefined, holder: {}, key: 0, path });
    return placeholder(index);
  }
}

function placeholder(index: number): object {
  return { [PLACEHOLDER]: index };
}

/** Whether every serializer keeps this primitive. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return isWellFormed(value);
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'boolean':
      return true;
    default:
      return value === null;
  }
}

/** UTF-8 has no place for half of a surrogate pair. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

function hasHoles(items: readonly unknown[]): boolean {
  for (let i = 0; i < items.length; i++) if (items[i] === undefined && !(i in items)) return true;
  return false;
}

function isOdd(key: string): boolean {
  return ODD_KEYS.has(key) || !isWellFormed(key);
}

/** What a part is until it has its contents. */
export function shellOf(kind: number): unknown {
  switch (kind) {
    case PART.map:
      return new Map();
    case PART.set:
      return new Set();
    case PART.items:
      return [];
    case PART.entries:
      return {};
    case PART.shared:
      return undefined; // its contents are itself
    default:
      throw new ProtocolError(`Cannot read a value: its part of kind ${String(kind)} is unknown`);
  }
}

/** Puts a value together: `values` are leaves and shells by number, `data` is what `divide` gave. */
export class Assembly {
  readonly #kinds: readonly number[];
  readonly #values: unknown[];
  readonly #seen = new Set<object>();

  constructor(kinds: readonly number[], values: unknown[]) {
    this.#kinds = kinds;
    this.#values = values;
  }

  assemble(data: unknown): unknown {
    const containers = [...this.#kinds.keys()].filter((i) => this.#kinds[i] !== PART.leaf);
    if (!Array.isArray(data) || data.length !== containers.length + 1) throw malformed();
    const [root, ...contents] = data as unknown[];
    containers.forEach((part, i) => {
      if (this.#kinds[part] === PART.shared) this.#values[part] = requireObject(contents[i]);
    });
    containers.forEach((part, i) => {
      const content = this.#resolve(contents[i], 0);
      if (this.#kinds[part] !== PART.shared) fill(this.#values[part], requireList(content));
    });
    return this.#resolve(root, 0);
  }

  /** The same data with every part in its place. Anything but plain data is a fault of the peer. */
  #resolve(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null) return requirePlain(value);
    if (depth > DEPTH_MAX || this.#seen.has(value)) throw malformed();
    this.#seen.add(value);
    const fields = value as Fields;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) this.#resolveAt(fields, i, depth);
      return value;
    }
    if (!isPlainObject(value) || Object.hasOwn(value, '__proto__')) throw malformed();
    if (Object.hasOwn(value, PLACEHOLDER)) return this.#part(fields[PLACEHOLDER]);
    for (const name of Object.keys(fields)) this.#resolveAt(fields, name, depth);
    return value;
  }

  #resolveAt(holder: Fields, key: string | number, depth: number): void {
    const before = holder[key];
    const value = this.#resolve(before, depth + 1);
    if (value !== before) holder[key] = value;
  }

  #part(index: unknown): unknown {
    if (typeof index === 'number' && index in this.#values) return this.#values[index];
    throw malformed();
  }
}

function fill(shell: unknown, contents: readonly unknown[]): void {
  if (shell instanceof Set) {
    for (const item of contents) shell.add(item);
    return;
  }
  const isList = Array.isArray(shell);
  if (isList) shell.length = requireLength(contents[0]);
  for (let i = isList ? 1 : 0; i < contents.length; i += 2) {
    if (i + 1 === contents.length) throw malformed();
    if (shell instanceof Map) shell.set(contents[i], contents[i + 1]);
    else define(shell as object, contents[i], contents[i + 1]);
  }
}

function define(object: object, key: unknown, value: unknown): void {
  const isReserved = key === '__proto__' || (Array.isArray(object) && key === 'length');
  if (typeof key !== 'string' || isReserved) throw malformed();
  Object.defineProperty(object, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function requirePlain(value: unknown): unknown {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
  throw malformed();
}

function requireLength(length: unknown): number {
  if (typeof length === 'number' && length >>> 0 === length) return length;
  throw malformed();
}

function requireObject(content: unknown): object {
  if (typeof content === 'object' && content !== null) return content;
  throw malformed();
}

function requireList(content: unknown): unknown[] {
  if (Array.isArray(content)) return content as unknown[];
  throw malformed();
}

function malformed(): ProtocolError {
  return new ProtocolError('Cannot read a value: its parts do not fit together');
}
