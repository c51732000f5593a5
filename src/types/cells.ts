// The cells of shared arrays: which typed array has them for each typecode, and what fits into one.

import { types } from 'node:util';
import { UsageError } from '../base/errors';

/** As in Python's array module: integers of 1, 2, 4 and 8 bytes (large letters: unsigned), floats of 4 and 8. */
export type Typecode = 'b' | 'B' | 'h' | 'H' | 'i' | 'I' | 'q' | 'Q' | 'f' | 'd';
export type Cell<C extends Typecode> = C extends 'q' | 'Q' ? bigint : number;
export type Cells =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

const TYPES = {
  b: Int8Array,
  B: Uint8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  q: BigInt64Array,
  Q: BigUint64Array,
  f: Float32Array,
  d: Float64Array,
} as const;

/** A cell of each kind, to see what becomes of a value in it. */
const SCRATCH = {
  b: new Int8Array(1),
  B: new Uint8Array(1),
  h: new Int16Array(1),
  H: new Uint16Array(1),
  i: new Int32Array(1),
  I: new Uint32Array(1),
  q: new BigInt64Array(1),
  Q: new BigUint64Array(1),
  f: new Float32Array(1),
  d: new Float64Array(1),
} as const;

/** Throws `UsageError` for what is no typecode. */
export function requireTypecode(typecode: unknown): Typecode {
  if (typeof typecode === 'string' && Object.hasOwn(TYPES, typecode)) return typecode as Typecode;
  throw new UsageError(
    `Unknown typecode ${typeof typecode === 'string' ? `'${typecode}'` : String(typecode)}; there are ${Object.keys(TYPES).join(', ')}`,
  );
}

/** Throws `RangeError` for what is no length. */
export function requireLength(length: number): number {
  if (Number.isSafeInteger(length) && length >= 0) return length;
  throw new RangeError(`The length of an array is a whole number >= 0, not ${String(length)}`);
}

export function zeroes(typecode: Typecode, length: number): Cells {
  return new TYPES[typecode](requireLength(length));
}

/** Cells of their own with these values. `TypeError` or `RangeError` for what does not fit. */
export function cellsFrom(typecode: Typecode, values: Iterable<unknown>): Cells {
  const Type = TYPES[typecode] as unknown as new (values: Iterable<unknown>) => Cells;
  if (isCellsOf(typecode, values)) return new Type(values);
  if (types.isTypedArray(values) && isBig(values) === isBigCode(typecode))
    return convert(typecode, values, new Type(values));
  const checked = Array.isArray(values) ? (values as readonly unknown[]) : [...values];
  for (let i = 0; i < checked.length; i++) requireCell(typecode, checked[i]);
  return new Type(checked);
}

/** Looks only at what became another number: a million cells are made by the engine, in one go. */
function convert(typecode: Typecode, values: NodeJS.TypedArray, cells: Cells): Cells {
  for (let i = 0; i < values.length; i++) {
    if (cells[i] !== values[i]) requireCell(typecode, values[i]);
  }
  return cells;
}

function isBig(values: NodeJS.TypedArray): boolean {
  return types.isBigInt64Array(values) || types.isBigUint64Array(values);
}

function isBigCode(typecode: Typecode): boolean {
  return typecode === 'q' || typecode === 'Q';
}

/** Whether `values` is the typed array of that typecode, of any realm: then everything in it fits. */
export function isCellsOf(typecode: Typecode, values: unknown): values is Cells {
  const { name } = TYPES[typecode];
  return types.isTypedArray(values) && values[Symbol.toStringTag] === name;
}

/**
 * Throws `TypeError` for what is no number of the kind, a fraction among integers too (as in
 * Python), and `RangeError` for what would become another number.
 */
export function requireCell(typecode: Typecode, value: unknown): void {
  const wantsBig = isBigCode(typecode);
  if (typeof value !== (wantsBig ? 'bigint' : 'number')) {
    const wanted = wantsBig ? 'a bigint' : 'a number';
    throw new TypeError(`A cell of an array of '${typecode}' is ${wanted}, not ${kind(value)}`);
  }
  const isFloat = typecode === 'f' || typecode === 'd';
  if (!wantsBig && !isFloat && !Number.isInteger(value)) {
    throw new TypeError(
      `A cell of an array of '${typecode}' is a whole number, not ${String(value)}`,
    );
  }
  if (fits(typecode, value)) return;
  throw new RangeError(`${String(value)} does not fit into a cell of an array of '${typecode}'`);
}

/** A float may lose digits, but becomes no infinity. */
function fits(typecode: Typecode, value: unknown): boolean {
  const cells = SCRATCH[typecode] as unknown as unknown[];
  cells[0] = value;
  if (typecode === 'f' || typecode === 'd')
    return Number.isFinite(cells[0]) || !Number.isFinite(value);
  return cells[0] === value;
}

function kind(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}

/**
 * Values as one typed array, so that a million of them travel as one block. The typecode is known
 * where the cells are, so what does not fit is found there; what is no number is found here.
 */
export function pack(values: Iterable<unknown>): Iterable<unknown> {
  if (types.isTypedArray(values)) return values as Cells;
  const all = Array.isArray(values) ? (values as readonly unknown[]) : [...values];
  if (all.every((value) => typeof value === 'bigint')) return packBig(all);
  const packed = new Float64Array(all.length);
  for (let i = 0; i < all.length; i++) {
    const value = all[i];
    if (typeof value !== 'number')
      throw new TypeError(`A cell of an array is a number, not ${kind(value)}`);
    packed[i] = value;
  }
  return packed;
}

/** As they are where no kind of cell holds them all. */
function packBig(values: readonly bigint[]): Iterable<bigint> {
  for (const Type of [BigInt64Array, BigUint64Array]) {
    const packed = Type.from(values);
    if (values.every((value, i) => packed[i] === value)) return packed;
  }
  return values;
}
