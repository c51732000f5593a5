/** The place that `index` names among `length`; negative counts from the end. Else `RangeError`. */
export function requireIndex(index: number, length: number, owner: string): number {
  const at = index < 0 ? length + index : index;
  if (Number.isInteger(at) && at >= 0 && at < length) return at;
  throw new RangeError(`Index ${String(index)} is out of range: ${owner} ${String(length)} items`);
}
