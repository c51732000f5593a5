// What may be reached of a referent, and reaching it. Whatever is not exposed does not exist.
//
// Rule 1: each hop of a path is judged by itself, like the first.
// Rule 2: a member is found on the object or its prototypes below Object and Function; what those
//         two give (`constructor`, `call`, `__proto__` …) can never be reached.
// Rule 3: nothing is run in order to find out what is exposed: no getter, no method.
// Rule 4: an element is read and written like a member; to call, a method goes before it.

import { inspect, isDeepStrictEqual, types } from 'node:util';
import { MethodNotExposedError } from '../base/errors';
import {
  isCopiedLeaf,
  isPlainArray,
  isPlainMap,
  isPlainObject,
  isPlainSet,
  kindOf,
} from '../wire/plain';
import { type Operation } from '../wire/frames';
import { elementOf } from './elements';
import { type Gate } from './gate';
import { toPlain } from './plain-copy';
import { Super, exposureOfSuper, selfOf, startOf } from './super';

export interface Exposure {
  /** The names that may be reached; undefined: all but those that begin with `_`. */
  readonly names: ReadonlySet<string> | undefined;
  /** The type under which the result of a method is shared. */
  readonly resultTypes: ReadonlyMap<string, string>;
  readonly typeid: string;
  /** It keeps what it is given: nothing that is disposed with its last reference. */
  readonly isContainer?: boolean;
  /** What it answers goes by proxy where it is no data: instances of any class, over a network too. */
  readonly lendsInstances?: boolean;
  /** Its calls run one after another. */
  readonly serialized?: boolean;
  /** Decides when its calls run. */
  readonly gate?: Gate;
}

/** What may be reached of an object that has rules of its own; undefined: it has none. */
export type ExposureOf = (value: object) => Exposure | undefined;

const NO_TYPES: ReadonlyMap<string, string> = new Map();

export function openExposure(typeid: string): Exposure {
  return { names: undefined, resultTypes: NO_TYPES, typeid };
}

const NEVER = new Set(['constructor', 'prototype', '__proto__', 'caller', 'callee', 'arguments']);
/** Of a function's own properties these are not members. */
const OF_FUNCTIONS = new Set(['length', 'name', 'prototype']);

/** The property `name` of `object` if it may be reached, own or inherited, else undefined. */
export function findMember(object: object, name: string): PropertyDescriptor | undefined {
  if (NEVER.has(name)) return undefined;
  if (typeof object === 'function' && OF_FUNCTIONS.has(name)) return undefined;
  let owner: object | null = object;
  while (owner !== null) {
    const parent = Object.getPrototypeOf(owner) as object | null;
    if (owner !== object && isRoot(owner, parent)) return undefined;
    const member = Object.getOwnPropertyDescriptor(owner, name);
    if (member !== undefined) return member;
    owner = parent;
  }
  return undefined;
}

/** Object.prototype or Function.prototype, of any realm. */
function isRoot(owner: object, parent: object | null): boolean {
  if (parent === null) return Object.hasOwn(owner, 'isPrototypeOf');
  return (
    typeof owner === 'function' && Object.hasOwn(owner, 'bind') && Object.hasOwn(owner, 'call')
  );
}

export function refuse(name: string, object: object, exposure?: Exposure): MethodNotExposedError {
  const owner = exposure === undefined ? kindOf(object) : `'${exposure.typeid}'`;
  const names = [...(exposure?.names ?? [])].filter(isShown);
  const known = names.length === 0 ? '' : `; exposed are ${names.join(', ')}`;
  return new MethodNotExposedError(
    `Member "${name}" of ${owner} is not there or not exposed${known}`,
    {
      remoteName: 'MethodNotExposedError',
    },
  );
}

/** Not of those that are only for proxies, or for the language. */
function isShown(name: string): boolean {
  return !name.startsWith('_') && !name.startsWith('Symbol.');
}

/** Throws `MethodNotExposedError` where `name` may not be reached. */
export function requireMember(
  object: object,
  name: string,
  exposure?: Exposure,
): PropertyDescriptor {
  const allowed = exposure?.names === undefined ? !name.startsWith('_') : exposure.names.has(name);
  const member = allowed ? findMember(object, name) : undefined;
  if (member === undefined) throw refuse(name, object, exposure);
  return member;
}

