// Serving from the process that one is in, instead of from a child.

import { EventEmitter } from 'node:events';
import { type Limits } from './base/limits';
import { Host } from './host/host';
import { Registry, type RegisteredType } from './host/registry';
import { homeOf } from './home';
import { logFault } from './log/faults';
import { type LogTarget } from './log/log-target';
import { resolveShutdownOptions } from './manager-options';
import { Names } from './names/names';
import { type ResolvedModule } from './process/modules';
import {
  isPrivateAddress,
  makePrivateDirectory,
  removePrivateDirectory,
} from './process/runtime-directory';
import { type Identity } from './session/handshake';
import { type TlsOptions } from './transport/tls-options';
import { type Key } from './types/keys';
import { STANDARD_TYPES } from './types/standard-types';

export interface ServerOptions {
  readonly address: string;
  readonly key: Buffer;
  readonly identity: Identity;
  readonly limits: Limits;
  readonly registrations: readonly RegisteredType[];
  readonly types: readonly ResolvedModule[];
  readonly tls: TlsOptions | undefined;
  readonly debug: boolean;
  readonly serializer: string;
  readonly imports: boolean | readonly string[];
  /** Default: where this process logs, if anywhere. */
  readonly log: LogTarget | undefined;
}

export class Server
  extends EventEmitter<{
    session: [{ readonly id: number; readonly peer: string }];
    sessionEnd: [{ readonly id: number; readonly peer: string }];
    /** A client that was refused, or did what it must not; a referent that could not be disposed. */
    warning: [Error];
  }>
  implements AsyncDisposable
{
  readonly #options: ServerOptions;
  readonly #registry: Registry;
  readonly #host: Host;
  #listening: Promise<void> | undefined;
  #isListening = false;
  readonly #closed: Promise<void>;

  /** Made by `manager.getServer()`. */
  constructor(options: ServerOptions) {
    super();
    this.#options = options;
    const home = homeOf(options, () => this.address);
    this.#registry = new Registry(STANDARD_TYPES, home);
    for (const registration of options.registrations) this.#registry.add(registration);
    this.#host = new Host({
      ...options,
      registry: this.#registry,
      names: (objects) => new Names(objects),
    });
    this.#host.on('session', (session) => this.emit('session', session));
    this.#host.on('sessionEnd', (session) => this.emit('sessionEnd', session));
    this.#host.on('fault', (fault) => {
      logFault(fault, options.log);
      this.emit('warning', fault);
    });
    const closed = new Promise<void>((resolve) => {
      this.#host.once('closed', resolve);
    });
    this.#closed = closed.then(async () => {
      this.#isListening = false;
      removePrivateDirectory(options.address);
      await options.log?.close();
    });
  }

  /** Final once `listen()` has resolved. */
  get address(): string {
    return this.#host.address;
  }
  get listening(): boolean {
    return this.#isListening;
  }

  /**
   * Gives a live object of this process a name, in place of what had it: clients reach it by
   * `manager.named(key)`. Everything may be reached that does not begin with `_`.
   */
  publish(key: Key, object: object): void {
    this.#host.names.publish(key, object);
  }

  /** Resolves when clients can connect; keeps the process alive until `close()`. */
  async listen(): Promise<this> {
    this.#listening ??= this.#listen();
    await this.#listening;
    return this;
  }

  async #listen(): Promise<void> {
    const { address, key, types, serializer } = this.#options;
    if (isPrivateAddress(address)) makePrivateDirectory(address, key, serializer);
    for (const module of types) await this.#registry.addModule(module);
    await this.#host.listen();
    this.#isListening = true;
  }

  /** Resolves when the server was closed, by `close()` or by a client's `shutdown()`. */
  async serveForever(): Promise<void> {
    await this.listen();
    await this.#closed;
  }

  /** Takes no new client, and waits up to `drainMs` for calls that run. Idempotent. */
  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    const { drainMs } = resolveShutdownOptions(options);
    await this.#listening?.catch(() => undefined); // it could not listen: there is nothing to close
    await this.#host.close(drainMs);
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
