// A module of the manager's process, as the handles of a client know it: loaded with the first use, and
// again by the session after a lost one.

import { type Lease } from '../refs/lease';
import { MODULE } from '../session/naming';
import { letGo, sharedToken } from './handles';
import { type Absence } from '../session/absence';
import { type HandleOptions } from './options';
import { type Source, reachedBy } from './source';
import { makeLateLike } from './sync-late';
import { type Binding, type Reached } from './use';

export function makeModule(source: Source, specifier: string, options?: HandleOptions): object {
  return makeLateLike({
    binding: new ModuleBinding(source, specifier, options),
    options,
    again: (others, makeHandle = source.makeHandle) =>
      makeModule({ ...source, makeHandle }, specifier, others),
  });
}

class ModuleBinding implements Binding {
  readonly typeid = 'module';
  readonly #source: Source;
  readonly #specifier: string;
  readonly #options: HandleOptions | undefined;
  /** As this session has it. */
  #loaded: Reached | undefined;

  constructor(source: Source, specifier: string, options: HandleOptions | undefined) {
    this.#source = source;
    this.#specifier = specifier;
    this.#options = options;
  }

  get absence(): Absence | undefined {
    return this.#options;
  }

  get address(): string {
    return this.#source.place().address;
  }
  get lease(): Lease {
    return this.reach().lease;
  }

  reach(): Reached {
    const connection = this.#source.connection();
    if (this.#loaded?.lease.lessor === connection.session) return this.#loaded;
    const lease = connection.lease(MODULE);
    connection.session.create(lease, [this.#specifier], 'argument');
    const { makeHandle } = this.#source;
    const reached = reachedBy(connection.session, lease, { makeHandle, options: this.#options });
    return (this.#loaded = { ...reached, giveBack: keep });
  }

  reachNow(): Reached {
    return this.reach();
  }

  missed(): void {
    this.release();
  }

  release(): void {
    if (this.#loaded !== undefined) letGo(this.#loaded.target, this.#loaded.lease);
    this.#loaded = undefined;
  }

  token(): string {
    return sharedToken(this.lease);
  }

  describe(): string {
    return `<module '${this.#specifier}' at ${this.address}>`;
  }

  warn(warning: Error): void {
    this.#source.connection().onWarning?.(warning);
  }
}

/** It is for further uses too. */
function keep(): undefined {
  return undefined;
}
