// What cannot cross, said with its place in the value; and how large a value may be.

import { LimitError, SerializationError } from '../base/errors';
import { kindOf } from './plain';

/** What the walk over a value may meet. */
export interface ValueLimits {
  readonly depth: number;
  readonly nodes: number;
  readonly keys: number;
  /** Whether errors tell where they were thrown. Default true. */
  readonly stacks?: boolean;
}

/**
 * The index of the reference that stands for `value`, or undefined where it is data.
 * Throws `SerializationError` for what cannot cross; `path` says where it was found.
 */
export type ReferenceOf = (value: object, path: string) => number | undefined;

export function refusal(value: unknown, path: string): SerializationError {
  return new SerializationError(`Cannot send ${path}: ${kindOf(value)} cannot be copied`);
}

export function requireCleanKeys(fields: object, path: string): void {
  if (Object.hasOwn(fields, '__proto__')) {
    throw new SerializationError(`Cannot send ${path}: it has a key "__proto__"`);
  }
  const symbol = Object.getOwnPropertySymbols(fields)[0];
  if (symbol !== undefined) {
    throw new SerializationError(`Cannot send ${path}: it has the key ${symbol.toString()}`);
  }
}

export function requireFewKeys(
  names: readonly string[],
  path: string,
  { keys }: ValueLimits,
): void {
  if (names.length <= keys) return;
  throw new LimitError(
    `Cannot send ${path}: ${String(names.length)} keys, and limits.keys is ${String(keys)}; send entries or a Map`,
  );
}

export function requireDepth(depth: number, path: string, limits: ValueLimits): void {
  if (depth <= limits.depth) return;
  throw new LimitError(
    `Cannot send ${shorten(path)}: nested deeper than limits.depth, which is ${String(limits.depth)}`,
  );
}

export function requireFewNodes(met: number, path: string, { nodes }: ValueLimits): void {
  if (met < nodes) return;
  throw new LimitError(
    `Cannot send ${path}: more objects than limits.nodes, which is ${String(nodes)}`,
  );
}

/** A path of a hundred hops is as telling without its middle. */
function shorten(path: string): string {
  return path.length > 100 ? `${path.slice(0, 60)}…${path.slice(-20)}` : path;
}

/** A key of a Map, in a path. */
export function keyText(key: unknown): string {
  if (typeof key === 'string') return `"${key}"`;
  return typeof key === 'number' ? String(key) : '…';
}
