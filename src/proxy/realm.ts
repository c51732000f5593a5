// What this JS realm knows of managers: its connections, its keys, the servers that live in it,
// and which class a proxy of a typeid has. Tokens come from anywhere and `revive` takes no manager,
// so there is one of these in a realm; it is the only state of a module besides registrations.

import { AuthenticationError, UsageError } from '../base/errors';
import { DEFAULT_LIMITS, defaultLimits } from '../base/limits';
import { type Lease } from '../refs/lease';
import { Connection } from '../session/connection';
import { type Exposure } from '../session/exposure';
import { type Identity } from '../session/handshake';
import { lossOf } from '../session/loss';
import { type Name, requireName } from '../session/naming';
import { type Purpose, type Translator } from '../session/parties';
import { isNetwork, lacksPort } from '../transport/address';
import { serializerToward } from '../wire/serializers';
import { type Token, isNameToken, parseNameToken, parseToken } from '../wire/token';
import { unpackValue } from '../wire/values';
import {
  findPrivateKey,
  findPrivateSerializer,
  isPrivateAddress,
  waitForPrivateManager,
} from '../process/runtime-directory';
import { BaseProxy, leaseOfBaseProxy, optionsOfBaseProxy, purposeOfBaseProxy } from './base-proxy';
import { calleeOf } from './handles';
import { IteratorProxy } from './iterator-proxy';
import { blockingFront } from './sync-proxy';
import {
  leaseOfSyncRemote,
  makeSyncRemote,
  optionsOfSyncRemote,
  purposeOfSyncRemote,
} from './sync-remote';
import { type HandleOptions, SYNC } from './options';
import { Kin } from './kin';
import { KeyRing, type Route } from './key-ring';
import { lateOf } from './late';
import { makeNamed } from './named';
import {
  leaseOfRemote,
  makeRemote,
  optionsOfRemote,
  pathOfMember,
  purposeOfRemote,
} from './remote';
import { type Source } from './source';

export type ProxyClass = new (lease: Lease, options?: HandleOptions) => BaseProxy;

const BLOCKING: HandleOptions = Object.freeze({ [SYNC]: true as const });

/** A server in this process: a token of its own objects opens to the object itself. */
export interface LocalServer {
  readonly manager: string;
  readonly address: string;
  /** Its names: a live object of this process is published there. */
  readonly names: {
    /** `exposure`: what clients may reach; by default all that does not begin with `_`. */
    publish(key: Name, object: object, exposure?: Exposure): void;
    get(key: Name): unknown;
    delete(key: Name): boolean;
  };
  /** The object, or a promise of it where the token came before it. */
  open(text: string): object | Promise<object>;
}

/** Which manager is meant, and where. */
interface Whereabouts {
  readonly manager: string | undefined;
  readonly address: string;
}

/** A token that another manager claims once has this long. */
const ONCE_TTL_MS = 60_000;

class Realm {
  readonly #connections = new Set<Connection>();
  readonly #servers = new Set<LocalServer>();
  readonly #proxyTypes = new Map<string, ProxyClass>([['iterator', IteratorProxy]]);
  /** Typeids of registrations. */
  readonly #claimed = new Set<string>();
  /** What `Manager.connect`, own managers, and the owner of this process have told. */
  readonly keys = new KeyRing();
  /** Whose code this process takes, and who takes its own. */
  readonly kin = new Kin();
  #saysGoodbye = false;

