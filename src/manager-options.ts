// What users may say of a manager, of connecting to one, and of the types that it shares: each option
// with its default and its check.

import { type Limits } from './base/limits';
import {
  isBoolean,
  isCount,
  isDuration,
  isObject,
  isString,
  isStrings,
  option,
  resolveOptions,
} from './base/options';
import { LEVEL_RULE } from './log/levels';
import { LOG_OPTION, isLogOption } from './log/log-target';
import { type ModuleRef } from './process/modules';
import { BaseProxy } from './proxy/base-proxy';
import { SERIALIZER_RULE, type SerializerName, type WaitOptions } from './proxy/options';
import { type TlsOptions } from './transport/tls-options';

export interface ManagerOptions {
  /**
   * `unix:/path`, `pipe:name` on Windows, `tcp://host:port`, `tls://host:port`; port 0 is chosen by
   * the system. Default: a private one, known at once.
   */
  readonly address?: string | undefined;
  /** At least 16 bytes. Default: random; processes of the same user find it beside the socket. */
  readonly authkey?: string | Uint8Array | undefined;
  /** For a `tls://` address. The manager's process serves with `cert` and `key`; given `ca`, it asks clients for a certificate. */
  readonly tls?: TlsOptions | undefined;
  /** Beyond this machine without TLS or without a key of one's own. Default false. */
  readonly insecure?: boolean | undefined;
  /** Over a network, tell clients where errors were thrown (`remoteStack`). Default false; others always are. */
  readonly debug?: boolean | undefined;
  /** Modules that the server loads; their exported classes and functions become typeids. */
  readonly types?: ModuleRef | readonly ModuleRef[] | undefined;
  /**
   * What carries structured data: 'v8' (default), 'msgpack', 'json', or one of `registerSerializer`.
   * A manager with another one than v8 takes no v8 from its clients.
   */
  readonly serializer?: SerializerName | undefined;
  /**
   * What `module()` may load in the server, as it is asked for; `true`: anything. Over a network, also
   * the tasks of pools, and the action of a barrier that is named by its module. Default: nothing.
   */
  readonly imports?: boolean | readonly string[] | undefined;
  /** How long a call may take. Default 0: without end. */
  readonly callTimeoutMs?: number | undefined;
  /**
   * Plain values read from shared containers are deeply frozen in this process, so that a change of a
   * copy, which nobody would see, throws. Default false.
   */
  readonly freeze?: boolean | undefined;
  /** How long `shutdown()` waits for the process before it sends signals. Default 1000. */
  readonly shutdownTimeoutMs?: number | undefined;
  /** What the manager's process is called in logs and by `ps`. Default: `process-` and its id. */
  readonly name?: string | undefined;
  /**
   * Where the manager's process logs: a `LogServer`, the address of one, a logger such as pino or
   * `console`, or true for where this process does. Its records, its output, line by line, and its
   * uncaught errors go there. Default: it prints where this process prints.
   */
  readonly log?: unknown;
  /** What is below is not logged: `trace`, `debug`, `info`, `warn`, `error`, `fatal`. Default: this process's, which is all. */
  readonly logLevel?: string | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly execPath?: string | undefined;
  /** Options of Node for the manager's process. Default: those of this one that make sense there. */
  readonly execArgv?: readonly string[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
}

export interface ConnectOptions extends Pick<
  ManagerOptions,
  'authkey' | 'tls' | 'insecure' | 'serializer' | 'callTimeoutMs' | 'limits'
> {
  /** Further attempts when nobody listens yet. Default 4. */
  readonly retries?: number | undefined;
  /** Before the second attempt. Default 3000. */
  readonly retryDelayMs?: number | undefined;
  /** Each further delay is so many times the one before, up to a minute. Default 1: all are the same. */
  readonly retryBackoff?: number | undefined;
  /** Ends the attempts. */
  readonly signal?: AbortSignal | undefined;
}

export interface Registration {
  /** Absent: a type for results only (`methodToTypeid`), or one that only the server knows. */
  readonly module?: string | URL | undefined;
  /** A class is constructed, any other function is called; what that answers is the referent. */
  readonly export?: string | undefined;
  /** The names that may be reached. Default: all but those that begin with `_`. */
  readonly exposed?: readonly string[] | undefined;
  /** A typeid whose proxy class is used, or a class of your own. */
  readonly proxyType?: string | (new (...args: never[]) => BaseProxy) | undefined;
  /** Methods whose result stays in the manager and is shared under that typeid. */
  readonly methodToTypeid?: Readonly<Record<string, string>> | undefined;
  /** Whether `manager.<typeid>()` is made. Default true. */
  readonly createMethod?: boolean | undefined;
  /**
   * Its calls run one after another, in the order in which they came, whoever makes them: an async
   * method is not entered while another call is in one. Default false.
   */
  readonly serialized?: boolean | undefined;
  /** Disposed when the last session, name and ticket is gone. Default false. */
  readonly owned?: boolean | undefined;
}

const isKey = (value: unknown): boolean => typeof value === 'string' || value instanceof Uint8Array;
const isName = (value: unknown): boolean => isString(value) && value !== '';
const isModules = (value: unknown): boolean => isString(value) || isObject(value);

const MANAGER_RULES = {
  address: option<string | undefined>(undefined, isString, 'an address'),
  authkey: option<string | Uint8Array | undefined>(undefined, isKey, 'a text or bytes'),
  tls: option<TlsOptions | undefined>(undefined, isObject, 'an object'),
  insecure: option(false, isBoolean, 'true or false'),
  debug: option(false, isBoolean, 'true or false'),
  types: option<ModuleRef | readonly ModuleRef[] | undefined>(undefined, isModules, 'modules'),
  serializer: SERIALIZER_RULE,
  imports: option<boolean | readonly string[]>(
    false,
    (value) => isBoolean(value) || isStrings(value),
    'true, or an array of texts',
  ),
  callTimeoutMs: option(0, isDuration, 'a number of milliseconds >= 0'),
  freeze: option(false, isBoolean, 'true or false'),
  shutdownTimeoutMs: option(1000, isDuration, 'a number of milliseconds >= 0'),
  name: option<string | undefined>(undefined, isName, 'a text that is not empty'),
  log: option<unknown>(undefined, isLogOption, LOG_OPTION),
  logLevel: LEVEL_RULE,
  limits: option<Partial<Limits>>({}, isObject, 'an object of limits'),
  execPath: option<string | undefined>(undefined, isString, 'a path'),
  execArgv: option<readonly string[] | undefined>(undefined, isStrings, 'an array of texts'),
  env: option<NodeJS.ProcessEnv | undefined>(undefined, isObject, 'an object'),
  cwd: option<string | undefined>(undefined, isString, 'a path'),
};
const CONNECT_RULES = {
  authkey: MANAGER_RULES.authkey,
  tls: MANAGER_RULES.tls,
  insecure: MANAGER_RULES.insecure,
  serializer: MANAGER_RULES.serializer,
  callTimeoutMs: MANAGER_RULES.callTimeoutMs,
  limits: MANAGER_RULES.limits,
  retries: option(4, isCount, 'a whole number >= 0'),
  retryDelayMs: option(3000, isDuration, 'a number of milliseconds >= 0'),
  retryBackoff: option(1, (value) => isDuration(value) && (value as number) >= 1, 'a number >= 1'),
  signal: option<AbortSignal | undefined>(
    undefined,
    (value) => value instanceof AbortSignal,
    'an AbortSignal',
  ),
};
const REGISTRATION_RULES = {
  module: option<string | URL | undefined>(
    undefined,
    (value) => isString(value) || value instanceof URL,
    'a path, package name or URL',
  ),
  export: option<string | undefined>(undefined, isString, 'a name'),
  exposed: option<readonly string[] | undefined>(undefined, isStrings, 'an array of names'),
  proxyType: option<Registration['proxyType']>(
    undefined,
    (value) =>
      isString(value) || (typeof value === 'function' && value.prototype instanceof BaseProxy),
    'a typeid or a class that extends BaseProxy',
  ),
  methodToTypeid: option<Registration['methodToTypeid']>(undefined, isObject, 'an object'),
  createMethod: option(true, isBoolean, 'true or false'),
  serialized: option(false, isBoolean, 'true or false'),
  owned: option(false, isBoolean, 'true or false'),
};

export type ManagerSettings = ReturnType<typeof resolveManagerOptions>;
export type ConnectSettings = ReturnType<typeof resolveConnectOptions>;

export const resolveManagerOptions = (options?: ManagerOptions) =>
  resolveOptions('a manager', MANAGER_RULES, options);
export const resolveConnectOptions = (options?: ConnectOptions) =>
  resolveOptions('Manager.connect', CONNECT_RULES, options);
export const resolveRegistration = (typeid: string, registration?: Registration) =>
  resolveOptions(`registration of '${typeid}'`, REGISTRATION_RULES, registration);

const SHUTDOWN_RULES = { drainMs: option(0, isDuration, 'a number of milliseconds >= 0') };
const PING_RULES = {
  timeoutMs: option(0, isDuration, 'a number of milliseconds >= 0'),
  signal: CONNECT_RULES.signal,
};

export const resolveShutdownOptions = (options?: { readonly drainMs?: number }) =>
  resolveOptions('shutdown', SHUTDOWN_RULES, options);
export const resolvePingOptions = (options?: WaitOptions) =>
  resolveOptions('ping', PING_RULES, options);
