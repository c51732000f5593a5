// Which modules of its machine a manager loads for its clients, and loading them. A module is code of
// the server: whoever reaches one can do what it can. So nothing is open that was not named.

import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { RemoteError, messageOf } from '../base/errors';
import { loadModule } from './modules';

export class Imports {
  readonly #allowed: boolean | ReadonlySet<string>;

  /** `true`: any; else those, as clients ask for them. */
  constructor(allowed: boolean | readonly string[] = false) {
    this.#allowed = typeof allowed === 'boolean' ? allowed : new Set(allowed);
  }

  /** What `import(specifier)` gives in the working directory. Throws `RemoteError`. */
  async load(specifier: string): Promise<object> {
    this.#require(specifier, (allowed) => allowed.has(specifier));
    try {
      return new RemoteModule(specifier, await loadModule(urlOf(specifier)));
    } catch (cause) {
      throw new RemoteError(`Cannot load module '${specifier}': ${messageOf(cause)}`, {
        cause,
        remoteName: cause instanceof Error ? cause.name : typeof cause,
      });
    }
  }

  /** For code that a client has named by its URL. Throws `RemoteError`. */
  requireUrl(url: string): void {
    this.#require(
      url,
      (allowed) => allowed.has(url) || [...allowed].some((one) => urlOf(one) === url),
    );
  }

  #require(what: string, isListed: (allowed: ReadonlySet<string>) => boolean): void {
    const allowed = this.#allowed;
    if (typeof allowed === 'boolean' ? allowed : isListed(allowed)) return;
    const known = typeof allowed === 'boolean' ? 'none' : [...allowed].join(', ');
    throw new RemoteError(
      `Cannot load module '${what}': option "imports" of the manager must name it; it allows ${known}`,
      { remoteName: 'UsageError' },
    );
  }
}

/** Relative to the working directory; what cannot be found there `import()` may find. */
function urlOf(specifier: string): string {
  if (/^(file|data|node):/.test(specifier)) return specifier;
  if (isAbsolute(specifier) || /^\.\.?[/\\]/.test(specifier)) {
    return pathToFileURL(resolve(specifier)).href;
  }
  try {
    const found = createRequire(join(process.cwd(), 'noop.js')).resolve(specifier);
    return isAbsolute(found) ? pathToFileURL(found).href : `node:${found}`;
  } catch {
    return specifier; // a package that can be imported only
  }
}

/**
 * A module as clients reach it: its exports, and beside them those of a CommonJS module that only its
 * default has. An instance of a class, so that it is no plain data, and read-only.
 */
class RemoteModule {
  readonly #specifier: string;

  constructor(specifier: string, exports: object) {
    this.#specifier = specifier;
    const inner: unknown = 'default' in exports ? exports.default : exports;
    if (isObject(inner)) this.#add(inner);
    this.#define('default', () => inner);
    this.#add(exports);
  }

  #add(exports: object): void {
    for (const name of Object.keys(exports)) {
      if (name === 'default' || name === 'module.exports') continue;
      this.#define(name, () => (exports as Record<string, unknown>)[name]);
    }
  }

  /** Read anew each time: an export may change. */
  #define(name: string, get: () => unknown): void {
    Object.defineProperty(this, name, { get, enumerable: true, configurable: true });
  }

  [inspect.custom](): string {
    return `module '${this.#specifier}'`;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
