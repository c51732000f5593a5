// What users hold: starts or finds the process that holds the referents, and creates them there.

import { randomBytes } from 'node:crypto';
import { tryAgain } from './attempts';
import { ConnectionLostError, UsageError } from './base/errors';
import { type Limits, resolveLimits } from './base/limits';
import { type Snapshot } from './host/control';
import { type RegisteredType } from './host/registry';
import { Creators, requireTypeid } from './creators';
import {
  type ConnectOptions,
  type ConnectSettings,
  type ManagerOptions,
  type ManagerSettings,
  type Registration,
  resolveConnectOptions,
  resolveManagerOptions,
  resolvePingOptions,
  resolveRegistration,
  resolveShutdownOptions,
} from './manager-options';
import { logFault } from './log/faults';
import { type LogTarget, openLog } from './log/log-target';
import { ManagerNames, resolveNaming } from './manager-names';
import { ManagerProcess } from './manager-process';
import { type Exit } from './process/child';
import { type ModuleRef, resolveModule } from './process/modules';
import {
  findPrivateKey,
  findPrivateSerializer,
  isPrivateAddress,
  makePrivateDirectory,
  newPrivateAddress,
  removePrivateDirectory,
  waitForPrivateManager,
} from './process/runtime-directory';
import { requireProtection } from './protection';
import { type HandleOptions, type WaitOptions } from './proxy/options';
import { type Route } from './proxy/key-ring';
import { makeNamed } from './proxy/named';
import { makeModule } from './proxy/remote-module';
import { type Loose, type Remote } from './proxy/remote-types';
import { type Source } from './proxy/source';
import { realm, retryLocal, translator } from './proxy/realm';
import { addType, typesOf } from './registrations';
import { Server } from './server';
import { type ServerConfig } from './server-entry';
import { Connection } from './session/connection';
import { type Identity } from './session/handshake';
import { deepFreeze } from './session/freeze';
import { lossOf } from './session/loss';
import { type NameOptions } from './session/naming';
import { type Purpose } from './session/parties';
import { isNetwork, lacksPort, reachable } from './transport/address';
import { keyBytes } from './wire/auth';
import { type Key } from './types/keys';
import { STANDARD_TYPES } from './types/standard-types';
import { DEFAULT_SERIALIZER, serializerToward } from './wire/serializers';

/** Given by `connect` to the constructor, which users cannot do. */
const CONNECTING: { address: string; settings: ConnectSettings }[] = [];

/** Managers that were collected without a shutdown: their users may have meant to keep them. */
const forgotten = new FinalizationRegistry<{ readonly address: string; ended: boolean }>((held) => {
  if (held.ended) return;
  const text = `The manager at ${held.address} was collected without shutdown(); its server ends with this process`;
  process.emitWarning(text, { type: 'ReferentWarning', code: 'ERR_REFERENT_FORGOTTEN' });
});

const GOODBYE_MS = 50;

/** The connection of a manager, begun where needed: for `sync(manager)`. */
export let connectionOf: (manager: Manager) => Connection;

/** A new object of that type, and the handle for it. */
export function makeObject(
  connection: Connection,
  creation: {
    readonly typeid: string;
    readonly args: readonly unknown[];
    readonly purpose: Purpose;
  },
  options?: HandleOptions,
): object {
  const { typeid, args, purpose } = creation;
  const lease = connection.lease(typeid);
  connection.session.create(lease, args, purpose);
  return realm.makeHandle(lease, options);
}

export class Manager extends Creators implements AsyncDisposable {
  static {
    connectionOf = (manager) => manager.#use();
  }

