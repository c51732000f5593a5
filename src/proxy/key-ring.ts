// How this process reaches the managers that it knows: by the manager's name, which it has told in a
// handshake, and by the address that somebody gave. The name goes first: one manager may have many
// addresses, and the one in a token may be that of another network.

import { type TlsOptions } from '../transport/tls-options';

export interface Route {
  /** Where this process reaches it. */
  readonly address: string;
  readonly key: Uint8Array;
  readonly tls?: TlsOptions | undefined;
  /** Takes any certificate: that of an own child process. */
  readonly trusting?: boolean | undefined;
  /** What structured data goes there in. */
  readonly serializer?: string | undefined;
}

/** `manager` is the name, where it is known already. */
export interface KnownRoute extends Route {
  readonly manager?: string | undefined;
}

export class KeyRing {
  readonly #byManager = new Map<string, KnownRoute>();
  readonly #byAddress = new Map<string, KnownRoute>();
  readonly #listeners = new Set<(route: KnownRoute) => void>();

  learn(route: KnownRoute): void {
    this.#byAddress.set(route.address, route);
    if (route.manager !== undefined) this.#byManager.set(route.manager, route);
    for (const tell of this.#listeners) tell(route);
  }

  find(manager: string | undefined, address: string): Route | undefined {
    const named = manager === undefined ? undefined : this.#byManager.get(manager);
    return named ?? this.#byAddress.get(address);
  }

  /** All routes now, and each that is learnt until the answer is called. */
  follow(listener: (route: KnownRoute) => void): () => void {
    for (const route of new Set([...this.#byAddress.values(), ...this.#byManager.values()]))
      listener(route);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
