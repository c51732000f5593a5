// Sends records to a log server, on a connection of its own, in the background: it keeps no process
// alive, blocks nobody, and takes a bounded amount of memory.
//
// Rule 1: what one sender is given keeps its order; what is lost is told in its place.
// Rule 2: a log server that is slow, dead or not there yet costs nothing but attempts to reach it.
// Rule 3: before the process ends by itself a sender has a second for what waits; in the `exit` event
//         it writes what the system takes at once.

import { AuthenticationError, ProtocolError, messageOf } from '../base/errors';
import { isCount, isString, option, resolveOptions } from '../base/options';
import { isNetwork, parseAddress } from '../transport/address';
import { connect } from '../transport/connect';
import { FrameReader } from '../transport/frame-reader';
import { type Link } from '../transport/link';
import { type TlsOptions } from '../transport/tls-options';
import { HANDSHAKE_BYTES } from '../wire/auth';
import { Backlog } from './backlog';
import { Guest, logKey, refused } from './handshake';
import { LEVEL_RULE, isAtLeast, processLevel, requireLevel } from './levels';
import { type LogRecord, type LogSink, makeRecord, packRecord } from './record';
import { KEY_RULES, requireProof, routeTo } from './route';

export interface LogSenderOptions {
  /** What in this process says it. Default `app`. */
  readonly source?: string | undefined;
  /** What is below is not sent. Default: this process's, `logLevel` of whoever started it. */
  readonly level?: string | undefined;
  /** Of a log server that listens at `tcp://` or `tls://`. Default: what this process knows of it. */
  readonly authkey?: string | Uint8Array | undefined;
  readonly tls?: TlsOptions | undefined;
  /** What may wait while the log server is slow or not there; beyond, the oldest are lost. Default 4 MiB. */
  readonly bufferBytes?: number | undefined;
}

const RULES = {
  source: option('app', isString, 'a text'),
  level: LEVEL_RULE,
  ...KEY_RULES,
  bufferBytes: option(4 * 1024 * 1024, isCount, 'a whole number >= 0'),
};
const WRITE_BYTES = 64 * 1024;
/** Above this much unsent no more is given to the socket: not less than where it tells that it has drained. */
const AHEAD_BYTES = 64 * 1024;
const CONNECT_MS = 3000;
const RETRY_MS = 50;
const RETRY_MS_MAX = 5000;
/** What `close()` and the end of the process allow for what waits. */
const LINGER_MS = 1000;
const LOOK_MS = 5;

export class LogSender implements LogSink {
  readonly address: string;
  readonly #source: string;
  readonly #level: string | undefined;
  readonly #key: Buffer | undefined;
  readonly #tls: TlsOptions | undefined;
  readonly #backlog: Backlog;
  #link: Link | undefined;
  /** Connected, and let in. */
  #isOpen = false;
  readonly #stop = new AbortController();
  #retryMs = RETRY_MS;
  #retry: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #isClosed = false;
  #hasWarned = false;
  #lingering: NodeJS.Timeout | undefined;
  #hasLingered = false;
  readonly #closings: (() => void)[] = [];

  /** Begins to connect at once. Throws `UsageError` for a bad address, or a network's without a key. */
  constructor(address: string, options: LogSenderOptions = {}) {
    const given = resolveOptions('a log sender', RULES, options);
    const { source, level, bufferBytes } = given;
    const { authkey, tls } = given.authkey === undefined ? routeTo(address, given.tls) : given;
    requireProof('log to', { address, authkey, tls });
    this.address = address;
    this.#source = source;
    this.#level = level;
    this.#key = authkey === undefined ? undefined : logKey(authkey);
    this.#tls = tls;
    this.#backlog = new Backlog(bufferBytes, lossReport);
    senders.add(this);
    watchExit();
    void this.#connect();
  }

