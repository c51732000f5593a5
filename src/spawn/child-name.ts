// What a child has exposed under a name, as its parent reaches it: late bound, so that the child need
// not be there yet, and may expose something else under that name later.

import { UsageError } from '../base/errors';
import { ownHost } from '../expose/own-host';
import { release, revive, withOptions } from '../proxy/functions';
import { lateOf } from '../proxy/late';
import { type HandleOptions } from '../proxy/options';
import { requireLease } from '../proxy/realm';
import { makeLateLike } from '../proxy/sync-late';
import { type Binding, type Reached } from '../proxy/use';
import { type Absence } from '../session/absence';
import { localCaller } from '../session/caller';
import { RunningCall } from '../session/current-call';
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

  get absence(): Absence | undefined {
    return this.#options;
  }

  get address(): string {
    return this.#known?.address ?? this.#named.child;
  }

  async reach(): Promise<Reached> {
    const place = await this.#find();
    return isHere(place) ? this.#reachHere() : await this.#bindingAt(place).reach();
  }

  /** Resolves when something has the name. */
  readonly there = async (signal: AbortSignal): Promise<void> => {
    const place = await this.#find();
    if (isHere(place)) await awaitHere(this.#named.name, signal);
    else await (this.#bindingAt(place) as Awaitable).there?.(signal);
  };

  #find(): Promise<Whereabouts> {
    return (this.#finding ??= this.#named.find());
  }

  reachNow(): Reached {
    if (this.#known === undefined) throw this.#notYet('block for');
    return this.#known.reachNow();
  }

  missed(): void {
    this.#known?.missed();
  }

  release(): void {
    this.#known?.release();
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
    const host = ownHost();
    const target = host.proxyOf(host.host.names.get(this.#named.name) as object);
    const lease = requireLease(target);
    const about = { target: lease, path: [], purpose: 'argument' as const, held: target };
    return {
      target,
      lease,
      wasLost: () => false,
      giveBack: () => {
        release(target);
      },
      send: (operation, name, args, more) =>
        host.callee.call({ ...about, operation, name, args, ...this.#options, ...more }),
    };
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

type Awaitable = Binding & { readonly there?: (signal: AbortSignal) => Promise<unknown> };

/** Of a task that runs in this thread. */
function isHere({ address }: Whereabouts): boolean {
  return address === ownHost().host.address;
}

/** A name of this process. */
async function awaitHere(name: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const call = new RunningCall(localCaller);
  const giveUp = (): void => {
    call.abort(signal.reason);
  };
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await ownHost().host.names.there(name, call);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