  add(connection: Connection): void {
    this.#connections.add(connection);
    if (this.#saysGoodbye) return;
    this.#saysGoodbye = true;
    process.once('exit', () => {
      for (const open of this.#connections) open.sayGoodbye();
    });
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection);
  }

  addServer(server: LocalServer): void {
    this.#servers.add(server);
  }
  removeServer(server: LocalServer): void {
    this.#servers.delete(server);
  }

  /** Those that serve from this process. */
  get servers(): Iterable<LocalServer> {
    return this.#servers;
  }

  /** Whether this very thread serves there: who blocks for that waits for itself. */
  serves(address: string): boolean {
    return !lacksPort(address) && [...this.#servers].some((server) => server.address === address);
  }

  registerProxyType(typeid: string, type: ProxyClass): void {
    this.#proxyTypes.set(typeid, type);
  }

  /**
   * What a registration says of the proxies of a typeid: a class, the typeid that has it, or
   * nothing. There is one class for a typeid in a process, so two registrations must agree.
   */
  claimProxyType(typeid: string, wanted: ProxyClass | string | undefined): void {
    const type = typeof wanted === 'string' ? this.#typeLike(wanted) : wanted;
    if (
      this.#proxyTypes.get(typeid) !== type &&
      (this.#claimed.has(typeid) || type === undefined)
    ) {
      throw new UsageError(
        `Cannot register '${typeid}': this process has another proxy class for that typeid; choose another name`,
      );
    }
    this.#claimed.add(typeid);
    if (type !== undefined) this.#proxyTypes.set(typeid, type);
  }

  #typeLike(typeid: string): ProxyClass {
    const type = this.#proxyTypes.get(typeid);
    if (type !== undefined) return type;
    const known = [...this.#proxyTypes.keys()].filter((name) => !name.startsWith('_'));
    throw new UsageError(
      `No proxy class is registered for '${typeid}'; there are: ${known.join(', ')}`,
    );
  }

  /** The handle for a lease, of the class that is registered for its typeid. Takes the lease. */
  makeHandle(lease: Lease, options?: HandleOptions): object {
    const Type = this.#proxyTypes.get(lease.typeid);
    return Type === undefined ? makeRemoteHandle(lease, options) : makeProxy(Type, lease, options);
  }

  /** What a token names: the object itself in its own process, else a handle that claims it. */
  open(text: string): { readonly value: unknown; readonly claim: Promise<unknown> | undefined } {
    if (isNameToken(text)) return { value: this.#openName(text), claim: undefined };
    const token = parseToken(text);
    for (const server of this.#servers) {
      if (server.manager !== token.manager) continue;
      const value = server.open(text);
      return value instanceof Promise
        ? { value: undefined, claim: value }
        : { value, claim: undefined };
    }
    const { lease, over } = this.#connectionFor(token).claim(text);
    return { value: this.makeHandle(lease), claim: over };
  }

  /** What a name stands for in its own process, else a handle of it. */
  #openName(text: string): unknown {
    const { manager, address, key: packed } = parseNameToken(text);
    const key = requireName(unpackValue(packed));
    for (const server of this.#servers) {
      if (server.manager === manager || server.address === address) return server.names.get(key);
    }
    return makeNamed(this.#sourceOf(manager, address), { key });
  }

  /** A manager that may be another one by the time it is used: a name outlives its restart. */
  #sourceOf(manager: string | undefined, address: string): Source {
    return {
      place: () => ({ address, manager }),
      connection: () => this.connectionTo(address, manager),
      makeHandle: (lease, options) => this.makeHandle(lease, options),
    };
  }

  /** The connection to the manager there, or by the route that is known of it; begun where needed. */
  connectionTo(address: string, manager?: string): Connection {
    const connection = this.#connectionTo({ manager, address });
    connection.wake();
    return connection;
  }

  /** Any connection that leads there. */
  #connectionTo({ manager, address: given }: Whereabouts): Connection {
    const route = this.keys.find(manager, given);
    const address = route?.address ?? given;
    for (const connection of this.#connections) {
      const isNamed = manager !== undefined && connection.identity?.manager === manager;
      const fits = isNamed || connection.address === address;
      if (fits && connection.state !== 'closed') return connection;
    }
    return this.#connectTo({ manager, address: given }, route);
  }

  #connectionFor(token: Token): Connection {
    for (const connection of this.#connections) {
      const { identity } = connection;
      const fits =
        identity?.manager === token.manager && identity.incarnation === token.incarnation;
      if (fits && connection.state !== 'closed') return connection;
    }
    const route = this.keys.find(token.manager, token.address);
    const address = route?.address ?? token.address;
    for (const connection of this.#connections) {
      const known = connection.identity === undefined && connection.address === address;
      if (known && connection.state !== 'closed') return connection;
    }
    const { manager, incarnation } = token;
    return this.#connectTo(token, route, { manager, incarnation });
  }

  /** A manager without a connection: one whose route is known, or a private one, by its key file. */
  #connectTo(token: Whereabouts, route: Route | undefined, expected?: Identity): Connection {
    const address = route?.address ?? token.address;
    const limits = defaultLimits(isPrivateAddress(address));
    const timeoutMs = isNetwork(address) ? limits.handshakeMs : undefined;
    const connection = new Connection({
      address,
      key: () => keyFor(token, route),
      ...(expected === undefined ? {} : { expected }),
      limits,
      translator,
      lendsInstances: !isNetwork(address),
      serializer: toward(route?.serializer ?? findPrivateSerializer(address)),
      prepare: async () => {
        // A token is only words: no socket is opened for one whose key is not known.
        if (!isPrivateAddress(address)) keyFor(token, route);
        await waitForPrivateManager(address, DEFAULT_LIMITS.startMs);
        return undefined;
      },
      connecting: { tls: route?.tls, trusting: route?.trusting, timeoutMs },
      retry: retryLocal,
      describeLoss: (cause) => lossOf(address, cause),
    });
    this.add(connection);
    connection.onEnd = () => {
      this.remove(connection);
    };
    return connection;
  }
}

