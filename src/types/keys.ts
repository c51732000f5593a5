// Keys of dicts and members of sets: primitives, because a copied object could never be found again.

import { UsageError } from '../base/errors';

export type Key = string | number | bigint | boolean | null | undefined;

export function isKey(value: unknown): value is Key {
  return (
    value === null ||
    (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
  );
}

/** `what` has the place: 'A key of a dict', 'A member of a set'. */
export function badKey(what: string, value: unknown): UsageError {
  const given = typeof value === 'symbol' ? 'a symbol' : 'an object';
  return new UsageError(
    `${what} is a primitive, not ${given}: a copied object could never be found again`,
  );
}

export function requireKey(what: string, value: unknown): Key {
  if (isKey(value)) return value;
  throw badKey(what, value);
}