  /**
   * Fields are data; what cannot be sent goes as its text, and an Error as the field `error`. Never
   * throws but `UsageError` for an unknown level.
   */
  log(level: string, message: string, fields?: object): void {
    if (!isAtLeast(requireLevel(level), this.#level ?? processLevel())) return;
    this.write(makeRecord(level, message, this.#source, fields));
  }

  /** A record as it is, be it of another process. */
  write(record: LogRecord): void {
    if (this.#isClosed) return;
    this.#backlog.push(record.time, packRecord(record));
    if (watching.isExiting) this.#sendLast();
    else if (this.#backlog.bytes > WRITE_BYTES) this.#send();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  /** Resolves when what waits is sent, or cannot be within a second. What is logged later is lost. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isOpen) this.#finish();
    if (!this.#isHopeless) await this.#linkClosed();
    this.#stop.abort();
    clearTimeout(this.#retry);
    clearInterval(this.#lingering);
    this.#link?.destroy();
    senders.delete(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #linkClosed(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LINGER_MS);
      this.#closings.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  // ---- sending ---------------------------------------------------------------------------------

  #send(): void {
    const link = this.#link;
    if (link === undefined || !this.#isOpen) return;
    while (link.buffered < AHEAD_BYTES) {
      const frames = this.#backlog.take(WRITE_BYTES);
      if (frames === undefined) return;
      link.write(frames);
    }
  }

  /** All that waits, however much the system takes of it. */
  #sendLast(): void {
    const frames = this.#isOpen ? this.#backlog.take(Infinity) : undefined;
    if (frames !== undefined) this.#link?.write(frames);
  }

  #finish(): void {
    this.#sendLast();
    this.#link?.end();
  }

  /** In the `exit` event. */
  static sendLastOfAll(): void {
    for (const sender of senders) sender.#sendLast();
  }

  /** The process has nothing more to do: what waits gets its second. */
  static lingerAll(): void {
    for (const sender of senders) sender.#linger();
  }

  #linger(): void {
    if (this.#hasLingered || this.#hasSentAll) return;
    this.#hasLingered = true;
    const end = performance.now() + LINGER_MS;
    this.#lingering = setInterval(() => {
      const isOver = this.#hasSentAll || this.#isHopeless || performance.now() > end;
      if (isOver) clearInterval(this.#lingering);
    }, LOOK_MS);
  }

  get #hasSentAll(): boolean {
    return this.#backlog.isEmpty && (this.#link?.buffered ?? 0) === 0;
  }

  /** Nobody listened at the last attempt. */
  get #isHopeless(): boolean {
    return this.#link === undefined && this.#retry !== undefined;
  }

  // ---- connecting ------------------------------------------------------------------------------

  async #connect(): Promise<void> {
    this.#retry = undefined;
    try {
      const { signal } = this.#stop;
      const link = await connect(parseAddress(this.address), {
        tls: this.#tls,
        // Both sides prove that they know the key, for that very link: a certificate says less.
        trusting: this.#tls?.ca === undefined,
        timeoutMs: CONNECT_MS,
        signal,
        background: true,
      });
      this.#connected(link);
    } catch (error) {
      this.#failed(error);
    }
  }

  #connected(link: Link): void {
    this.#link = link;
    link.unref();
    const guest =
      isNetwork(this.address) && this.#key !== undefined ? new Guest(link, this.#key) : undefined;
    const reader = new FrameReader((buffer, start, end) => {
      if (guest === undefined || this.#isOpen) {
        throw new ProtocolError('A log server says nothing to its senders');
      }
      if (guest.receive(Buffer.from(buffer.subarray(start, end)))) this.#open();
    }, HANDSHAKE_BYTES);
    link.listen({
      data: (chunk) => {
        try {
          reader.push(chunk);
        } catch (error) {
          this.#warn(error);
          link.destroy();
        }
      },
      drain: () => {
        this.#send();
      },
      close: () => {
        if (!this.#isOpen && guest !== undefined) this.#warn(refused(this.address));
        this.#failed(undefined);
      },
    });
    if (guest === undefined) this.#open();
  }

  #open(): void {
    this.#isOpen = true;
    this.#hasWarned = false;
    this.#retryMs = RETRY_MS;
    if (this.#isClosed) this.#finish();
    else this.#send();
  }

  /** No connection, or none any more: another attempt, later each time. */
  #failed(error: unknown): void {
    this.#isOpen = false;
    this.#link = undefined;
    if (error instanceof AuthenticationError) this.#warn(error);
    for (const closed of this.#closings.splice(0)) closed();
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => void this.#connect(), this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  /** A server that is not there is none of the program's errors; one that refuses it is a mistake. */
  #warn(error: unknown): void {
    if (this.#hasWarned || this.#isClosed) return;
    this.#hasWarned = true;
    process.emitWarning(messageOf(error), 'ReferentWarning');
  }
}

const senders = new Set<LogSender>();
const watching = { isDone: false, isExiting: false };

function watchExit(): void {
  if (watching.isDone) return;
  watching.isDone = true;
  process.on('beforeExit', () => {
    LogSender.lingerAll();
  });
  process.on('exit', () => {
    watching.isExiting = true;
    LogSender.sendLastOfAll();
  });
}

function lossReport(lost: number, time: number): Buffer {
  const text = `${String(lost)} records were lost: the log server was slower than this process, or not there`;
  return packRecord({ ...makeRecord('warn', text, 'log', { lost }), time });
}
