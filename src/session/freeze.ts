// Freezing what was read of a shared object: a change of a copy, which nobody would ever see, throws.
// Proxies, dates, buffers and whatever else is no plain data are left as they are.

import { isPlainArray, isPlainMap, isPlainObject, isPlainSet } from '../wire/plain';

/** Freezes plain data at every depth, Maps and Sets too, and answers it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (isPlainMap(value)) freezeMembers(value, [...value].flat());
  else if (isPlainSet(value)) freezeMembers(value, value);
  else if (isPlainArray(value) || isPlainObject(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** To freeze a Map or Set itself does not keep it from being changed. */
function freezeMembers(collection: object, members: Iterable<unknown>): void {
  for (const name of ['set', 'add', 'delete', 'clear']) {
    if (name in collection) Object.defineProperty(collection, name, { value: refuseChange });
  }
  Object.freeze(collection);
  for (const member of members) deepFreeze(member);
}

function refuseChange(): never {
  throw new TypeError(
    'Cannot change a copy of what is shared: change the shared object, or copy this once more',
  );
}
