// A client's connection to a manager: found or started on first use, proven by the handshake,
// then one session until it ends. It never comes back: the next use of a manager makes a new one.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ConnectionLostError,
  LimitError,
  ProtocolError,
  TimeoutError,
  UsageError,
  again,
  asNotSent,
  messageOf,
  rethrow,
} from '../base/errors';
import { type Limits } from '../base/limits';
import { Lease } from '../refs/lease';
import { RANGE_SIZE } from '../refs/objects';
import { lacksPort, parseAddress } from '../transport/address';
import { type ConnectingOptions, connect } from '../transport/connect';
import { FrameReader } from '../transport/frame-reader';
import { Outbox } from '../transport/outbox';
import { type Link } from '../transport/link';
import { HANDSHAKE_BYTES, SESSION_BYTES } from '../wire/auth';
import { type ControlFrame, type Frame } from '../wire/frames';
import { parseToken } from '../wire/token';
import { unpackValue } from '../wire/values';
import { Lane, type LaneOptions, tooSlow } from './lane';
import { PipeEnd } from '../transport/sync-pipe';
import { readFailure } from '../process/runtime-directory';
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
import { Mint, type Wish } from './mint';
import { type Translator } from './parties';
import { type CallRequest, type BlockingCall } from './outgoing';
import { type Blocker, type Minter, Session } from './session';

