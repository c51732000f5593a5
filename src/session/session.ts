// One side of a conversation, the same on both sides; what differs is the party behind it. Frames
// come in and go to where they belong, what was released leaves along with the rest, and the end
// comes once.
//
// Rule 1: a reference table is walked when its frame arrives, in order; running may be deferred.
// Rule 2: frames keep program order; only answers may pass others.
// Rule 3: a fault of one call answers that call; a fault of the peer closes the session.

import { UsageError, asNotSent } from '../base/errors';
import { type Limits } from '../base/limits';
import { type Lease } from '../refs/lease';
import { type Link } from '../transport/link';
import { Outbox } from '../transport/outbox';
import {
  type ControlFrame,
  type Frame,
  readFrame,
  writeCancelHead,
  writeControl,
  writeOutcomeHead,
} from '../wire/frames';
import { Callee, type Wish } from './callee';
import { DEFAULT_SERIALIZER } from '../wire/serializers';
import { Caller } from './caller';
import { Dues } from './dues';
import { Exchange, numberOf } from './exchange';
import { type Exposure } from './exposure';
import { Incoming } from './incoming';
import {
  type BlockingCall,
  type CallRequest,
  type Fate,
  type OpenCall,
  Outgoing,
} from './outgoing';
import { type Outcome } from './outcome';
import { NO_TRUST, type Trust } from './passing';
import { type Party, type Purpose, type Translator } from './parties';
import { traceIn, traceOut } from './trace';

interface SessionOptions {
  readonly outbox: Outbox;
  readonly party: Party;
  readonly translator: Translator;
  readonly limits: Limits;
  /** For errors: what is on the other side. */
  readonly peer: string;
  /** Frames of the server or of the client alone; `error` of a failed creation. */
  readonly onControl: (
    frame: ControlFrame | Extract<Frame, { kind: 'failed' }>,
    error?: unknown,
  ) => void;
  /** Whether references can be given back yet: not before the handshake is over. */
  readonly canRelease: () => boolean;
  /** What may be reached of an object that this side knows. */
  readonly exposureOf?: (value: object) => Exposure | undefined;
  /** Whether objects of that type keep what they are given. */
  readonly isContainer?: (typeid: string) => boolean;
  /** Whether one function of the peer has one handle here. */
  readonly identifiesFunctions?: boolean;
  /** Whether errors tell the peer where they were thrown. Default true. */
  readonly sendsStacks?: boolean;
  /** What carries structured data that this side sends of its own accord. Default v8. */
  readonly serializer?: string;
  /** Whether data of v8 is taken from the peer. Default true. */
  readonly takesV8?: boolean;
  /** Whose code is taken. Default: nobody's. */
  readonly trust?: Trust;
}

/** Makes tokens for what a session holds. A client's session has one; a server's cannot. */
export interface Minter {
  readonly identity: { readonly manager: string } | undefined;
  mint(lease: Lease, wish: Wish): string;
  claim(text: string): { readonly lease: Lease };
  /** For a new object, numbered by us. */
  lease(typeid: string): Lease;
  /** Resolves when the manager has handled all that was sent till now. */
  confirm(): Promise<unknown>;
}

/** Blocks the thread until a call is answered. A client's session has one; a server's cannot. */
export interface Blocker {
  callBlocking(request: CallRequest & { readonly target: Lease }): unknown;
  /** On its way when this returns; what goes wrong with it is a warning. */
  post(request: CallRequest & { readonly target: Lease }): void;
}

export class Session extends Callee {
  readonly outbox: Outbox;
  readonly peer: string;
  /** The peer, as the objects that it calls see it. */
  readonly caller: Caller;
  readonly #limits: Limits;
  readonly #party: Party;
  readonly #exchange: Exchange;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  /** What the peer is told along with the rest. */
  readonly #dues: Dues;
  readonly #onControl: SessionOptions['onControl'];
  readonly #canRelease: () => boolean;
  /** Beside the link, where the peer has a thread that blocks. */
  #lane: Outbox | undefined;

  /** Why the session has ended; undefined while it lives. */
  #ended: Error | undefined;
  readonly #endListeners = new Set<(reason: Error) => void>();

  minter: Minter | undefined;
  blocker: Blocker | undefined;
  /** A call that fails and that nobody awaits is a warning; else it is an unhandled rejection. */
  reportsFailures = false;
  /** Whether calls wait for an answer: with the first one, and after the last. */
  onPending: ((pending: boolean) => void) | undefined;

