// Places in what has a length: checked, and as elements of a view.

import { inspect } from 'node:util';
import { type Element } from '../session/elements';

/** A name that is an index; negative ones count from the end, as everywhere here. */
const INDEX = /^(0|-?[1-9]\d*)$/;

interface Indexed {
  length(): number;
  at(index: number): unknown;
  set(index: number, value: unknown): void;
}

/** The place that `index` names among `length`; negative counts from the end. Else `RangeError`. */
export function requireIndex(index: number, length: number, owner: string): number {
  if (!Number.isInteger(index)) {
    throw new RangeError(`An index is a whole number, not ${inspect(index)}`);
  }
  const at = index < 0 ? length + index : index;
  if (at >= 0 && at < length) return at;
  throw new RangeError(`Index ${String(index)} is out of range: ${owner} ${String(length)} items`);
}

/** The item under an index, or `length`, which is read and not called in a view. */
export function itemElement(owner: Indexed, name: string): Element | undefined {
  if (name === 'length') return { get: () => owner.length() };
  if (!INDEX.test(name)) return undefined;
  const index = Number(name);
  return {
    get: () => owner.at(index),
    set: (value) => {
      owner.set(index, value);
    },
  };
}

/** `size`, which is read and not called in a view. */
export function sizeElement(owner: { size(): number }, name: string): Element | undefined {
  return name === 'size' ? { get: () => owner.size() } : undefined;
}
