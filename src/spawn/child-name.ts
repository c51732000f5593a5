// What a child has exposed under a name, as its parent reaches it: late bound, so that the child need
// not be there yet, and may expose something else under that name later.

import { UsageError } from '../base/errors';
import { ownHost } from '../expose/own-host';
import { revive, withOptions } from '../proxy/functions';
import { lateOf } from '../proxy/late';
import { type HandleOptions } from '../proxy/options';
import { requireLease } from '../proxy/realm';
import { reachedBy } from '../proxy/source';
import { makeLateLike } from '../proxy/sync-late';
import { type Binding, type Reached } from '../proxy/use';
import { TOKEN_KEY, formatNameToken } from '../wire/token';
import { packValue } from '../wire/values';

/** Where a process is the host of its own objects. */
export interface Whereabouts {
  readonly manager: string;
  readonly address: string;
}

/** Of this process. */
export function ownWhereabouts(): Whereabouts {
  const { manager, address } = ownHost().host;
  return { manager, address };
}

export interface NameInChild {
  readonly name: string;
  /** For texts: what the child is called. */
  readonly child: string;
  /** Asks the child. Rejects with why it will not answer. */
  readonly find: () => Promise<Whereabouts>;
}

export function remoteOf(named: NameInChild, options?: HandleOptions): object {
  return makeLateLike({
    binding: new ChildName(named, options),
    options,
    again: (others) => remoteOf(named, others),
  });
}

class ChildName implements Binding {
  readonly typeid = 'named';
  readonly #named: NameInChild;
  readonly #options: HandleOptions | undefined;
  #finding: Promise<Whereabouts> | undefined;
  /** How the name is reached where it is known where its process is. */
  #known: Binding | undefined;

  constructor(named: NameInChild, options: HandleOptions | undefined) {
    this.#named = named;
    this.#options = options;
  }

  get address(): string {
    return this.#known?.address ?? this.#named.child;
  }

  async reach(): Promise<Reached> {
    this.#finding ??= this.#named.find();
    const place = await this.#finding;
    if (place.address === ownHost().host.address) return this.#reachHere();
    return await this.#bindingAt(place).reach();
  }

  reachNow(): Reached {
    if (this.#known === undefined) throw this.#notYet('block for');
    return this.#known.reachNow();
  }

  missed(): void {
    this.#known?.missed();
  }

  token(): string {
    if (this.#known === undefined) throw this.#notYet('send');
    return this.#known.token();
  }

  describe(): string {
    return `<named object '${this.#named.name}' of ${this.#named.child}>`;
  }

  warn(warning: Error): void {
    if (this.#known === undefined) process.emitWarning(warning);
    else this.#known.warn(warning);
  }

  /** A task that runs in this thread has exposed it here. */
  #reachHere(): Reached {
    const { host } = ownHost();
    const target = ownHost().proxyOf(host.names.get(this.#named.name) as object);
    return reachedBy(target, requireLease(target), this.#options);
  }

  #bindingAt(place: Whereabouts): Binding {
    if (this.#known !== undefined) return this.#known;
    const text = formatNameToken({ ...place, key: packValue(this.#named.name) });
    const handle = revive<object>({ [TOKEN_KEY]: text });
    const late = lateOf(this.#options === undefined ? handle : withOptions(handle, this.#options));
    if (late === undefined) throw new UsageError(`${this.describe()} is no name`);
    return (this.#known = late.binding);
  }

  #notYet(what: string): UsageError {
    return new UsageError(`Cannot ${what} ${this.describe()} yet: await a call of it first`, {
      code: 'ERR_REFERENT_NOT_CONNECTED',
    });
  }
}
