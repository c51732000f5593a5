// Copies of referents as plain data, shared objects inside them too.

import { isPlainArray, isPlainMap, isPlainObject, isPlainSet } from '../wire/plain';

/** A referent that can be copied has this method. */
export const TO_PLAIN = Symbol('toPlain');

export interface Copyable {
  [TO_PLAIN](seen: Map<object, unknown>): unknown;
}

/** The plain copy of a value that may hold referents at any depth; what holds itself stays so. */
export function toPlain(value: unknown, seen = new Map<object, unknown>()): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  if (TO_PLAIN in value) return (value as Copyable)[TO_PLAIN](seen);
  if (isPlainArray(value)) {
    const copy: unknown[] = [];
    seen.set(value, copy);
    for (const item of value) copy.push(toPlain(item, seen));
    return copy;
  }
  if (isPlainMap(value)) {
    const copy = new Map<unknown, unknown>();
    seen.set(value, copy);
    for (const [key, item] of value) copy.set(key, toPlain(item, seen));
    return copy;
  }
  if (isPlainSet(value)) {
    const copy = new Set<unknown>();
    seen.set(value, copy);
    for (const item of value) copy.add(toPlain(item, seen));
    return copy;
  }
  if (!isPlainObject(value)) return value;
  const copy: Record<string, unknown> = {};
  seen.set(value, copy);
  for (const [name, field] of Object.entries(value)) copy[name] = toPlain(field, seen);
  return copy;
}
