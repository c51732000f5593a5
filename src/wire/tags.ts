// The tags before values, and what marks the place of a part in data that a serializer carries.
// `docs/protocol.md` lists them.

export const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  int: 4,
  negative: 5,
  double: 6,
  text: 7,
  bigint: 8,
  buffer: 9,
  bytes: 10,
  array: 11,
  object: 12,
  reference: 13,
  structured: 14,
  error: 15,
  date: 16,
  again: 17,
  serialized: 18,
  registered: 19,
  view: 20,
  arrayBuffer: 21,
  regExp: 22,
  boxed: 23,
} as const;

/** Tags from here on are the numbers 0 to 127 themselves. */
export const SMALL_INT = 128;

/** In data that a serializer carries, `{ '@r': n }` stands for the n-th of what was taken out of it. */
export const PLACEHOLDER = '@r';

/** Hexadecimal digits of a bigint: far more than any honest number has, and soon read. */
export const BIGINT_DIGITS = 2 ** 18;

/** What is read may be nested so deep: no encoder goes there. */
export const DEPTH_MAX = 1000;
