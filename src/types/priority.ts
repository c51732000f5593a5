// The order of priorities: numbers and bigints, then texts, then arrays of these, element by element.
// It is an order over all of them, so that no item is refused for what happens to be queued already.

type Scalar = number | bigint | string;
export type Priority = Scalar | readonly Scalar[];

/** Throws `TypeError` for what has no place in the order: anything else, NaN among it. */
export function requirePriority(item: unknown): void {
  if (isScalar(item) || (Array.isArray(item) && item.every(isScalar))) return;
  throw new TypeError(
    'An item of a priority queue is a number, a bigint, a text, or an array of these: put [priority, key] and keep the rest in a dict under that key',
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

function compareArrays(a: readonly Scalar[], b: readonly Scalar[]): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const order = compareScalars(a[i] as Scalar, b[i] as Scalar);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