function readMember(object: object, name: string, exposure?: Exposure): unknown {
  const start = startOf(object);
  const member = requireMember(start, name, exposure);
  if ('value' in member) return member.value;
  return Reflect.get(start, name, selfOf(object)); // an accessor, run on the object itself
}

function read(object: object, name: string, exposure?: Exposure): unknown {
  const element = elementOf(object, name);
  return element === undefined ? readMember(object, name, exposure) : element.get();
}

/** What a deed without a member of its own is done to. */
export function subjectOf(
  referent: unknown,
  { path, name }: Deed,
  exposure?: Exposure,
  exposureOf?: ExposureOf,
): unknown {
  const subject = follow(referent, name === '' ? path : [...path, name], exposure, exposureOf);
  return typeof subject === 'object' && subject !== null ? selfOf(subject) : subject;
}

/** What stands at the end of `path`, starting at `object`. */
export function follow(
  object: unknown,
  path: readonly string[],
  exposure?: Exposure,
  exposureOf?: ExposureOf,
): unknown {
  let here = object;
  let rules = exposure;
  for (const name of path) {
    here = read(requireObject(here, name), name, rules);
    rules = rulesFor(here, exposureOf);
  }
  return here;
}

function rulesFor(value: unknown, exposureOf: ExposureOf | undefined): Exposure | undefined {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject ? (exposureOfSuper(value) ?? exposureOf?.(value)) : undefined;
}

function requireObject(value: unknown, name: string): object {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') return value;
  if (typeof value === 'string') return new String(value);
  throw new TypeError(
    `Cannot reach "${name}": there is ${value === null ? 'null' : typeof value} before it`,
  );
}

export interface Deed {
  readonly operation: Operation;
  readonly path: readonly string[];
  readonly name: string;
  readonly args: readonly unknown[];
}

/**
 * Does what a call asks for, and answers what it gives: a value, or a promise of one. `exposure` is
 * of the referent, `exposureOf` of what the path goes through.
 */
export function perform(
  referent: unknown,
  deed: Deed,
  exposure?: Exposure,
  exposureOf?: ExposureOf,
): unknown {
  const { operation, path, name, args } = deed;
  const owner = follow(referent, path, exposure, exposureOf);
  const rules = path.length === 0 ? exposure : rulesFor(owner, exposureOf);
  if (operation === 'call' && name !== '')
    return callMember(requireObject(owner, name), deed, rules);
  switch (operation) {
    case 'get':
      return name === '' ? owner : read(requireObject(owner, name), name, rules);
    case 'set': {
      writeMember(requireObject(owner, name), deed, rules);
      return;
    }
    case 'delete':
      return deleteMember(requireObject(owner, name), name, rules);
    default: {
      if (name === '') return performOn(owner, operation, args, rules);
      const subject = read(requireObject(owner, name), name, rules);
      return performOn(subject, operation, args, rulesFor(subject, exposureOf));
    }
  }
}

function callMember(owner: object, { name, args }: Deed, exposure?: Exposure): unknown {
  const isExposed = exposure?.names?.has(name) === true;
  const method = (isExposed ? readMember : read)(owner, name, exposure);
  if (typeof method !== 'function') {
    throw new TypeError(`Member "${name}" of ${kindOf(owner)} is not a function`);
  }
  return Reflect.apply(method, selfOf(owner), args);
}

