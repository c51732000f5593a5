// Options of calls. They belong to a handle, pass to what is read through it, and never travel.

import { UsageError } from '../base/errors';
import { option, isDuration, isObject, resolveOptions } from '../base/options';
import { type Absence } from '../session/absence';
import { requireSerializer } from '../wire/serializers';
import { LockHandle } from './lock-handle';

/** A serializer: of this package, or one that was given to `registerSerializer`. */
export type SerializerName = 'v8' | 'msgpack' | 'json' | (string & {});

export interface WaitOptions {
  /** Rejects with `TimeoutError` after this; the callee's `currentSignal()` aborts. 0: never. */
  readonly timeoutMs?: number | undefined;
  /** Rejects with its reason; the callee's `currentSignal()` aborts. */
  readonly signal?: AbortSignal | undefined;
}

export interface CallOptions extends WaitOptions, Absence {
  /** auto (default): data is copied, everything else comes back as a proxy. */
  readonly returns?: 'auto' | 'copy' | 'proxy' | undefined;
  /** What carries structured data of the calls and of their answers. Default: as of the manager. */
  readonly serializer?: SerializerName | undefined;
  /** Run only while the lock is held by this handle; `FenceError` else, and nothing was done. */
  readonly guard?: LockHandle | undefined;
}

/** Calls through the handle block the thread, and answer with what they give. */
export const SYNC = Symbol('sync');

/** What a handle has of options. */
export interface HandleOptions extends CallOptions {
  readonly [SYNC]?: true;
}

/** Which serializer: `UsageError` at once for one that this process does not have. */
export const SERIALIZER_RULE = option<string | undefined>(
  undefined,
  (value) => typeof value === 'string' && (requireSerializer(value), true),
  "the name of a serializer, 'v8', 'msgpack' or 'json'",
);

const RULES = {
  timeoutMs: option<number | undefined>(undefined, isDuration, 'a number of milliseconds >= 0'),
  signal: option<AbortSignal | undefined>(
    undefined,
    (value) => value instanceof AbortSignal,
    'an AbortSignal',
  ),
  returns: option<'auto' | 'copy' | 'proxy' | undefined>(
    undefined,
    (value) => value === 'auto' || value === 'copy' || value === 'proxy',
    "'auto', 'copy' or 'proxy'",
  ),
  serializer: SERIALIZER_RULE,
  guard: option<LockHandle | undefined>(
    undefined,
    (value) => value instanceof LockHandle,
    'the handle of a lock, as acquire() gives it',
  ),
  defaultValue: option<unknown>(undefined, () => true, 'anything'),
  fallback: option<object | undefined>(
    undefined,
    (value) => isObject(value) || typeof value === 'function',
    'an object',
  ),
};

/** Throws `UsageError` for what is no option of a call. */
export function requireCallOptions(options: CallOptions): CallOptions {
  if (typeof (options as unknown) !== 'object')
    throw new UsageError('Options of a call must be an object');
  const resolved = resolveOptions('a call', RULES, options);
  const given = Object.entries(resolved).filter(([, value]) => value !== undefined);
  // That it is there says something, whatever it is.
  const absence = 'defaultValue' in options ? { defaultValue: options.defaultValue } : {};
  return { ...(Object.fromEntries(given) as CallOptions), ...absence };
}

export function mergeOptions(
  base: HandleOptions | undefined,
  more: CallOptions | undefined,
): HandleOptions | undefined {
  if (more === undefined) return base;
  if (base === undefined) return requireCallOptions(more);
  return { ...base, ...requireCallOptions(more) };
}