  #address: string;
  readonly #limits: Limits;
  readonly #settings: ManagerSettings | undefined;
  readonly #connectSettings: ConnectSettings | undefined;
  readonly #key: Buffer | undefined;
  readonly #identity: Identity | undefined;
  readonly #ownerSecret = randomBytes(32);
  readonly #registrations: readonly RegisteredType[];
  readonly #fate: { readonly address: string; ended: boolean };
  #state: 'initial' | 'started' | 'shutdown' = 'initial';
  #closed = false;
  #connection: Connection | undefined;
  #process: ManagerProcess | undefined;
  /** Where its process logs. */
  #log: LogTarget | undefined;
  #starting: Promise<string> | undefined;
  #server: Server | undefined;
  #keepsAlive = false;
  #incarnation: string | undefined;
  /** What has a name in the manager, by its key. */
  readonly names = new ManagerNames(() => this.#use());

  /** Starts nothing: that is done by the first use, or by `start()`. */
  constructor(options?: ManagerOptions) {
    super();
    const connecting = CONNECTING.pop();
    this.#connectSettings = connecting?.settings;
    this.#settings = connecting === undefined ? resolveManagerOptions(options) : undefined;
    const given: Partial<ManagerSettings> = this.#settings ?? connecting?.settings ?? {};
    this.#address = connecting?.address ?? this.#settings?.address ?? newPrivateAddress();
    this.#limits = resolveLimits(given.limits, isPrivateAddress(this.#address));
    requireProtection(connecting === undefined ? 'serve' : 'connect', this.#address, given);
    const { authkey } = given;
    if (authkey !== undefined) this.#key = keyBytes(authkey);
    else if (this.#settings !== undefined) this.#key = randomBytes(32);
    if (this.#settings !== undefined) {
      this.#identity = {
        manager: randomBytes(16).toString('hex'),
        incarnation: randomBytes(16).toString('hex'),
      };
    }
    this.#learnRoute(this.#identity?.manager);
    this.#registrations = [...typesOf(this.constructor).values()];
    this.#fate = { address: this.#address, ended: true };
    forgotten.register(this, this.#fate);
  }

  /** A client of a manager that runs elsewhere. Connects with the first use, or by `start()`. */
  static connect<M extends Manager>(
    this: new (options?: ManagerOptions) => M,
    address: string,
    options?: ConnectOptions,
  ): M {
    if (typeof (address as unknown) !== 'string') {
      throw new UsageError(
        'Manager.connect needs the address of a manager, as manager.address gives it',
      );
    }
    CONNECTING.push({ address, settings: resolveConnectOptions(options) });
    try {
      return new this();
    } finally {
      CONNECTING.length = 0;
    }
  }

  /**
   * Makes a class or function of a module shareable under `typeid`, by this class and those that
   * extend it from now on. Named by module and export, because no class crosses a process.
   */
  static register(typeid: string, registration: Registration = {}): void {
    requireTypeid(typeid);
    const resolved = resolveRegistration(typeid, registration);
    const { module, proxyType, createMethod } = resolved;
    if (createMethod) this.addCreateMethod(typeid);
    const ref =
      module === undefined
        ? undefined
        : resolveModule({ module, export: resolved.export ?? 'default' });
    realm.claimProxyType(typeid, proxyType as never);
    const { exposed, methodToTypeid, owned, serialized } = resolved;
    const rules = { exposed, methodToTypeid, owned, serialized };
    const type: RegisteredType = { typeid, module: ref, ...rules };
    addType(this, type);
  }

  private static addCreateMethod(typeid: string): void {
    const isTaken = typeid in this.prototype && !typesOf(this).has(typeid) && !STANDARD.has(typeid);
    if (isTaken || RESERVED.has(typeid)) {
      throw new UsageError(
        `Cannot register '${typeid}': Manager has a member of that name; choose another, or say createMethod: false`,
      );
    }
    Object.defineProperty(this.prototype, typeid, {
      value(this: Manager, ...args: unknown[]) {
        return this.create(typeid, ...args);
      },
      writable: true,
      configurable: true,
    });
  }

  /** Known at once, but for a port that the system chooses: that is known after `start()`. */
  get address(): string {
    return this.#server?.address ?? this.#address;
  }
  get pid(): number | undefined {
    return this.#process?.pid;
  }
  /** How long `shutdown()` waits before it sends signals. */
  get shutdownTimeoutMs(): number {
    return this.#settings?.shutdownTimeoutMs ?? 0;
  }
  get state(): 'initial' | 'started' | 'shutdown' {
    return this.#state;
  }

  // ---- names ------------------------------------------------------------------------------------

  /** Each use of the handle goes to what `key` stands for then. `create` runs where that is nothing. */
  named<P extends object>(key: Key, create?: () => P | Promise<P>, options?: NameOptions): P {
    return makeNamed(this.#source, resolveNaming(key, create, options)) as P;
  }

  /**
   * What `import(specifier)` gives in the manager's process, whose working directory paths start from.
   * Only what option `imports` of the manager allows: else each call rejects.
   */
  module<T = Loose>(specifier: string): Remote<T> {
    requireSpecifier(specifier);
    return makeModule(this.#source, specifier) as Remote<T>;
  }

  /** Where late-bound handles find this manager. */
  get #source(): Source {
    return {
      place: () => {
        const { manager } = this.#connection?.identity ?? this.#identity ?? {};
        return { address: this.address, manager };
      },
      connection: () => this.#use(),
      makeHandle: (lease, options) => realm.makeHandle(lease, options),
    };
  }

  // ---- lifetime --------------------------------------------------------------------------------

  /**
   * Resolves when the manager serves. `initializer` runs in its process before, with `args`.
   * Rejects with what stopped the process: its own error, `ManagerDiedError` or `TimeoutError`.
   */
  async start(initializer?: ModuleRef, ...args: unknown[]): Promise<this> {
    if (this.#server !== undefined) throw alreadyStarted('getServer() was called');
    if (this.#state === 'shutdown') throw hasShutDown();
    if (this.#state === 'started' && (initializer !== undefined || this.#starting !== undefined)) {
      if (this.#settings !== undefined && (this.#explicit || initializer !== undefined))
        throw alreadyStarted();
    }
    this.#explicit = true;
    const connection = this.#begin(initializer, args);
    await connection.open();
    return this;
  }
  #explicit = false;

  /** Serves from this process instead of a child: `await manager.getServer().serveForever()`. */
  getServer(): Server {
    if (this.#server !== undefined) return this.#server;
    if (this.#state === 'shutdown') throw hasShutDown();
    if (this.#state === 'started') throw alreadyStarted();
    const { settings, identity, key } = this.#own();
    this.#state = 'started';
    this.#fate.ended = true;
    if (isNetwork(this.#address) && settings.authkey === undefined) {
      throw new UsageError(
        `Cannot serve others at ${this.#address}: give an authkey that they can know too`,
      );
    }
    const { tls, debug, imports } = settings;
    const serializer = settings.serializer ?? DEFAULT_SERIALIZER;
    const serves = { address: this.#address, key, identity, limits: this.#limits, serializer };
    this.#server = new Server({
      ...serves,
      tls,
      debug,
      imports,
      registrations: this.#registrations,
      types: modulesOf(settings.types),
      log: openLog(settings.log, settings.logLevel),
    });
    return this.#server;
  }

  /** Ends the server, waiting up to `drainMs` for calls that run. Idempotent. */
  async shutdown(options: { readonly drainMs?: number } = {}): Promise<void> {
    const { drainMs } = resolveShutdownOptions(options);
    this.#fate.ended = true;
    if (this.#server !== undefined) await this.#server.close({ drainMs });
    if (this.#state === 'shutdown') {
      await this.#process?.exited;
      return;
    }
    const wasStarted = this.#state === 'started' && !this.#closed;
    this.#state = 'shutdown';
    const mustAsk = wasStarted || this.#settings === undefined;
    // At once: a server that is busy does not answer, and is ended by signals then.
    const ended = this.#process?.ended(this.shutdownTimeoutMs + drainMs);
    await Promise.all([mustAsk ? this.#askToEnd(drainMs) : undefined, ended]);
    this.#connection?.close(hasShutDown());
    if (this.#process !== undefined && isPrivateAddress(this.#address))
      removePrivateDirectory(this.#address);
  }

  async #askToEnd(drainMs: number): Promise<void> {
    const connection =
      this.#connection ?? (this.#settings === undefined ? this.#connect() : undefined);
    try {
      await connection?.manage('shutdown', [drainMs]);
    } catch (error) {
      // An own manager that cannot be asked is gone, or never was: that is what was wanted.
      if (this.#settings === undefined && !(error instanceof ConnectionLostError)) throw error;
    }
  }

  /** Ends this client's session; what it held is given back. Final: use `Manager.connect` again. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#fate.ended = true;
    this.#connection?.close();
    await Promise.resolve();
  }

  /** Waits until the manager's process has ended; undefined after `timeoutMs`, or where it is not ours. */
  async join(timeoutMs?: number): Promise<Exit | undefined> {
    const child = this.#process;
    if (child === undefined) return undefined;
    child.keepAlive(true);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>((resolve) => {
      if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs, undefined);
    });
    try {
      return await Promise.race([child.exited, timeout]);
    } finally {
      clearTimeout(timer);
      child.keepAlive(this.#keepsAlive);
    }
  }

  /** `shutdown()` of an own manager, `close()` of a connected one. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#settings === undefined) await this.close();
    else await this.shutdown();
  }

  /** Keeps this process alive while the manager is there. */
  ref(): this {
    return this.#setKeepAlive(true);
  }
  /** The default: only pending calls keep the process alive. */
  unref(): this {
    return this.#setKeepAlive(false);
  }

  #setKeepAlive(keep: boolean): this {
    this.#keepsAlive = keep;
    this.#connection?.keepAlive(keep);
    this.#process?.keepAlive(keep);
    return this;
  }

  // ---- looking in ------------------------------------------------------------------------------

  /** Answered by the connection, also while the server is busy with what does not block it. */
  async ping(
    options: WaitOptions = {},
  ): Promise<{ readonly roundTripMs: number; readonly clockOffsetMs: number }> {
    const { timeoutMs, signal } = resolvePingOptions(options);
    const signals = [signal, timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : undefined];
    const ends = AbortSignal.any(signals.filter((one) => one !== undefined));
    const { roundTripMs, serverTime } = await this.#use().ping(ends);
    return { roundTripMs, clockOffsetMs: serverTime + roundTripMs / 2 - Date.now() };
  }

  /** Referents that a session or a name holds; what only a container or a token keeps is not counted. */
  numberOfObjects(): Promise<number> {
    return this.#manage('numberOfObjects') as Promise<number>;
  }
  /** A text for people: each referent and who holds it. */
  debugInfo(): Promise<string> {
    return this.#manage('debugInfo') as Promise<string>;
  }
  /** A picture of the server: its referents, sessions and calls. */
  async inspect(): Promise<Snapshot> {
    return deepFreeze((await this.#manage('inspect')) as Snapshot);
  }

  async #manage(name: string): Promise<unknown> {
    return await this.#use().manage(name);
  }

  protected override make(
    typeid: string,
    args: readonly unknown[],
    purpose: Purpose,
    options?: HandleOptions,
  ): object {
    return makeObject(this.#use(), { typeid, args, purpose }, options);
  }

  // ---- connecting ------------------------------------------------------------------------------

  /** The connection for whatever is to be done now; begins it where needed. */
  #use(): Connection {
    if (this.#state === 'shutdown') throw hasShutDown();
    if (this.#closed)
      throw new ConnectionLostError('The manager was closed here', { outcome: 'not-sent' });
    if (this.#server !== undefined) {
      throw alreadyStarted(
        'it serves from this process: make objects there, or connect to its address',
      );
    }
    const connection = this.#begin();
    connection.wake();
    return connection;
  }

  #begin(initializer?: ModuleRef, args: readonly unknown[] = []): Connection {
    const current = this.#connection;
    const isLost = current?.state === 'closed';
    if (current !== undefined && !(isLost && this.#settings === undefined)) return current;
    if (this.#settings !== undefined) this.#startProcess(initializer, args);
    this.#state = 'started';
    return this.#connect();
  }

  #own(): {
    readonly settings: ManagerSettings;
    readonly identity: Identity;
    readonly key: Buffer;
  } {
    if (this.#settings === undefined || this.#identity === undefined || this.#key === undefined) {
      throw new UsageError(
        'This manager is a client: only one made with new Manager() can start or serve',
      );
    }
    return { settings: this.#settings, identity: this.#identity, key: this.#key };
  }

  #startProcess(initializer: ModuleRef | undefined, args: readonly unknown[]): void {
    const { settings, identity, key } = this.#own();
    const isPrivate = isPrivateAddress(this.#address);
    const types = modulesOf(settings.types);
    const first = initializer === undefined ? undefined : resolveModule(initializer);
    const modules = [...types, ...this.#registrations.map(({ module }) => module), first];
    this.#log = openLog(settings.log, settings.logLevel);
    const serializer = settings.serializer ?? DEFAULT_SERIALIZER;
    if (isPrivate) makePrivateDirectory(this.#address, key, serializer);
    const config: ServerConfig = {
      address: this.#address,
      isPrivate,
      key,
      ownerSecret: this.#ownerSecret,
      identity,
      limits: settings.limits,
      registrations: this.#registrations,
      types,
      tls: settings.tls,
      debug: settings.debug,
      imports: settings.imports,
      name: settings.name,
      log: this.#log?.forChild,
      serializer,
    };
    this.#fate.ended = false;
    const child = new ManagerProcess(config, {
      ...settings,
      modules: modules.filter((module) => module !== undefined).map(({ url }) => url),
      startMs: this.#limits.startMs,
      target: this.#log,
    });
    this.#process = child;
    const forget = realm.keys.follow((route) => {
      if (!isPrivateAddress(route.address)) child.learn(route);
    });
    this.#starting = child.serve({ kind: 'serve', initializer: first, initargs: args });
    this.#starting.catch(() => undefined); // rejects the connection, and with it every call
    void child.exited.then((exit) => {
      forget();
      if (isPrivate) removePrivateDirectory(this.#address);
      this.emit('exit', exit);
    });
  }

  #connect(): Connection {
    const owner = this.#settings !== undefined;
    const hasNetwork = isNetwork(this.#address);
    const connection = new Connection({
      address: this.#address,
      key: () => this.#findKey(),
      ...(owner && this.#identity !== undefined
        ? { expected: this.#identity, ownerSecret: this.#ownerSecret }
        : {}),
      limits: this.#limits,
      pid: () => this.#process?.pid,
      translator,
      lendsInstances: !hasNetwork,
      serializer: this.#serializer,
      prepare: () => this.#prepare(),
      connecting: {
        ...this.#protection,
        timeoutMs: hasNetwork ? this.#limits.handshakeMs : undefined,
        signal: this.#connectSettings?.signal,
      },
      retry: (error, attempt) => this.#retry(error, attempt),
      describeLoss: (cause) => this.#describeLoss(cause),
    });
    connection.session.callTimeoutMs =
      (this.#settings ?? this.#connectSettings)?.callTimeoutMs ?? 0;
    connection.session.freezes = this.#settings?.freeze ?? false;
    connection.onWarning = connection.session.onWarning = (warning) => {
      this.#warn(warning);
    };
    connection.onBusy = (busy) => {
      if (connection.state !== 'open') this.#process?.keepAlive(busy || this.#keepsAlive);
      else this.#process?.keepAlive(this.#keepsAlive);
    };
    connection.onEnd = (reason) => {
      realm.remove(connection);
      this.#process?.keepAlive(this.#keepsAlive);
      this.emit('disconnect', reason);
    };
    connection.onOpen = () => {
      this.#opened(connection);
    };
    connection.keepAlive(this.#keepsAlive);
    realm.add(connection);
    this.#connection = connection;
    return connection;
  }

  /** For whoever listens, and for the log, where there is one: nobody may listen. */
  #warn(warning: Error): void {
    logFault(warning, this.#log);
    this.emit('warning', warning);
  }

  #opened(connection: Connection): void {
    const incarnation = connection.identity?.incarnation;
    this.#learnRoute(connection.identity?.manager);
    const before = this.#incarnation;
    this.#incarnation = incarnation;
    if (before !== undefined) this.emit('reconnect', { restarted: before !== incarnation });
  }

  #findKey(): Buffer {
    const known = realm.keys.find(undefined, this.#address)?.key;
    const key = this.#key ?? known ?? findPrivateKey(this.#address);
    if (key !== undefined) return Buffer.from(key);
    throw new UsageError(
      `Cannot connect to ${this.#address}: give its authkey, Manager.connect(address, { authkey })`,
    );
  }

  async #retry(error: unknown, attempt: number): Promise<boolean> {
    if (this.#connectSettings === undefined) return await retryLocal(error, attempt);
    const failed = { error, attempt };
    return await tryAgain(this.#address, this.#connectSettings, failed, (warning) => {
      this.#warn(warning);
    });
  }

  /** Resolves when somebody may listen, with the address where the manager has chosen the port. */
  async #prepare(): Promise<string | undefined> {
    if (this.#starting !== undefined) {
      this.#address = await this.#starting;
      return reachable(this.#address);
    }
    await waitForPrivateManager(this.#address, this.#limits.startMs);
    return undefined;
  }

  /** Of a private manager that somebody else made, what its key file says. */
  get #serializer(): string | undefined {
    if (this.#settings !== undefined) return this.#settings.serializer;
    const { serializer } = this.#connectSettings ?? {};
    if (serializer !== undefined) return serializer;
    const theirs = findPrivateSerializer(this.#address);
    return theirs === undefined ? undefined : serializerToward(theirs);
  }

  /** An own child has what we gave it, and proves it in the handshake, which is bound to the link. */
  get #protection(): Pick<Route, 'tls' | 'trusting'> {
    const { tls } = this.#settings ?? this.#connectSettings ?? {};
    return { tls, trusting: this.#settings !== undefined };
  }

  /** From now on tokens of the manager can be opened in this process. */
  #learnRoute(manager: string | undefined): void {
    if (this.#key === undefined || lacksPort(this.#address)) return;
    const address = reachable(this.#address);
    const { serializer } = this.#settings ?? this.#connectSettings ?? {};
    realm.keys.learn({ ...this.#protection, address, key: this.#key, manager, serializer });
  }

  /** The owner learns how its manager ended a moment after the connection broke, or before. */
  async #describeLoss(cause: Error | undefined): Promise<ConnectionLostError> {
    const child = this.#process;
    if (child === undefined) return lossOf(this.#address, cause);
    let timer: NodeJS.Timeout | undefined;
    const soon = new Promise<undefined>(
      (resolve) => (timer = setTimeout(resolve, GOODBYE_MS, undefined)),
    );
    const exit = await Promise.race([child.exited, soon]);
    clearTimeout(timer);
    return lossOf(this.#address, cause, exit);
  }
}

const STANDARD: ReadonlySet<string> = new Set(STANDARD_TYPES.map(({ typeid }) => typeid));
/** Members that the language looks for. */
const RESERVED = new Set(['then', 'toJSON']);

function modulesOf(types: ManagerSettings['types']): ReturnType<typeof resolveModule>[] {
  if (types === undefined) return [];
  return (Array.isArray(types) ? (types as ModuleRef[]) : [types as ModuleRef]).map(resolveModule);
}

function requireSpecifier(specifier: unknown): void {
  if (typeof specifier === 'string' && specifier !== '') return;
  throw new UsageError("A module is named as import() takes it: 'node:os', './file.js', 'package'");
}

function alreadyStarted(why = 'use it as it is'): UsageError {
  return new UsageError(`The manager was started already: ${why}`, {
    code: 'ERR_REFERENT_ALREADY_STARTED',
  });
}

function hasShutDown(): UsageError {
  return new UsageError('The manager has been shut down: make a new one', {
    code: 'ERR_REFERENT_SHUT_DOWN',
  });
}
