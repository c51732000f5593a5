// What counts as data. Prototypes are told apart by the length of their chain and not by
// identity, because plain objects of another realm (a vm context, as in jest) are data too.

import { types } from 'node:util';

/** How many prototypes `value` has: 1 for `{}`, 2 for `[]`, `new Map()`, `new Error()` … */
function ancestry(value: object): number {
  let count = 0;
  for (let next = Object.getPrototypeOf(value) as object | null; next !== null; count++) {
    next = Object.getPrototypeOf(next) as object | null;
  }
  return count;
}

export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null) return true;
  return (
    !types.isProxy(prototype) &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf')
  );
}

export function isPlainArray(value: unknown): value is unknown[] {
  if (!Array.isArray(value)) return false;
  return Object.getPrototypeOf(value) === Array.prototype || ancestry(value) === 2;
}

/** Built-ins that structured clone keeps and that hold no further values. */
export function isCopiedLeaf(value: object): boolean {
  if (types.isDate(value) || types.isRegExp(value)) return ancestry(value) === 2;
  if (types.isAnyArrayBuffer(value)) return !types.isSharedArrayBuffer(value);
  if (ArrayBuffer.isView(value)) return true;
  return types.isBoxedPrimitive(value) && !types.isSymbolObject(value);
}

export function isPlainMap(value: object): value is Map<unknown, unknown> {
  return types.isMap(value) && ancestry(value) === 2;
}

export function isPlainSet(value: object): value is Set<unknown> {
  return types.isSet(value) && ancestry(value) === 2;
}

/** Whether `value` is of a kind that is copied. Does not look inside. */
export function isData(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return typeof value !== 'function' && typeof value !== 'symbol';
  }
  if (types.isProxy(value)) return false;
  return (
    isPlainArray(value) ||
    isPlainObject(value) ||
    types.isNativeError(value) ||
    isCopiedLeaf(value) ||
    isPlainMap(value) ||
    isPlainSet(value)
  );
}

/** What to call `value` in an error. */
export function kindOf(value: unknown): string {
  if (typeof value === 'symbol') return `symbol ${value.toString()}`;
  if (typeof value === 'function')
    return value.name === '' ? 'a function' : `function ${value.name}`;
  if (typeof value !== 'object' || value === null) return typeof value;
  if (types.isPromise(value)) return 'a promise';
  const prototype = Object.getPrototypeOf(value) as { constructor?: unknown } | null;
  const maker = prototype?.constructor;
  return typeof maker === 'function' && maker.name !== ''
    ? `an instance of ${maker.name}`
    : 'an object with a prototype of its own';
}