function performOn(
  subject: unknown,
  operation: Operation,
  args: readonly unknown[],
  exposure?: Exposure,
): unknown {
  switch (operation) {
    case 'super':
      return new Super(requireObject(subject, 'super'), exposure);
    case 'call':
      if (typeof subject !== 'function')
        throw new TypeError(`${describe(subject)} is not a function`);
      return Reflect.apply(subject, undefined, args);
    case 'construct':
      if (typeof subject !== 'function')
        throw new TypeError(`${describe(subject)} is not a constructor`);
      return Reflect.construct(subject, args);
    case 'value':
      return toPlain(subject);
    case 'text':
      return inspect(toPlain(subject), { depth: 4 });
    case 'keys':
      return keysOf(requireObject(subject, 'keys'), exposure);
    case 'has':
      return has(requireObject(subject, 'has'), args[0], exposure);
    case 'length':
      return lengthOf(requireObject(subject, 'length'), exposure);
    case 'peek': // a function is not lent: who called knows where it stands
      return typeof subject === 'function' ? [true] : peeked(subject);
    case 'iterate':
      requireIteration(requireObject(subject, 'Symbol.iterator'), exposure);
      return iteratorOf(requireObject(subject, 'Symbol.iterator'));
    case 'equals':
      return equals(subject, args[0]) || equals(toPlain(subject), toPlain(args[0]));
    case 'ready': // whatever has no gate listens
      return undefined;
    case 'passTo': // of whoever decides whose code is taken
      throw refuse('passTo', requireObject(subject, 'passTo'), exposure);
    case 'get':
    case 'set':
    case 'delete':
      throw new TypeError(`Cannot ${operation} without a member's name`);
  }
}

function peeked(value: unknown): unknown {
  return value instanceof Promise
    ? value.then((landed: unknown) => [false, landed])
    : [false, value];
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? kindOf(value) : String(value);
}

function writeMember(owner: object, { name, args }: Deed, exposure?: Exposure): undefined {
  const value = args[0];
  const element = elementOf(owner, name);
  if (element?.set !== undefined) {
    element.set(value);
    return;
  }
  if (isPlainMap(owner) && exposure?.names === undefined) {
    owner.set(name, value);
    return;
  }
  const free = (isPlainObject(owner) || isPlainArray(owner)) && exposure?.names === undefined;
  if (free && !NEVER.has(name) && !name.startsWith('_')) {
    const fields = owner as Record<string, unknown>;
    if (isPlainObject(owner) || /^(\d+|length)$/.test(name)) {
      fields[name] = value;
      return;
    }
  }
  const member = requireMember(startOf(owner), name, exposure);
  const writable =
    member.set !== undefined || (member.writable === true && typeof member.value !== 'function');
  if (!writable)
    throw new MethodNotExposedError(`Member "${name}" of ${kindOf(owner)} cannot be written`);
  (selfOf(owner) as Record<string, unknown>)[name] = value;
}

function deleteMember(owner: object, name: string, exposure?: Exposure): boolean {
  const element = elementOf(owner, name);
  if (element?.delete !== undefined) return element.delete();
  if (isPlainMap(owner) && exposure?.names === undefined) return owner.delete(name);
  if (!isPlainObject(owner)) {
    throw new MethodNotExposedError(`Member "${name}" of ${kindOf(owner)} cannot be deleted`);
  }
  const member = findMember(owner, name);
  if (member === undefined) return false;
  requireMember(owner, name, exposure);
  return Reflect.deleteProperty(owner, name);
}

/** The names that can be reached, nearest first; built-in methods of data are not among them. */
export function keysOf(subject: object, exposure?: Exposure): string[] {
  const object = startOf(subject);
  if (exposure?.names !== undefined) {
    return [...exposure.names].filter(isShown);
  }
  if (isPlainMap(object)) return [...object.keys()].filter((key) => typeof key === 'string');
  const names = new Set<string>();
  const isDatum = isPlainArray(object) || isPlainSet(object) || isCopiedLeaf(object);
  let owner: object | null = object;
  while (owner !== null) {
    const parent = Object.getPrototypeOf(owner) as object | null;
    if (owner !== object && (isDatum || isRoot(owner, parent))) break;
    for (const name of Object.getOwnPropertyNames(owner)) {
      if (!name.startsWith('_') && findMember(object, name) !== undefined) names.add(name);
    }
    owner = parent;
  }
  if (isPlainArray(object)) names.delete('length');
  return [...names];
}