export const realm = new Realm();

/** A handle of that class; where its calls block, with a front that has the language's operators. */
export function makeProxy(Type: ProxyClass, lease: Lease, options?: HandleOptions): BaseProxy {
  const proxy = new Type(lease, options);
  return options?.[SYNC] === true ? blockingFront(proxy) : proxy;
}

export function makeRemoteHandle(lease: Lease, options?: HandleOptions, purpose?: Purpose): object {
  return options?.[SYNC] === true
    ? makeSyncRemote(lease, options, purpose)
    : makeRemote(lease, options, purpose);
}

/** Between a socket's birth and its first ear lies a moment. */
export async function retryLocal(error: unknown, attempt: number): Promise<boolean> {
  if (attempt > 1 || (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') return false;
  await new Promise((resolve) => setTimeout(resolve, 20));
  return true;
}

function toward(serializer: string | undefined): string | undefined {
  return serializer === undefined ? undefined : serializerToward(serializer);
}

function keyFor(
  { manager = 'whose name is not known', address }: Whereabouts,
  route: Route | undefined,
): Buffer {
  const key = route === undefined ? findPrivateKey(address) : Buffer.from(route.key);
  if (key !== undefined) return key;
  throw new AuthenticationError(
    `Cannot open the token: this process has no authkey for the manager ${manager} at ${address}; connect to it first, with Manager.connect('${address}', { authkey })`,
  );
}

function onceToken(lease: Lease): string | undefined {
  return calleeOf(lease).mint(lease, { uses: 1, ttlMs: ONCE_TTL_MS });
}

/** Proxies as sessions see them. */
export const translator: Translator = {
  leaseOf: leaseOfHandle,
  pathOf: pathOfMember,
  nameTokenOf: (value) => lateOf(value)?.binding.token(),
  onceToken,
  adopt: (lease, isBlocking) => realm.makeHandle(lease, isBlocking ? BLOCKING : undefined),
  open: (text) => realm.open(text),
};

/** The lease of any handle; undefined for anything else. */
export function leaseOfHandle(value: object): Lease | undefined {
  const late = lateOf(value);
  if (late !== undefined) return late.binding.lease;
  return leaseOfBaseProxy(value) ?? leaseOfRemote(value) ?? leaseOfSyncRemote(value);
}

export function optionsOf(proxy: object): HandleOptions | undefined {
  const late = lateOf(proxy);
  if (late !== undefined) return late.options;
  return proxy instanceof BaseProxy
    ? optionsOfBaseProxy(proxy)
    : (optionsOfRemote(proxy) ?? optionsOfSyncRemote(proxy));
}

/** What arguments of its calls are for. */
export function purposeOf(proxy: object): Purpose {
  if (proxy instanceof BaseProxy) return purposeOfBaseProxy(proxy);
  return purposeOfRemote(proxy) ?? purposeOfSyncRemote(proxy) ?? 'argument';
}

/** Throws `UsageError` for what is no proxy. */
export function requireLease(value: unknown): Lease {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  const lease = isObject ? leaseOfHandle(value) : undefined;
  if (lease !== undefined) return lease;
  throw new UsageError(
    isObject && 'then' in value
      ? 'Not a proxy but a promise: await it, and give what it answers'
      : 'Not a proxy: give what a manager, a call or revive() answered',
  );
}
