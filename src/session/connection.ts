// A client's connection to a manager: found or started on first use, proven by the handshake,
// then one session until it ends. It never comes back: the next use of a manager makes a new one.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { traceConnection } from '../base/diagnostics';
import {
  ConnectionLostError,
  ProtocolError,
  UsageError,
  again,
  asNotSent,
  messageOf,
} from '../base/errors';
import { type Limits } from '../base/limits';
import { Lease } from '../refs/lease';
import { lacksPort, parseAddress } from '../transport/address';
import { type ConnectingOptions, connect } from '../transport/connect';
import { FrameReader } from '../transport/frame-reader';
import { Outbox } from '../transport/outbox';
import { type Link } from '../transport/link';
import { HANDSHAKE_BYTES, SESSION_BYTES } from '../wire/auth';
import { type ControlFrame, type Frame } from '../wire/frames';
import { DEFAULT_SERIALIZER } from '../wire/serializers';
import { parseToken } from '../wire/token';
import { unpackValue } from '../wire/values';
import { type LaneOptions, tooSlow } from './lane';
import { PipeEnd } from '../transport/sync-pipe';
import { isPrivateAddress, readFailure } from '../process/runtime-directory';
import { Blocking } from './blocking';
import { ClientParty } from './client-party';
import {
  type Admission,
  type Credentials,
  Handshake,
  type Identity,
  OWNER_RANGE,
  sendMessage,
} from './handshake';
import { Liveness } from './liveness';
import { lossOf, refusalOf, unreachable } from './loss';
import { type Wish } from './callee';
import { Mint } from './mint';
import { Numbers } from './numbers';
import { type Translator } from './parties';
import { type CallDetails, type CallRequest } from './outgoing';
import { type Minter, Session } from './session';

export interface ConnectionOptions extends Omit<Credentials, 'session'> {
  readonly limits: Limits;
  readonly translator: Translator;
  /** Whether instances of classes may be lent as arguments. */
  readonly lendsInstances: boolean;
  /** What carries structured data. Default v8. */
  readonly serializer?: string | undefined;
  /**
   * Resolves when somebody listens, with the address where only that tells it. Once, before the
   * first attempt.
   */
  readonly prepare: () => Promise<string | undefined>;
  /** Whether it is worth trying again after `error`. */
  readonly retry: (error: unknown, attempt: number) => Promise<boolean>;
  /** The manager's process, where it is a child of this one. */
  readonly pid?: () => number | undefined;
  /** Makes the error of a connection that broke. */
  readonly describeLoss: (cause: Error | undefined) => Promise<Error> | Error;
  /** How to connect, beside the address. */
  readonly connecting?: ConnectingOptions;
  /** For tests: another way to get a link. */
  readonly connectLink?: () => Promise<Link>;
}

/** Before the link is tried again that a lane does without. */
const AGAIN_MS = 20;

export type ConnectionState = 'idle' | 'connecting' | 'open' | 'closed';

export class Connection implements Minter {
  readonly session: Session;
  /** Calls that block this thread. */
  readonly blocking: Blocking;
  readonly #options: ConnectionOptions;
  #credentials: Credentials;
  readonly #outbox = new Outbox({ numbered: true });
  #state: ConnectionState = 'idle';
  #identity: Identity | undefined;
  #ticketKey: Buffer | undefined;
  readonly #numbers: Numbers;
  #link: Link | undefined;
  /** One of our links was let in. */
  #isAdmitted = false;
  #opening: Promise<void> | undefined;
  /** Those that found nobody, or nobody who said a word. */
  #attempts = 0;
  #goodbye: string | undefined;
  readonly #mint: Mint;
  readonly #control: Lease;
  readonly #pings = new Map<
    number,
    { readonly answer: (serverTime: number) => void; readonly fail: (error: Error) => void }
  >();
  #pingNumber = 0;
  #liveness: Liveness | undefined;

