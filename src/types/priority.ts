// The order of priorities: numbers and bigints, then texts, then arrays that begin with these, element
// by element up to the first that is none: the rest of an array is what its priority is for. It is an
// order over all of them, so that no item is refused for what happens to be queued already.

type Scalar = number | bigint | string;
export type Priority = Scalar | readonly [Scalar, ...unknown[]];

/** Throws `TypeError` for what has no place in the order: anything else, NaN among it. */
export function requirePriority(item: unknown): void {
  if (isScalar(item) || (Array.isArray(item) && isScalar(item[0]))) return;
  throw new TypeError(
    'An item of a priority queue is a number, a bigint, a text, or an array that begins with one: put [priority, item]',
  );
}

function isScalar(item: unknown): item is Scalar {
  return typeof item === 'number'
    ? !Number.isNaN(item)
    : typeof item === 'bigint' || typeof item === 'string';
}

/** Below 0: `a` goes first. 0: they are equal. */
export function comparePriorities(a: Priority, b: Priority): number {
  if (isScalar(a)) return isScalar(b) ? compareScalars(a, b) : -1;
  return isScalar(b) ? 1 : compareArrays(a, b);
}

function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'string' || typeof b === 'string') {
    if (typeof a !== typeof b) return typeof a === 'string' ? 1 : -1;
  }
  if (a === b) return 0;
  return a < b ? -1 : Number(a > b); // 1 and 1n are neither
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; ; i++) {
    const left = a[i];
    const right = b[i];
    if (!isScalar(left)) return isScalar(right) ? -1 : 0;
    if (!isScalar(right)) return 1;
    const order = compareScalars(left, right);
    if (order !== 0) return order;
  }
}
