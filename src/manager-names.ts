// `manager.names`, and what users may say of a name.

import { UsageError } from './base/errors';
import { isBoolean, option, resolveOptions } from './base/options';
import { isProxy, release, withOptions } from './proxy/functions';
import { type Create, DESK, type Naming } from './proxy/named';
import { type HandleOptions } from './proxy/options';
import { type Connection } from './session/connection';
import { type NameOptions, requireName } from './session/naming';
import { type Key } from './types/keys';

const RULES = {
  ttlMs: option<number | undefined>(
    undefined,
    (value) => typeof value === 'number' && value > 0,
    'a number of milliseconds > 0',
  ),
  owned: option(false, isBoolean, 'true or false'),
};

/** Throws `UsageError`. */
export function resolveNaming(key: Key, create?: Create, options?: NameOptions): Naming {
  requireName(key);
  if (create !== undefined && typeof create !== 'function') {
    throw new UsageError(
      'The second argument of named() must be a function that makes the object: () => manager.list()',
    );
  }
  if (options === undefined) return { key, create };
  if (create === undefined) {
    throw new UsageError('Options of named() are for what its factory makes: give one');
  }
  return { key, create, options: resolveOptions('named()', RULES, options) };
}

/** The same names, asked with these options, which proxies of them have too. */
export let namesWithOptions: (names: ManagerNames, options: HandleOptions) => ManagerNames;

/** The names of a manager. Each method rejects with `UsageError` for a key that is no primitive. */
export class ManagerNames {
  static {
    namesWithOptions = (names, options) => new ManagerNames(names.#connection, options);
  }

  readonly #connection: () => Connection;
  readonly #options: HandleOptions | undefined;

  constructor(connection: () => Connection, options?: HandleOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** What it stands for now: a proxy, which is not late bound, or a copy of a plain value. `ObjectGoneError`. */
  async get(key: Key): Promise<unknown> {
    const found = await this.#ask('get', key);
    if (this.#options === undefined || !isProxy(found)) return found;
    const proxy = withOptions(found as object, this.#options);
    release(found as object);
    return proxy;
  }
  has(key: Key): Promise<boolean> {
    return this.#ask('has', key) as Promise<boolean>;
  }
  async keys(): Promise<Key[]> {
    return (await this.#manage('keys')) as Key[];
  }
  /**
   * From now on it stands for `to`, for all that use it: a shared object, plain data, or what a
   * function answers. The name need not be there.
   */
  async replace(key: Key, to: unknown): Promise<void> {
    requireName(key);
    const value: unknown =
      typeof to === 'function' && !isProxy(to) ? await (to as () => unknown)() : to;
    await this.#ask('replace', key, value);
  }
  /** Whether it was there. The object lives on while somebody has a proxy of it. */
  delete(key: Key): Promise<boolean> {
    return this.#ask('delete', key) as Promise<boolean>;
  }

  async #ask(name: string, key: Key, ...args: unknown[]): Promise<unknown> {
    requireName(key);
    return await this.#manage(name, key, ...args);
  }

  async #manage(name: string, ...args: unknown[]): Promise<unknown> {
    const { timeoutMs, signal, serializer, returns } = this.#options ?? {};
    const details = { ...DESK, timeoutMs, signal, serializer, returns };
    return await this.#connection().manage(name, args, details);
  }
}