  /** Once, when the connection has ended; undefined: it was closed from here. */
  onEnd: ((reason: Error | undefined) => void) | undefined;
  /** Whether the connection needs the process to stay alive. */
  onBusy: ((busy: boolean) => void) | undefined;
  onWarning: ((warning: Error) => void) | undefined;
  /** The session is there. */
  onOpen: (() => void) | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#credentials = { ...options, session: randomBytes(SESSION_BYTES) };
    this.#identity = options.expected;
    const party = new ClientParty(options.lendsInstances);
    this.session = new Session({
      outbox: this.#outbox,
      party,
      translator: options.translator,
      limits: options.limits,
      peer: options.address,
      ...(options.serializer === undefined ? {} : { serializer: options.serializer }),
      canRelease: () => this.#isAdmitted,
      onControl: (frame, error) => {
        this.#onControl(frame, error);
      },
    });
    if (options.serializer !== undefined && options.serializer !== DEFAULT_SERIALIZER) {
      this.session.control({ kind: 'speak', serializer: options.serializer });
    }
    this.session.minter = this;
    this.session.blocker = this.blocking = this.#makeBlocking();
    this.session.onPending = () => {
      this.#updateBusy();
    };
    this.#mint = new Mint(options.limits.tickets, (frame) => {
      this.wake();
      this.session.control(frame);
      return this.#outbox;
    });
    this.#numbers = new Numbers(this.session, {
      newRange: () => this.manage('newRange') as Promise<number>,
      warn: (warning) => this.onWarning?.(warning),
    });
    this.#control = new Lease(this.session, { id: 0, typeid: 'manager' });
    if (options.ownerSecret !== undefined) {
      this.#ticketKey = options.ownerSecret;
      this.#numbers.begin(OWNER_RANGE);
    }
  }

  get address(): string {
    return this.#credentials.address;
  }
  get state(): ConnectionState {
    return this.#state;
  }
  /** Undefined until the handshake, for a manager of which only the address is known. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  // ---- use -------------------------------------------------------------------------------------

  /** Starts connecting if nobody has; what is sent meanwhile waits. */
  wake(): void {
    if (this.#state === 'idle') this.open().catch(ignoreReported);
  }

  /** Resolves when the session is there. */
  open(): Promise<void> {
    return (this.#opening ??= this.#open());
  }

  /** A call of the manager itself. */
  manage(name: string, args: readonly unknown[] = [], options: CallDetails = {}): Promise<unknown> {
    this.wake();
    return this.session.call({ ...this.#managing(name, args), ...options });
  }

  /** Whatever it is that the token names, a plain object too, it is lent and not copied. */
  #claiming(text: string): CallRequest & { readonly target: Lease } {
    return { ...this.#managing('claim', [text]), returns: 'proxy' };
  }

  #managing(name: string, args: readonly unknown[]): CallRequest & { readonly target: Lease } {
    return { target: this.#control, operation: 'call', path: [], name, args, purpose: 'argument' };
  }

  /** Resolves when the manager has handled all that was sent till now. */
  confirm(): Promise<unknown> {
    return this.manage('numberOfObjects');
  }

  /** The lease of a new object, numbered by us. Throws `LimitError` when the numbers are used up. */
  lease(typeid: string, callable = false): Lease {
    this.wake();
    return this.#numbers.lease(typeid, callable);
  }

  /** A token for what `lease` holds. Throws `UsageError` before the session is there. */
  mint(lease: Lease, wish: Wish): string {
    if (lease.claim !== undefined) return lease.claim.tokenText;
    if (lease.failure !== undefined) throw lease.failure;
    if (lease.released) {
      throw new UsageError('Cannot send the proxy: it was released', {
        code: 'ERR_REFERENT_RELEASED',
      });
    }
    const isNumbered = lease.id !== 0 && !lacksPort(this.address);
    if (this.#identity === undefined || this.#ticketKey === undefined || !isNumbered) {
      throw new UsageError('Cannot make a token yet: await manager.start() first', {
        code: 'ERR_REFERENT_NOT_CONNECTED',
      });
    }
    if (this.session.ended !== undefined) throw this.session.ended;
    const place = { ...this.#identity, address: this.address };
    return this.#mint.token(lease, wish, {
      place,
      key: this.#ticketKey,
      minter: this.#numbers.range,
    });
  }

  /** Claims what a token names; calls on the lease wait until that is over. */
  claim(text: string): { readonly lease: Lease; readonly over: Promise<unknown> } {
    const token = parseToken(text);
    const lease = new Lease(this.session, {
      id: token.id,
      typeid: token.typeid,
      callable: token.callable,
    });
    lease.startClaim(text);
    this.wake();
    const over = this.session.call(this.#claiming(text)).then(
      (handle) => {
        this.#claimed(lease, handle);
      },
      (error: unknown) => {
        if (lease.claim !== undefined) lease.refused(error as Error);
        throw error;
      },
    );
    over.catch(ignoreReported);
    return { lease, over };
  }

  /** The count of the handle that a claim gave is the lease's from now on, if it still needs it. */
  #claimed(lease: Lease, handle: unknown): void {
    const own = this.#options.translator.leaseOf(handle as object);
    if (lease.claim === undefined) {
      own?.release(false); // a blocked thread has claimed it meanwhile
      return;
    }
    if (own !== undefined) lease.id = own.id; // of what was reached by a name the token has another
    own?.move();
    lease.granted();
  }

  // ---- blocking --------------------------------------------------------------------------------

  #makeBlocking(): Blocking {
    return new Blocking({
      session: this.session,
      outbox: this.#outbox,
      address: () => this.address,
      lane: () => this.#laneOptions(),
      managing: (name, args) => this.#managing(name, args),
      claiming: (text) => this.#claiming(text),
      wake: () => {
        this.wake();
      },
      claimed: (lease, handle) => {
        this.#claimed(lease, handle);
      },
      ending: () => {
        this.#goodbye ??= 'it was shut down'; // its own words may be lost where it has bytes of ours unread
      },
      broke: (error) => {
        const reason = this.#goneFor(error);
        this.#end(reason, reason);
        this.#link?.destroy();
      },
    });
  }

  #laneOptions(): LaneOptions {
    const { limits, pid, connecting } = this.#options;
    return {
      credentials: this.#credentials,
      limits,
      pid: pid?.(),
      isServing: this.#isAdmitted,
      connecting,
      receive: (buffer, start, end) => {
        this.session.receive(buffer, start, end, this.blocking.isBlocked);
      },
      admitted: (admission) => {
        this.#admitted(admission);
      },
    };
  }

  /** A lane breaks with its manager. */
  #goneFor(error: unknown): Error {
    if (!(error instanceof PipeEnd)) return error as Error;
    const failure = readFailure(this.address);
    if (failure !== undefined) return unpackValue(failure) as Error;
    if (this.#goodbye !== undefined) return this.#goneAway(this.#goodbye);
    return this.#isAdmitted ? lossOf(this.address, error) : unreachable(this.address, error);
  }

  #goneAway(reason: string): ConnectionLostError {
    return new ConnectionLostError(
      `The manager at ${this.address} has ended the session: ${reason}`,
    );
  }

  /** Resolves with the round trip and the server's clock. */
  async ping(
    signal?: AbortSignal,
  ): Promise<{ readonly roundTripMs: number; readonly serverTime: number }> {
    await this.open();
    signal?.throwIfAborted();
    const number = ++this.#pingNumber;
    const start = performance.now();
    return await new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        this.#pings.delete(number);
        this.#updateBusy();
        done();
      };
      signal?.addEventListener(
        'abort',
        () => {
          settle(() => {
            reject(signal.reason as Error);
          });
        },
        { once: true },
      );
      this.#pings.set(number, {
        answer: (serverTime) => {
          settle(() => {
            resolve({ roundTripMs: performance.now() - start, serverTime });
          });
        },
        fail: reject,
      });
      this.#updateBusy();
      this.session.control({ kind: 'ping', number });
      this.#outbox.flush();
    });
  }

  /** Says goodbye and ends: the server drops what the session held at once. */
  close(
    reason: Error = new ConnectionLostError('The manager was closed here', { outcome: 'not-sent' }),
  ): void {
    this.sayGoodbye();
    this.#end(reason, undefined);
    this.#link?.end();
  }

  /** What waits is written, and the server need not linger. In the `exit` event too. */
  sayGoodbye(): void {
    if (this.#state === 'closed' || !this.#isAdmitted) return;
    this.session.control({ kind: 'bye' });
    this.#goodbye ??= 'this process has said goodbye';
    this.#outbox.flush();
    this.blocking.sendLast();
  }

  // ---- making the session ----------------------------------------------------------------------

  async #open(): Promise<void> {
    this.#state = 'connecting';
    traceConnection('connecting', this.address);
    this.#updateBusy();
    try {
      const address = await this.#options.prepare();
      if (address !== undefined) this.#credentials = { ...this.#credentials, address };
      while (!(await this.#shakeHands(await this.#connectAlive()))) await sleep(AGAIN_MS);
      this.#updateBusy();
    } catch (error) {
      this.#end(error as Error, error as Error);
      throw error;
    }
  }

  async #connectAlive(): Promise<Link> {
    const link = await this.#connect();
    if (this.session.ended === undefined) return link;
    link.destroy();
    throw this.session.ended;
  }

  async #connect(): Promise<Link> {
    const { connectLink, retry } = this.#options;
    const { address } = this;
    for (;;) {
      try {
        return connectLink === undefined
          ? await connect(parseAddress(address), this.#options.connecting)
          : await connectLink();
      } catch (error) {
        if (this.session.ended !== undefined) throw this.session.ended;
        // A lane has the session: who let it in listened there, and is not still to come. (Only the
        // lane of a private manager comes in by another door, which opens a moment before.)
        const isGone = this.#isAdmitted && !isPrivateAddress(address);
        if (!isGone && (await retry(error, ++this.#attempts))) continue;
        if (this.#isAdmitted) throw await this.#options.describeLoss(error as Error);
        throw unreachable(address, error);
      }
    }
  }

  /**
   * Resolves when the link has its session; false where it closed before, and another one is to be
   * made: a lane has the session, for a thread that blocked meanwhile was too slow for the server; or
   * the manager had not said a word.
   */
  #shakeHands(link: Link): Promise<boolean> {
    this.#link = link;
    const { limits } = this.#options;
    const { address } = this;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
        this.#end(error, error);
        link.destroy();
      };
      const timer = setTimeout(() => {
        if (this.#isAdmitted) timer.refresh();
        else fail(tooSlow(address, limits));
      }, limits.handshakeMs);
      const handshake = new Handshake(this.#credentials, false);
      let wasGreeted = false;
      const shake = (message: Buffer): void => {
        wasGreeted = true;
        const answer = handshake.receive(message, link.network?.channelBinding);
        if (Buffer.isBuffer(answer)) {
          sendMessage(link, answer);
          return;
        }
        clearTimeout(timer);
        this.#admitted(answer);
        this.#state = 'open';
        this.#outbox.open(link);
        this.#liveness = Liveness.watch(link, this.session, limits.leaseMs);
        this.onOpen?.();
        reader.messageBytes = limits.messageBytes;
        resolve(true);
      };
      const reader = new FrameReader((buffer, start, end) => {
        if (this.#state === 'closed') return;
        if (this.#state === 'open') this.session.receive(buffer, start, end);
        else shake(Buffer.from(buffer.subarray(start, end)));
      }, HANDSHAKE_BYTES);
      link.listen({
        data: (chunk) => {
          try {
            reader.push(chunk);
          } catch (error) {
            fail(error instanceof Error ? error : new ProtocolError(messageOf(error)));
          }
        },
        drain: () => {
          this.#outbox.flush();
          this.session.resume();
        },
        close: (cause) => {
          clearTimeout(timer);
          if (this.#state === 'connecting' && this.#isAdmitted) resolve(false);
          else if (wasGreeted) void this.#lost(cause).then(reject);
          else this.#cutOff(cause).then(resolve, reject);
        },
      });
    });
  }

  /** Somebody took the connection and left it without a word: a server that ends, or a way to none. */
  async #cutOff(cause: Error | undefined): Promise<false> {
    const error = Object.assign(new Error('it was closed without a word', { cause }), {
      code: 'ECONNRESET',
    });
    const isOver = this.session.ended !== undefined || !this.address.startsWith('tcp:');
    try {
      if (!isOver && (await this.#options.retry(error, ++this.#attempts))) return false;
    } catch (reason) {
      this.#end(reason as Error, reason as Error);
      throw reason;
    }
    throw await this.#lost(cause);
  }

  /** The first of our links was let in: ids and tokens exist. A further one finds the same session. */
  #admitted({ identity, range, ticketKey }: Admission): void {
    this.#identity = identity;
    if (!this.#isAdmitted) traceConnection('open', this.address);
    this.#isAdmitted = true;
    if (this.#numbers.range === 0) {
      this.#numbers.begin(range);
      this.#ticketKey = ticketKey;
      this.session.numbered();
    } else if (this.#numbers.range !== range) {
      throw new ConnectionLostError(`The session at ${this.address} has ended meanwhile`);
    }
  }

  // ---- what comes in ---------------------------------------------------------------------------

  #onControl(frame: ControlFrame | Extract<Frame, { kind: 'failed' }>, error: unknown): void {
    switch (frame.kind) {
      case 'goaway':
        this.#goodbye = frame.reason;
        return;
      case 'pong':
        this.#liveness?.answered(frame.number);
        this.#pings.get(frame.number)?.answer(frame.time);
        return;
      case 'ping':
        if (this.#liveness !== undefined) this.#liveness.answer(frame.number);
        else this.session.control({ kind: 'pong', number: frame.number, time: Date.now() });
        return;
      case 'failed':
        this.onWarning?.(error as Error);
        return;
      default:
        throw new ProtocolError(`A server does not send "${frame.kind}"`);
    }
  }

  async #lost(cause: Error | undefined): Promise<Error> {
    if (this.session.ended !== undefined) return this.session.ended;
    const reason =
      this.#goodbye === undefined
        ? ((this.#state === 'connecting' ? refusalOf(this.address, cause) : undefined) ??
          (await this.#options.describeLoss(cause)))
        : this.#goneAway(this.#goodbye);
    this.#end(reason, reason);
    return reason;
  }

  #end(reason: Error, told: Error | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    traceConnection('closed', this.address, told);
    this.session.end(reason, (sent) => lossOfCall(reason, sent));
    for (const { fail } of this.#pings.values()) fail(again(reason));
    this.#pings.clear();
    this.#updateBusy();
    this.#mint.clear();
    this.blocking.close();
    this.onEnd?.(told);
  }

  #updateBusy(): void {
    const busy =
      this.#state === 'connecting' ||
      (this.#state === 'open' && this.session.pendingCalls + this.#pings.size > 0);
    if (busy) this.#link?.ref();
    else if (this.#keepsAlive) this.#link?.ref();
    else this.#link?.unref();
    this.onBusy?.(busy);
  }

  #keepsAlive = false;

  /** Whether the open connection keeps the process alive, pending calls or not. */
  keepAlive(keep: boolean): void {
    this.#keepsAlive = keep;
    this.#updateBusy();
  }
}

/** The same error rejects what was asked for; here it would be told twice. */
function ignoreReported(): undefined {
  return undefined;
}

/** What a call rejects with that waits when the connection ends. `sent`: it may have reached the manager. */
function lossOfCall(reason: Error, sent: boolean): Error {
  if (reason instanceof UsageError) {
    const outcome = sent ? 'unknown' : 'not-sent'; // it was no mistake to make it
    return new ConnectionLostError(reason.message, { outcome });
  }
  return sent ? again(reason) : asNotSent(reason);
}
