// Takes the records of many processes, and writes them in the order of their time. It keeps no
// process alive, unless it is told to.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { messageOf } from '../base/errors';
import { isDuration, isString, option, resolveOptions } from '../base/options';
import {
  directoryOf,
  makePrivateDirectory,
  newPrivateAddress,
  removePrivateDirectory,
} from '../process/runtime-directory';
import { isNetwork, parseAddress, reachable } from '../transport/address';
import { FrameReader } from '../transport/frame-reader';
import { type Link } from '../transport/link';
import { type Listener, listen } from '../transport/listen';
import { type TlsOptions } from '../transport/tls-options';
import { HANDSHAKE_BYTES } from '../wire/auth';
import { writeToConsole } from './console-writer';
import { Doorkeeper, logKey } from './handshake';
import { LEVEL_RULE, isAtLeast } from './levels';
import { addOwnServer, removeOwnServer } from './logger-address';
import { type LogRecord, type LogSink, RECORD_BYTES, unpackRecord } from './record';
import { KEY_RULES, type LogRoute, forgetRoute, learnRoute, requireProof } from './route';
import { type SortClock, Sorter, type Spoken, systemClock } from './sorter';

export interface LogServerOptions {
  /** `unix:/path`, `pipe:name`, `tcp://` on this machine, `tls://host:port`. Default: a private one. */
  readonly address?: string | undefined;
  /** Takes each record. Default: prints it to stderr, in colour on a terminal. */
  readonly write?: ((record: LogRecord) => void) | undefined;
  /** What is below is not written. Default: all is. */
  readonly level?: string | undefined;
  /** How long records are held to be written in the order of their time. Default 200. */
  readonly sortMs?: number | undefined;
  /** At least 16 bytes; `tcp://` and `tls://` need one. */
  readonly authkey?: string | Uint8Array | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** How long a sender may take to prove that it knows the key. */
const HANDSHAKE_MS = 5000;
/** What `close()` allows for what is on its way. */
const CLOSING_MS = 200;

const isFunction = (value: unknown): boolean => typeof value === 'function';
const RULES = {
  address: option<string | undefined>(undefined, isString, 'an address'),
  write: option<(record: LogRecord) => void>(writeToConsole, isFunction, 'a function'),
  level: LEVEL_RULE,
  sortMs: option(200, isDuration, 'a number of milliseconds >= 0'),
  ...KEY_RULES,
};
const resolve = (options: LogServerOptions) => resolveOptions('a log server', RULES, options);

/**
 * Resolves when senders can connect. From now on `getLoggerAddress()` answers its address. Rejects
 * with `UsageError` where the address cannot be used, or is a port without a key.
 */
export async function startLogServer(options: LogServerOptions = {}): Promise<LogServer> {
  const server = await new LogServer(options).listen();
  addOwnServer(server);
  return server;
}

export class LogServer implements LogSink, AsyncDisposable {
  readonly #settings: ReturnType<typeof resolve>;
  readonly #key: Buffer | undefined;
  readonly #sorter: Sorter;
  readonly #links = new Set<Link>();
  /** Records of this very process. */
  readonly #here: Spoken = new Map();
  #address: string;
  #listener: Listener | undefined;
  #listening: Promise<this> | undefined;
  #closing: Promise<void> | undefined;
  #keepsAlive = false;
  #hasFailed = false;