export interface ConnectionOptions extends Omit<Credentials, 'session'> {
  readonly limits: Limits;
  readonly translator: Translator;
  /** Whether instances of classes may be lent as arguments. */
  readonly lendsInstances: boolean;
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

/** How long a goodbye may take. */
const GOODBYE_MS = 100;
/** Before the link is tried again that a lane does without. */
const AGAIN_MS = 20;

export type ConnectionState = 'idle' | 'connecting' | 'open' | 'closed';

export class Connection implements Minter, Blocker {
  readonly session: Session;
  readonly #options: ConnectionOptions;
  #credentials: Credentials;
  readonly #outbox = new Outbox({ numbered: true });
  #state: ConnectionState = 'idle';
  #identity: Identity | undefined;
  #ticketKey: Buffer | undefined;
  /** Ranges for the numbers of what we create; the first is the session's name in tokens too. */
  #range = 0;
  #nextRange: number | undefined;
  #created = 0;
  #asksRange = false;
  #link: Link | undefined;
  /** For calls that block this thread. */
  #lane: Lane | undefined;
  /** One of our links was let in. */
  #isAdmitted = false;
  #opening: Promise<void> | undefined;
  #goodbye: string | undefined;
  /** Created before our range was known. */
  #unnumbered: Lease[] = [];
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
      canRelease: () => this.#isAdmitted,
      onControl: (frame, error) => {
        this.#onControl(frame, error);
      },
    });
    this.session.minter = this;
    this.session.blocker = this;
    this.session.onPending = () => {
      this.#updateBusy();
    };
    this.#mint = new Mint(options.limits.tickets, (frame) => {
      this.wake();
      this.session.control(frame);
      return this.#outbox;
    });
    this.#control = new Lease(this.session, { id: 0, typeid: 'manager' });
    if (options.ownerSecret !== undefined) {
      this.#ticketKey = options.ownerSecret;
      this.#range = OWNER_RANGE;
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
  manage(name: string, args: readonly unknown[] = [], signal?: AbortSignal): Promise<unknown> {
    this.wake();
    return this.session.call({ ...this.#managing(name, args), signal });
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
    if (this.#created === RANGE_SIZE - 1) this.#changeRange();
    const number = ++this.#created;
    if (number > RANGE_SIZE / 2) this.#askRange();
    if (this.#usesFirstRange) {
      const id = this.#range === 0 ? 0 : this.#range * RANGE_SIZE + number;
      const lease = new Lease(this.session, { id, relative: number, typeid, callable });
      if (id === 0) this.#unnumbered.push(lease);
      return lease;
    }
    return new Lease(this.session, {
      id: this.#creationRange * RANGE_SIZE + number,
      typeid,
      callable,
    });
  }

  #usesFirstRange = true;
  #creationRange = 0;

  #askRange(): void {
    if (this.#asksRange || this.#range === 0) return;
    this.#asksRange = true;
    void this.manage('newRange').then(
      (range) => {
        this.#nextRange = range as number;
      },
      (error: unknown) => {
        this.onWarning?.(error as Error);
      },
    );
  }

  #changeRange(): void {
    if (this.#nextRange === undefined) {
      throw new LimitError(
        'Cannot create another object: the manager has not given new numbers yet',
      );
    }
    this.#creationRange = this.#nextRange;
    this.#nextRange = undefined;
    this.#usesFirstRange = false;
    this.#asksRange = false;
    this.#created = 0;
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
    return this.#mint.token(lease, wish, { place, key: this.#ticketKey, minter: this.#range });
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
    const over = this.manage('claim', [text]).then(
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
    own?.move();
    lease.granted();
  }

  // ---- blocking --------------------------------------------------------------------------------

  callBlocking(request: CallRequest & { readonly target: Lease }): unknown {
    this.#requireWhole();
    if (lacksPort(this.address)) {
      throw new UsageError('Cannot block before the port is known: await manager.start() first', {
        code: 'ERR_REFERENT_NOT_CONNECTED',
      });
    }
    this.wake();
    const timeoutMs = request.timeoutMs ?? this.session.callTimeoutMs;
    const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : undefined;
    const call = this.session.openBlocking(request);
    if (!this.#claimHeld(deadline) || !this.#complete(call, deadline)) {
      this.session.giveUp(call);
      const text = `Call of "${request.name}" was not answered within ${String(timeoutMs)} ms`;
      throw new TimeoutError(text);
    }
    if (call.outcome?.kind !== 'throw') return call.outcome?.value;
    const { value } = call.outcome;
    throwHere(value);
  }

  post(request: CallRequest & { readonly target: Lease }): void {
    this.#requireWhole();
    this.session.openBlocking(request, (error) => {
      // With the connection all that was held is given up: that is no failure of a release.
      if (!(error instanceof ConnectionLostError)) this.onWarning?.(error as Error);
    });
    this.flushBlocking();
  }

  /** Half a message cannot be sent, and what blocks here would come before it. */
  #requireWhole(): void {
    if (!this.#outbox.isComposing) return;
    throw new UsageError(
      'Cannot block inside of another call: a getter of one of its arguments uses sync(); read the value before, and give that',
    );
  }

  /** What waits for a claim was sent before. False where the deadline passed before it could leave. */
  #claimHeld(deadline: number | undefined): boolean {
    return this.session.claimsHeld().every((lease) => this.#claimBlocking(lease, deadline));
  }

  #claimBlocking(lease: Lease, deadline: number | undefined): boolean {
    const { claim } = lease;
    if (claim === undefined) return true;
    const request = { ...this.#managing('claim', [claim.tokenText]), lane: true };
    const call = this.session.openBlocking(request);
    if (!this.#complete(call, deadline)) {
      this.session.giveUp(call);
      return false;
    }
    const { outcome } = call;
    if (outcome?.kind === 'return') this.#claimed(lease, outcome.value);
    else lease.refused(outcome?.value as Error);
    return true;
  }

  /** Blocks until the session is there: ids and tokens exist, and what waited is on its way. */
  openBlocking(): void {
    this.#requireWhole();
    this.wake();
    if (this.session.ended === undefined) this.flushBlocking();
    if (this.session.ended !== undefined) throw this.session.ended;
  }

  /** What waits to be sent is on its way when this returns. */
  flushBlocking(): void {
    try {
      (this.#lane ??= this.#openLane(undefined))?.send(this.#outbox);
    } catch (error) {
      this.#laneBroke(error);
    }
  }

  /** A call of the manager itself, blocking the thread. */
  manageBlocking(name: string, args: readonly unknown[] = []): unknown {
    return this.callBlocking({ ...this.#managing(name, args), lane: true });
  }

  /** False where the deadline passed before the answer came. */
  #complete(call: BlockingCall, deadline: number | undefined): boolean {
    try {
      while (call.outcome === undefined) {
        const lane = (this.#lane ??= this.#openLane(deadline));
        lane?.send(this.#outbox, deadline);
        if (lane?.receive(deadline) !== true) return false;
      }
    } catch (error) {
      this.#laneBroke(error);
    }
    return true;
  }

  /** The session ends with it: its calls have their outcome then. */
  #laneBroke(error: unknown): void {
    const reason = this.#goneFor(error);
    this.#end(reason, reason);
    this.#link?.destroy();
  }

  #openLane(deadline: number | undefined): Lane | undefined {
    const options: LaneOptions = {
      credentials: this.#credentials,
      limits: this.#options.limits,
      pid: this.#options.pid?.(),
      isServing: this.#isAdmitted,
      connecting: this.#options.connecting,
      receive: (buffer, start, end) => {
        this.session.receive(buffer, start, end, true);
      },
      admitted: (admission) => {
        this.#admitted(admission);
      },
    };
    return Lane.open(options, deadline);
  }

  /** A lane breaks with its manager. */
  #goneFor(error: unknown): Error {
    if (!(error instanceof PipeEnd)) return error as Error;
    this.#hearOut();
    const failure = readFailure(this.address);
    if (failure !== undefined) return unpackValue(failure) as Error;
    if (this.#goodbye !== undefined) return this.#goneAway(this.#goodbye);
    return this.#isAdmitted ? lossOf(this.address, error) : unreachable(this.address, error);
  }

  /** Who no longer reads may have said goodbye before. */
  #hearOut(): void {
    try {
      while (this.#lane?.receive(performance.now()) === true);
    } catch {
      return; // that was all
    }
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
    if (this.#outbox.hasLeft) return;
    try {
      this.#lane?.sendLast(this.#outbox, performance.now() + GOODBYE_MS);
    } catch (error) {
      if (!(error instanceof PipeEnd)) throw error; // the server is gone: it misses nobody
    }
  }

  // ---- making the session ----------------------------------------------------------------------

  async #open(): Promise<void> {
    this.#state = 'connecting';
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
    for (let attempt = 1; ; attempt++) {
      try {
        return connectLink === undefined
          ? await connect(parseAddress(address), this.#options.connecting)
          : await connectLink();
      } catch (error) {
        if (this.session.ended !== undefined) throw this.session.ended;
        if (await retry(error, attempt)) continue;
        if (this.#isAdmitted) throw await this.#options.describeLoss(error as Error);
        throw unreachable(address, error);
      }
    }
  }

  /**
   * Resolves when the link has its session; false where it closed before, and a lane has the session:
   * a thread that blocked meanwhile was too slow for the server.
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
      const shake = (message: Buffer): void => {
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
          else void this.#lost(cause).then(reject);
        },
      });
    });
  }

  /** The first of our links was let in: ids and tokens exist. A further one finds the same session. */
  #admitted({ identity, range, ticketKey }: Admission): void {
    this.#identity = identity;
    this.#isAdmitted = true;
    if (this.#range === 0) {
      this.#range = range;
      this.#ticketKey = ticketKey;
      for (const lease of this.#unnumbered) lease.number(this.#range * RANGE_SIZE + lease.relative);
      this.#unnumbered = [];
      this.session.numbered();
    } else if (this.#range !== range) {
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
    this.session.end(reason, (sent) => (sent ? again(reason) : asNotSent(reason)));
    for (const { fail } of this.#pings.values()) fail(again(reason));
    this.#pings.clear();
    this.#updateBusy();
    this.#mint.clear();
    this.#lane?.close();
    this.#lane = undefined;
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

/** The stack of whoever waits for it here; that of the other side stays in `remoteStack`. */
function throwHere(error: unknown): never {
  if (error instanceof Error) Error.captureStackTrace(error, throwHere);
  rethrow(error);
}

/** The same error rejects what was asked for; here it would be told twice. */
function ignoreReported(): undefined {
  return undefined;
}
