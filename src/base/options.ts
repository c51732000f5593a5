// Options are checked and completed in one pass, before anything happens: a table has a row for
// each option with its default, its test and the words for what it must be.

import { UsageError } from './errors';

export interface OptionRule<T> {
  readonly fallback: T;
  readonly accepts: (value: unknown) => boolean;
  readonly wanted: string;
}

type Rules = Readonly<Record<string, OptionRule<unknown>>>;
type Resolved<R extends Rules> = { readonly [K in keyof R]: R[K]['fallback'] };

export function option<T>(
  fallback: T,
  accepts: (value: unknown) => boolean,
  wanted: string,
): OptionRule<T> {
  return { fallback, accepts, wanted };
}

/** `undefined` means absent. Throws `UsageError` for an unknown option or a bad value. */
export function resolveOptions<R extends Rules>(
  owner: string,
  rules: R,
  given: object = {},
): Resolved<R> {
  requireOptions(owner, given, rules);
  const resolved: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(rules, name)) {
      const known = Object.keys(rules).join(', ');
      throw new UsageError(`Unknown option "${name}" of ${owner}; there are: ${known}`);
    }
  }
  for (const [name, rule] of Object.entries(rules)) {
    const value = (given as Record<string, unknown>)[name];
    if (value !== undefined && !rule.accepts(value)) {
      throw new UsageError(`Option "${name}" of ${owner} must be ${rule.wanted}`);
    }
    resolved[name] = value ?? rule.fallback;
  }
  return resolved as Resolved<R>;
}

function requireOptions(owner: string, given: unknown, rules: Rules): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  const hint =
    typeof given === 'function'
      ? "; a class or function cannot cross: name it, { module: require.resolve('./file'), export: 'Name' }"
      : `; there are: ${Object.keys(rules).join(', ')}`;
  throw new UsageError(`The options of ${owner} must be an object${hint}`);
}

/** Throws `UsageError` where a method that calls a function was given none. */
export function requireFunction(owner: string, given: unknown): void {
  if (typeof given !== 'function')
    throw new UsageError(`The argument of ${owner} must be a function`);
}

export const isString = (value: unknown): boolean => typeof value === 'string';
export const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
export const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
export const isDuration = (value: unknown): boolean => typeof value === 'number' && value >= 0;
export const isCount = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 0;
export const isStrings = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