/** Python's `in`: a value for what has values, a key for what has keys, else a member's name. */
function has(object: object, wanted: unknown, exposure?: Exposure): boolean | Promise<boolean> {
  const own = object as { includes?: unknown; has?: unknown };
  if (exposure?.names?.has('includes') === true && typeof own.includes === 'function') {
    return Reflect.apply(own.includes, object, [wanted]) as boolean;
  }
  if (types.isMap(object) || types.isSet(object) || exposure?.names?.has('has') === true) {
    return Reflect.apply(own.has as (key: unknown) => boolean, object, [wanted]);
  }
  if (Array.isArray(object) || ArrayBuffer.isView(object)) {
    return (object as unknown as unknown[]).some((item) => equals(item, wanted));
  }
  if (exposure?.names === undefined && Symbol.iterator in object) {
    for (const item of object as Iterable<unknown>) if (equals(item, wanted)) return true;
    return false;
  }
  if (typeof wanted !== 'string') return false;
  try {
    requireMember(startOf(object), wanted, exposure);
    return true;
  } catch {
    return false; // not there and not exposed are the same to the caller
  }
}

function lengthOf(object: object, exposure?: Exposure): unknown {
  for (const name of ['length', 'size']) {
    if (exposure?.names !== undefined && !exposure.names.has(name)) continue;
    const value = (object as Record<string, unknown>)[name];
    if (typeof value === 'number') return value;
    if (typeof value === 'function' && exposure?.names !== undefined)
      return Reflect.apply(value, object, []);
  }
  if (isPlainObject(object)) return Object.keys(object).length;
  throw new TypeError(`${kindOf(object)} has no length and no size`);
}

/** Where names are exposed one by one, iteration is one of them. */
function requireIteration(object: object, exposure?: Exposure): void {
  const names = exposure?.names;
  if (names === undefined || names.has('Symbol.iterator') || names.has('Symbol.asyncIterator'))
    return;
  throw refuse('Symbol.iterator', object, exposure);
}

function iteratorOf(object: object): object {
  const source = object as {
    [Symbol.asyncIterator]?: () => AsyncIterator<unknown>;
    [Symbol.iterator]?: () => Iterator<unknown>;
  };
  if (typeof source[Symbol.asyncIterator] === 'function') {
    return (source[Symbol.asyncIterator] as () => AsyncIterator<unknown>)();
  }
  if (typeof source[Symbol.iterator] === 'function') {
    return (source[Symbol.iterator] as () => Iterator<unknown>)();
  }
  throw new TypeError(`${kindOf(object)} is not iterable`);
}

/** SameValueZero for primitives, deep for data, identity for everything else. */
export function equals(left: unknown, right: unknown): boolean {
  if (left === right || (left !== left && right !== right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null)
    return false;
  if (isDatum(left)) return isDatum(right) && equalData(left, right);
  // An object of a class that says what is equal to it is asked.
  const own = findMember(left, 'equals')?.value as unknown;
  return typeof own === 'function' && Boolean(Reflect.apply(own, left, [right]));
}

function isDatum(value: object): boolean {
  return (
    isPlainArray(value) ||
    isPlainObject(value) ||
    isPlainMap(value) ||
    isPlainSet(value) ||
    isCopiedLeaf(value) ||
    types.isNativeError(value)
  );
}

function equalData(left: object, right: object): boolean {
  if (isPlainArray(left) && isPlainArray(right)) {
    if (left.length !== right.length) return false;
    for (let i = 0; i < left.length; i++) if (!equals(left[i], right[i])) return false;
    return true;
  }
  if (isPlainMap(left) && isPlainMap(right)) {
    return (
      left.size === right.size &&
      [...left].every(([key, item]) => right.has(key) && equals(item, right.get(key)))
    );
  }
  if (isPlainSet(left) && isPlainSet(right)) {
    return left.size === right.size && [...left].every((item) => right.has(item));
  }
  if (isPlainObject(left) && isPlainObject(right)) {
    const names = Object.keys(left);
    if (names.length !== Object.keys(right).length) return false;
    const a = left as Record<string, unknown>;
    const b = right as Record<string, unknown>;
    return names.every((name) => Object.hasOwn(b, name) && equals(a[name], b[name]));
  }
  if (types.isDate(left) && types.isDate(right)) return Object.is(left.getTime(), right.getTime());
  if (left instanceof Uint8Array && right instanceof Uint8Array)
    return Buffer.compare(left, right) === 0;
  return isDeepStrictEqual(left, right);
}
