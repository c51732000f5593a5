// What `spawn()` can be told.

import {
  isBoolean,
  isDuration,
  isObject,
  isString,
  isStrings,
  option,
  resolveOptions,
} from '../base/options';
import { UsageError } from '../base/errors';
import { Except } from './except';

export type Kind = 'process' | 'thread' | 'inline';

export interface SpawnOptions {
  /** Default: what the task is called, its kind and a number, `work-process-1`. */
  readonly name?: string | undefined;
  /** Default: `process`. */
  readonly kind?: Kind | undefined;
  /** false: neither a result nor what is yielded comes back. Default: true. */
  readonly results?: boolean | undefined;
  /** Whether `join()` throws what the task has thrown. Default: true. */
  readonly throws?: boolean | undefined;
  /** Where its errors are kept. Default: one of its own. */
  readonly errors?: Except | undefined;
  /** How long `join()` waits, where it does not say. 0, the default: without end. */
  readonly timeoutMs?: number | undefined;
  /** Called at the start of each `join()`, and awaited. */
  readonly onJoin?: (() => unknown) | undefined;
  /** Whether this process may end without waiting for it; either way it ends with this process. */
  readonly unref?: boolean | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
  readonly execPath?: string | undefined;
  readonly execArgv?: readonly string[] | undefined;
  /** Its result is no longer wanted: the task's signal aborts, and then its process is ended. */
  readonly signal?: AbortSignal | undefined;
}

const KINDS: readonly unknown[] = ['process', 'thread', 'inline'];
const isFunction = (value: unknown): boolean => typeof value === 'function';

const RULES = {
  name: option<string | undefined>(undefined, isString, 'a string'),
  kind: option<Kind>(
    'process',
    (value) => KINDS.includes(value),
    "'process', 'thread' or 'inline'",
  ),
  results: option(true, isBoolean, 'true or false'),
  throws: option(true, isBoolean, 'true or false'),
  errors: option<Except | undefined>(
    undefined,
    (value) => value instanceof Except,
    'an Except; a LocalExcept hears nothing of other processes',
  ),
  timeoutMs: option(0, isDuration, 'a number of milliseconds >= 0'),
  onJoin: option<(() => unknown) | undefined>(undefined, isFunction, 'a function'),
  unref: option(false, isBoolean, 'true or false'),
  env: option<NodeJS.ProcessEnv | undefined>(undefined, isObject, 'an object'),
  cwd: option<string | undefined>(undefined, isString, 'a path'),
  execPath: option<string | undefined>(undefined, isString, 'a path'),
  execArgv: option<readonly string[] | undefined>(undefined, isStrings, 'an array of strings'),
  signal: option<AbortSignal | undefined>(
    undefined,
    (value) => value instanceof AbortSignal,
    'an AbortSignal',
  ),
};

export type SpawnSettings = ReturnType<typeof resolveSpawnOptions>;

/** What a kind of task shares with this process, and so cannot be told. */
const NOT_FOR = {
  process: [],
  thread: ['cwd', 'execPath'],
  inline: ['cwd', 'execPath', 'execArgv', 'env'],
} as const;

/** Throws `UsageError` for an unknown option or a bad one. */
export function resolveSpawnOptions(given: SpawnOptions | undefined) {
  const settings = resolveOptions('spawn()', RULES, given);
  for (const name of NOT_FOR[settings.kind]) {
    if (settings[name] === undefined) continue;
    throw new UsageError(
      `Option "${name}" of spawn() is not for kind '${settings.kind}': there it is that of this process`,
    );
  }
  return settings;
}

export interface JoinOptions {
  /** How long to wait; 0: without end. Default: that of `spawn()`. */
  readonly timeoutMs?: number | undefined;
  /** Whether to throw what the task has thrown. Default: that of `spawn()`. */
  readonly throws?: boolean | undefined;
}

const JOIN_RULES = {
  timeoutMs: option<number | undefined>(undefined, isDuration, 'a number of milliseconds >= 0'),
  throws: option<boolean | undefined>(undefined, isBoolean, 'true or false'),
};

export function resolveJoinOptions(given: JoinOptions | undefined): JoinOptions {
  return resolveOptions('join()', JOIN_RULES, given);
}
