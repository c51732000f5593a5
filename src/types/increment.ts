/** `value + by`; absent counts as 0. `TypeError` for what is no number, and for number with bigint. */
export function increment(value: unknown, by: number | bigint | undefined): number | bigint {
  const step = by ?? (typeof value === 'bigint' ? 1n : 1);
  const base = value === undefined ? (typeof step === 'bigint' ? 0n : 0) : value;
  if (typeof base === 'number' && typeof step === 'number') return base + step;
  if (typeof base === 'bigint' && typeof step === 'bigint') return base + step;
  throw new TypeError(`Cannot add ${typeof step} to ${base === null ? 'null' : typeof base}`);
}