  /** Listens not yet. `clock` is for tests. */
  constructor(options: LogServerOptions = {}, clock: SortClock = systemClock) {
    this.#settings = resolve(options);
    const { address, authkey, sortMs } = this.#settings;
    this.#address = address ?? newPrivateAddress();
    requireProof('serve logs at', { ...this.#settings, address: this.#address });
    this.#key = authkey === undefined ? undefined : logKey(authkey);
    this.#sorter = new Sorter(
      sortMs,
      (record) => {
        this.#give(record);
      },
      clock,
    );
  }

  /** With the port that the system has chosen, once it listens. */
  get address(): string {
    return this.#address;
  }
  /** What a process must know that logs to it. */
  get route(): LogRoute {
    return { address: reachable(this.#address), authkey: this.#settings.authkey };
  }

  listen(): Promise<this> {
    return (this.#listening ??= this.#listen());
  }

  async #listen(): Promise<this> {
    servers.add(this);
    watchExit();
    const isNew = this.#makeDirectory();
    try {
      this.#listener = await this.#open();
    } catch (error) {
      servers.delete(this);
      if (isNew) removePrivateDirectory(this.#address); // any other may be somebody's who lives
      throw error;
    }
    this.#address = this.#listener.address;
    this.#listener.keepAlive(this.#keepsAlive);
    learnRoute(this.route);
    return this;
  }

  #open(): Promise<Listener> {
    const accept = (link: Link): void => {
      this.#accept(link);
    };
    const how = { tls: this.#settings.tls, handshakeMs: HANDSHAKE_MS };
    return listen(parseAddress(this.#address), accept, how);
  }

  /** Answers whether it was not there. */
  #makeDirectory(): boolean {
    const directory = directoryOf(this.#address);
    if (directory === undefined || existsSync(directory)) return false;
    makePrivateDirectory(this.#address, randomBytes(32));
    return true;
  }

  /** Takes a record of this process; what senders send comes here too. */
  write(record: LogRecord): void {
    this.#take(record, this.#here);
  }

  /** Keeps the process alive until `close()`, or not any more. */
  ref(): this {
    return this.#setKeepAlive(true);
  }
  unref(): this {
    return this.#setKeepAlive(false);
  }

  #setKeepAlive(keep: boolean): this {
    this.#keepsAlive = keep;
    this.#listener?.keepAlive(keep);
    return this;
  }

  /** Writes all that is held. In the `exit` event too. */
  flush(): void {
    this.#sorter.flush();
  }

  /** Resolves when what had come is written. Senders try to reach it again, and keep what they can. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#listening?.catch(() => undefined); // it could not listen: there is nothing to close
    removeOwnServer(this);
    servers.delete(this);
    if (this.#listener === undefined) return;
    forgetRoute(this.route.address);
    await this.#listener.close();
    await this.#endLinks();
    this.flush();
    removePrivateDirectory(this.#address);
  }

  /** What senders have written is read; they close when they see the end. */
  async #endLinks(): Promise<void> {
    for (const link of this.#links) link.end();
    const end = performance.now() + CLOSING_MS;
    while (this.#links.size > 0 && performance.now() < end)
      await new Promise((done) => setTimeout(done, 2));
    for (const link of this.#links) link.destroy();
  }

  // ---- records ---------------------------------------------------------------------------------

  #take(record: LogRecord, spoken: Spoken): void {
    const { level } = this.#settings;
    if (level === undefined || isAtLeast(record.level, level)) this.#sorter.add(record, spoken);
  }

  #give(record: LogRecord): void {
    try {
      this.#settings.write(record);
    } catch (error) {
      // One that throws would end the process of the log server, and with it all logs.
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      process.emitWarning(`A record could not be written: ${messageOf(error)}`, 'ReferentWarning');
    }
  }

  // ---- senders ---------------------------------------------------------------------------------

  #accept(link: Link): void {
    this.#links.add(link);
    link.unref();
    const spoken: Spoken = new Map();
    let door =
      this.#key === undefined || !isNetwork(this.#address)
        ? undefined
        : new Doorkeeper(link, this.#key);
    const tooLong = setTimeout(() => {
      if (door !== undefined) link.destroy();
    }, HANDSHAKE_MS).unref();
    const reader = new FrameReader(
      (buffer, start, end) => {
        const message = buffer.subarray(start, end);
        if (door === undefined) {
          this.#take(unpackRecord(message), spoken);
          return;
        }
        door.letIn(Buffer.from(message));
        door = undefined;
        reader.messageBytes = RECORD_BYTES;
      },
      door === undefined ? RECORD_BYTES : HANDSHAKE_BYTES,
    );
    link.listen({
      data: (chunk) => {
        try {
          reader.push(chunk);
        } catch {
          link.destroy(); // no sender of ours; it says so itself where it is one with a wrong key
        }
      },
      drain: () => undefined,
      close: () => {
        clearTimeout(tooLong);
        this.#links.delete(link);
      },
    });
  }
}

const servers = new Set<LogServer>();
const watching = { isDone: false };

function watchExit(): void {
  if (watching.isDone) return;
  watching.isDone = true;
  process.on('exit', () => {
    for (const server of servers) server.flush();
  });
}