  constructor(options: SessionOptions) {
    super();
    const { outbox, party, translator, limits } = options;
    this.outbox = outbox;
    this.peer = options.peer;
    this.#party = party;
    this.#limits = limits;
    this.#onControl = options.onControl;
    this.#canRelease = options.canRelease;
    const exchange = new Exchange({
      party,
      translator,
      limits,
      lessor: this,
      identifiesFunctions: options.identifiesFunctions ?? false,
      sendsStacks: options.sendsStacks ?? true,
      serializer: options.serializer ?? DEFAULT_SERIALIZER,
      takesV8: options.takesV8 ?? true,
    });
    this.#exchange = exchange;
    this.#dues = new Dues(outbox, {
      canRelease: options.canRelease,
      send: (frame) => {
        this.control(frame);
      },
      freed: (callId) => {
        this.#outgoing.free(callId);
      },
    });
    this.#outgoing = new Outgoing({
      // A peer whose thread is blocked hears nothing but its lane.
      outbox: () => (this.#incoming.hasLaneCalls ? (this.#lane ?? outbox) : outbox),
      exchange,
      ended: () => (this.#ended === undefined ? undefined : asNotSent(this.#ended)),
      beforeCall: () => {
        this.#dues.payUrgent();
      },
      sendCancel: (callId, reason) => {
        this.#sendCancel(callId, reason);
      },
      onPending: (pending) => this.onPending?.(pending),
    });
    this.caller = new Caller(limits.waiters);
    this.#incoming = new Incoming({
      outbox,
      lane: () => this.#lane,
      caller: this.caller,
      exchange,
      limits,
      ended: () => this.#ended !== undefined,
      tellFailure: (id, error) => {
        this.sendFailed(id, error);
      },
      exposureOf: options.exposureOf ?? (() => undefined),
      isContainer: options.isContainer ?? (() => false),
      trust: options.trust ?? NO_TRUST,
    });
    outbox.onFlush = () => {
      this.beforeFlush?.();
      if (this.#ended === undefined) this.#dues.pay();
    };
    this.#traceWhatLeaves(outbox);
  }

  get ended(): Error | undefined {
    return this.#ended;
  }
  /** `listener` runs once, with the end of the session; not after what is answered was called. */
  whenEnded(listener: (reason: Error) => void): () => void {
    if (this.#ended === undefined) this.#endListeners.add(listener);
    else listener(this.#ended);
    return () => this.#endListeners.delete(listener);
  }
  /** Whether it ever was there: an end before was no loss. */
  get wasOpen(): boolean {
    return this.#canRelease();
  }
  /** Calls of this side that wait for an answer. */
  get pendingCalls(): number {
    return this.#outgoing.count;
  }
  /** Calls of the peer that run, those that wait for a lock or an item not among them. */
  get runningCalls(): number {
    return this.#incoming.running;
  }
  /** All calls of the peer so far. */
  get callsIn(): number {
    return this.#incoming.total;
  }
  /** How long a token in JSON keeps its referent alive. */
  get ticketMs(): number {
    return this.#limits.ticketMs;
  }
  /** The manager on the other side; undefined while it is not known. */
  get managerId(): string | undefined {
    return this.minter?.identity?.manager;
  }
  /** How long a call may take where its handle says nothing; 0: without end. */
  set callTimeoutMs(timeoutMs: number) {
    this.#outgoing.timeoutMs = timeoutMs;
  }
  get callTimeoutMs(): number {
    return this.#outgoing.timeoutMs;
  }
  /** Whether plain values that are read from shared containers are frozen here. */
  get freezes(): boolean {
    return this.#outgoing.freezes;
  }
  set freezes(freezes: boolean) {
    this.#outgoing.freezes = freezes;
  }

  // ---- calls -----------------------------------------------------------------------------------

  /** Sends a call and resolves with what it answers. Throws nothing: what is wrong here rejects. */
  call(request: CallRequest): Promise<unknown> {
    return this.#outgoing.open(request).promise;
  }

  /** The same, blocking the thread. Throws what the call throws. */
  callBlocking(request: CallRequest & { readonly target: Lease }): unknown {
    return this.#requireBlocker().callBlocking(request);
  }

  /** The same without its answer: on its way when this returns, before whatever comes next. */
  post(request: CallRequest & { readonly target: Lease }): void {
    this.#requireBlocker().post(request);
  }

  #requireBlocker(): Blocker {
    if (this.blocker !== undefined) return this.blocker;
    throw new UsageError(
      'sync() works on proxies of a manager, not on functions and objects of its clients: await those',
    );
  }

  /** A call for whose answer the thread is about to block: for the blocker. */
  openBlocking(request: CallRequest & { readonly target: Lease }): BlockingCall {
    return this.#outgoing.openBlocking(request);
  }

  /** A call of which nobody needs the answer: for the blocker. */
  sendPosted(request: CallRequest & { readonly target: Lease }): void {
    this.#outgoing.post(request);
  }

  giveUp(call: BlockingCall, reason: unknown): void {
    this.#outgoing.giveUp(call, reason);
  }

  claimsHeld(): readonly Lease[] {
    return this.#outgoing.claimsHeld();
  }

  /** The same, and the call can be named by further ones in this tick. */
  open(request: CallRequest): OpenCall {
    const call = this.#outgoing.open(request);
    if (this.reportsFailures)
      call.promise.catch((error: unknown) => this.onWarning?.(error as Error));
    return call;
  }

  /**
   * A new object in the manager, numbered by us, or what an object `typeid` gives hold of. Throws what
   * is wrong with the arguments.
   */
  create(lease: Lease, args: readonly unknown[], purpose: Purpose, typeid = lease.typeid): void {
    this.#outgoing.create(lease, { typeid, args, purpose });
  }

  make(typeid: string, args: readonly unknown[]): Lease {
    if (this.minter === undefined)
      throw new UsageError('Only a client of a manager can make objects in it');
    const lease = this.minter.lease(typeid);
    this.create(lease, args, 'argument');
    return lease;
  }

  /** Changes the fate of a call's outcome; false where the call has left already. */
  patch(call: OpenCall, fate: Fate): boolean {
    return this.#outgoing.patch(call, fate);
  }

  /** The answer of that call is named no more. `replied`: it also came back to this side. */
  forget(callId: number, replied: boolean): void {
    if (this.#ended !== undefined) return;
    this.#dues.forget(callId, replied);
  }

  // ---- links -----------------------------------------------------------------------------------

  /** Writes what waits. */
  flush(): void {
    this.outbox.flush();
    this.#lane?.flush();
  }

  /** The peer has a thread that blocks for its calls: their answers, and calls for it, go that way. */
  openLane(link: Link): void {
    const lane = new Outbox();
    lane.onFlush = () => this.beforeFlush?.();
    this.#traceWhatLeaves(lane);
    lane.open(link);
    this.#lane = lane;
  }

  #traceWhatLeaves(outbox: Outbox): void {
    outbox.onTraced = (writer, start) => {
      traceOut(this.peer, writer, start);
    };
  }

  /** Whether the peer has a thread that may block. */
  get hasLane(): boolean {
    return this.#lane !== undefined;
  }

  closeLane(): void {
    this.#lane?.close();
    this.#lane = undefined;
  }

  /** The same frame to whoever still listens: a blocked thread hears its lane only. */
  announce(frame: ControlFrame): void {
    this.control(frame);
    if (this.#ended !== undefined) return;
    this.#lane?.send((writer) => {
      writeControl(writer, frame);
    }, false);
  }

  // ---- calls of the peer -----------------------------------------------------------------------

  /** Starts calls of the peer that waited for room. */
  resume(): void {
    this.#incoming.resume();
  }

  /** Sends a frame that carries no values. Pings and goodbyes pass others, the rest keeps its order. */
  control(frame: ControlFrame): void {
    if (this.#ended !== undefined) return;
    const passes = frame.kind === 'ping' || frame.kind === 'pong' || frame.kind === 'goaway';
    this.outbox.send((writer) => {
      writeControl(writer, frame);
    }, !passes);
  }

  #sendCancel(callId: number, reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.outbox.send((writer) => {
      writeCancelHead(writer, callId);
      this.#exchange.writeReason(writer, reason);
    }, true);
  }

  /** Tells the peer that an object it created could not be made. */
  sendFailed(id: number, error: unknown): void {
    if (this.#ended !== undefined) return;
    this.outbox.send((writer) => {
      writeOutcomeHead(writer, 'failed', id);
      this.#exchange.writeValue(writer, error, 'result', this.#exchange.serializer);
    }, true);
  }

  /** Resolves when the peer has handled all that was sent till now. */
  async confirm(): Promise<void> {
    await this.minter?.confirm();
  }

  // ---- references ------------------------------------------------------------------------------

  mint(lease: Lease, wish: Wish): string | undefined {
    return this.minter?.mint(lease, wish);
  }

  /** Another lease of what `lease` holds. */
  duplicate(lease: Lease): Lease {
    if (lease.failure !== undefined) return failedCopy(lease, lease.failure);
    requireHeld(lease);
    if (lease.claim !== undefined && this.minter !== undefined) {
      return this.minter.claim(lease.claim.tokenText).lease;
    }
    this.control({ kind: 'dup', ...numberOf(lease) });
    return lease.copy();
  }

  giveBack(lease: Lease, explicit: boolean): void {
    if (this.#ended !== undefined) return;
    if (lease.id !== 0 && lease.callable) this.#exchange.forgetFunction(lease.id);
    this.#dues.giveBack(lease, explicit);
  }

  /** The session has its range: leases have their numbers. */
  numbered(): void {
    for (const lease of this.#dues.takeUnnumbered()) this.giveBack(lease, false);
  }

  // ---- frames in -------------------------------------------------------------------------------

  /** Takes one message; `isBlocked`: a call in it must be answered at once. Throws `ProtocolError` where the peer broke the rules. */
  receive(buffer: Buffer, start: number, end: number, isBlocked = false): void {
    const frame = readFrame(buffer, start, end);
    traceIn(this.peer, frame);
    switch (frame.kind) {
      case 'return':
      case 'throw':
        this.#outgoing.settle(frame.callId, this.#outcomeOf(frame));
        return;
      case 'deliver': {
        const { callId } = frame;
        // Before the number can be used again, and behind whatever the caller does with it at once.
        const received = this.#outgoing.settle(callId, this.#outcomeOf(frame));
        this.#dues.confirm(callId, received);
        return;
      }
      case 'got':
        this.#incoming.confirmed(frame.callId, frame.received);
        return;
      case 'call':
        this.#incoming.receive(frame, isBlocked);
        return;
      case 'create':
        this.#incoming.create(frame);
        return;
      case 'failed':
        this.#onControl(frame, this.#exchange.readValue(frame.body, []));
        return;
      case 'release':
        for (const [id, count] of frame.counts) this.#party.released(id, count);
        return;
      case 'forget':
        this.#incoming.forget(frame.callIds);
        return;
      case 'speak':
        this.#exchange.adopt(frame.serializer);
        return;
      case 'cancel':
        this.#incoming.cancel(frame.callId, frame.body);
        return;
      case 'mint':
        this.#party.mint(frame);
        return;
      case 'dup':
        this.#party.duplicate(frame.id, frame.relative);
        return;
      default:
        this.#onControl(frame);
    }
  }

  /** An answer that cannot be read fails its call; its references were counted before. */
  #outcomeOf(frame: Extract<Frame, { kind: 'return' | 'deliver' | 'throw' }>): Outcome {
    const { self, isBlocking } = this.#outgoing.callerOf(frame.callId);
    const { readPath } = this.#incoming;
    try {
      const values = this.#exchange.walk(frame.references, [], { self, isBlocking, readPath });
      const value = this.#exchange.readValue(frame.body, values);
      return { kind: frame.kind === 'throw' ? 'throw' : 'return', value };
    } catch (error) {
      return { kind: 'throw', value: error };
    }
  }

  // ---- the end ---------------------------------------------------------------------------------

  /**
   * Once: rejects what waits, aborts what runs, gives nothing back any more. `lossOf` makes the
   * error of a pending call; `sent` tells whether the call may have reached the peer.
   */
  end(reason: Error, lossOf: (sent: boolean) => unknown = () => reason): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#outgoing.end(lossOf);
    this.outbox.close();
    this.closeLane();
    this.#incoming.end(reason);
    this.#dues.cancel();
    for (const listener of this.#endListeners) listener(reason);
    this.#endListeners.clear();
  }
}

/** Whatever is called through it fails in the same way: its options may say what to do then. */
function failedCopy(lease: Lease, failure: Error): Lease {
  const copy = lease.copy();
  copy.refused(failure);
  return copy;
}

function requireHeld(lease: Lease): void {
  if (!lease.released) return;
  throw new UsageError(`Cannot take another proxy of '${lease.typeid}': the proxy was released`, {
    code: 'ERR_REFERENT_RELEASED',
  });
}
