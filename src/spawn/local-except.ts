// Errors that were caught and kept: in named groups, in the order of time, to be looked at, logged
// or thrown later. An error that passes several `run()`s on its way out is kept by the innermost.

import { inspect } from 'node:util';
import { UsageError } from '../base/errors';
import { isBoolean, option, requireFunction, resolveOptions } from '../base/options';
import { type KeptError, requireLog, writeError } from './error-log';

export type ErrorType = abstract new (...args: never[]) => Error;

export interface ExceptOptions {
  /** Whether an error that was kept goes on its way. Default: true. */
  readonly rethrow?: boolean | undefined;
  /** Whether errors are kept once. Default: true; false: kept here too, and always thrown on. */
  readonly once?: boolean | undefined;
  /** What is kept; everything else passes. Default: the types of the constructor. */
  readonly types?: readonly ErrorType[] | undefined;
  /** Told of each error that is kept: a logger, a function, or true for the console. */
  readonly log?: unknown;
}

/** The options of `run()` and `wrap()` where these do not say. */
export interface Settings {
  readonly rethrow: boolean;
  readonly once: boolean;
  readonly types: readonly ErrorType[];
  readonly log: unknown;
}

const isTypes = (value: unknown): boolean =>
  Array.isArray(value) && value.every((type) => typeof type === 'function');

const RULES = {
  rethrow: option<boolean | undefined>(undefined, isBoolean, 'true or false'),
  once: option<boolean | undefined>(undefined, isBoolean, 'true or false'),
  types: option<readonly ErrorType[] | undefined>(undefined, isTypes, 'an array of error classes'),
  log: option<unknown>(undefined, () => true, 'a logger'),
};

/** From now on `listener` is told of each error that `errors` keeps. */
export let whenKept: (errors: LocalExcept, listener: (kept: KeptError) => void) => void;

export let settingsOf: (errors: LocalExcept) => Settings;

export class LocalExcept implements Iterable<Error> {
  static {
    settingsOf = (errors) => errors.#defaults;
    whenKept = (errors, listener) => {
      errors.#onKept = listener;
    };
  }

  #defaults: Settings;
  #kept: KeptError[] = [];
  /** Kept here already: outer runs leave them alone. */
  #marked = new WeakSet<Error>();
  #onKept: ((kept: KeptError) => void) | undefined;

  /** `types`: what `run()` keeps. Default: every `Error`. */
  constructor(...types: ErrorType[]) {
    const kept = types.length === 0 ? [Error] : types;
    this.#defaults = { rethrow: true, once: true, types: kept, log: undefined };
    if (!isTypes(types)) throw new UsageError('The types of errors to keep must be classes');
  }

  /** What `body` answers; undefined where its error is kept and not thrown on. */
  async run<R>(
    group: string | undefined,
    body: () => R | Promise<R>,
    options?: ExceptOptions,
  ): Promise<R | undefined> {
    requireFunction('run()', body);
    const resolved = this.#resolve('run()', options);
    try {
      return await body();
    } catch (error) {
      if (!this.#catch(error, group, resolved)) throw error;
      return undefined;
    }
  }

  /** `body`, run as by `run()` with each call. */
  wrap<A extends unknown[], R>(
    body: (...args: A) => R,
    group?: string,
  ): (...args: A) => Promise<Awaited<R> | undefined> {
    requireFunction('wrap()', body);
    const run = this.run.bind(this) as (
      group: string | undefined,
      body: () => R,
    ) => Promise<Awaited<R> | undefined>;
    return function (this: unknown, ...args) {
      return run(group, () => Reflect.apply(body, this, args));
    };
  }

  /** Keeps an error that no `run()` has caught; those around it leave it alone. */
  add(error: Error, group?: string): void {
    if (!(error instanceof Error)) throw new UsageError('Only errors can be kept');
    this.#marked.add(error);
    this.#keep({ error, group: group ?? null }, this.#defaults.log);
  }

  /** The last error of a group; without a name, of the default one. */
  get(group?: string): Error | undefined {
    return this.group(group).at(-1);
  }

  group(name?: string): readonly Error[] {
    return this.#of(name ?? null);
  }

  /** Those of all groups, in the order of time. */
  all(): readonly Error[] {
    return this.#kept.map(({ error }) => error);
  }

  get first(): Error | undefined {
    return this.#kept[0]?.error;
  }
  get last(): Error | undefined {
    return this.#kept.at(-1)?.error;
  }

  /** Throws the last error of `group`, if there is one. Without an argument: of any; null: of the default one. */
  raiseAny(group?: string | null): void {
    const last = this.#of(group).at(-1);
    if (last !== undefined) throw last;
  }

  /** From now on these are the defaults of `run()` and `wrap()`. */
  configure(options: ExceptOptions): this {
    this.#defaults = this.#resolve('configure()', options);
    return this;
  }

  /** Writes what is kept, with stacks. `log`: a logger, a function, or true for the console. */
  log(log: unknown, group?: string | null): void {
    requireLog(log);
    for (const kept of this.#entries(group)) writeError(log, kept);
  }

  clear(): void {
    this.#kept = [];
    this.#marked = new WeakSet();
  }

  [Symbol.iterator](): Iterator<Error> {
    return this.all()[Symbol.iterator]();
  }

  /** How many there are in each group, and the last one. */
  toString(): string {
    const groups = new Set(this.#kept.map(({ group }) => group));
    const parts = [...groups].map((group) => {
      const errors = this.#of(group);
      return `${group ?? '(default)'}: ${String(errors.length)}, last ${String(errors.at(-1))}`;
    });
    return `${this.constructor.name} { ${parts.join('; ') || 'no errors'} }`;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  #keep(kept: KeptError, log: unknown): void {
    this.#kept.push(kept);
    if (log !== undefined) writeError(log, kept);
    this.#onKept?.(kept);
  }

  /** Whether the error stops here. */
  #catch(error: unknown, group: string | undefined, options: Settings): boolean {
    if (!(error instanceof Error) || !options.types.some((type) => error instanceof type))
      return false;
    if (!options.once || !this.#marked.has(error)) {
      if (options.once) this.#marked.add(error);
      this.#keep({ error, group: group ?? null }, options.log);
    }
    return options.once && !options.rethrow;
  }

  #resolve(owner: string, options: ExceptOptions | undefined): Settings {
    const given = resolveOptions(owner, RULES, options);
    if (given.log !== undefined) requireLog(given.log);
    return {
      rethrow: given.rethrow ?? this.#defaults.rethrow,
      once: given.once ?? this.#defaults.once,
      types: given.types ?? this.#defaults.types,
      log: given.log ?? this.#defaults.log,
    };
  }

  #of(group: string | null | undefined): readonly Error[] {
    return this.#entries(group).map(({ error }) => error);
  }

  #entries(group: string | null | undefined): readonly KeptError[] {
    return group === undefined ? this.#kept : this.#kept.filter((kept) => kept.group === group);
  }
}
