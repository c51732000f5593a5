// One side of a conversation: calls out and their answers, calls in and their outcomes, and the
// references that travel with both. The same on both sides; what differs is the party behind it.
//
// Rule 1: a reference table is walked when its frame arrives, in order; running may be deferred.
// Rule 2: frames keep program order; only answers may pass others.
// Rule 3: a fault of one call answers that call; a fault of the peer closes the session.

import {
  LimitError,
  ObjectGoneError,
  ProtocolError,
  RemoteError,
  SerializationError,
  TimeoutError,
  UsageError,
  messageOf,
  rethrow,
} from '../base/errors';
import { type Limits } from '../base/limits';
import { Lease, type Lessor } from '../refs/lease';
import type { ByteReader } from '../wire/bytes';
import { ByteWriter } from '../wire/bytes';
import {
  type CallHead,
  type ControlFrame,
  type Frame,
  type Operation,
  type Returns,
  patchCallFlags,
  readFrame,
  writeCallHead,
  writeControl,
  writeCreateHead,
  writeOutcomeHead,
} from '../wire/frames';
import { isData, kindOf } from '../wire/plain';
import { type Reference, type Target, writeReferences } from '../wire/references';
import { ValueEncoder, decodeValue } from '../wire/values';
import { type Outbox, type Place } from '../transport/framing';
import { Calls, type PendingCall } from './calls';
import { RunningCall, runAs } from './current-call';
import { type Exposure, follow, perform } from './exposure';
import { type Party, type Purpose, type Translator } from './parties';

/** Releases leave at the latest after this, or with the next frame. */
const RELEASE_DELAY_MS = 20;
const RELEASE_BATCH = 256;
/** Calls of one session that wait to run: more bytes than these are refused. */
const WAITING_CALLS = 65_536;

export interface CallRequest {
  readonly target: Lease | Answer;
  readonly operation: Operation;
  readonly path: readonly string[];
  readonly name: string;
  readonly args: readonly unknown[];
  readonly purpose: Purpose;
  readonly returns?: Returns | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Kept alive until the answer. */
  readonly held?: unknown;
}

/** Makes tokens for what a session holds. */
export interface Minter {
  readonly address: string;
  readonly identity: { readonly manager: string } | undefined;
  /** Resolves when the manager has handled all that was sent till now. */
  confirm(): Promise<unknown>;
  claim(text: string): { readonly lease: Lease };
  mint(lease: Lease, ticket: { readonly uses: number; readonly ttlMs: number }): string;
}

/** The answer to a call that was made, as a target for further calls. */
export interface Answer {
  readonly callId: number;
  /** The lease at the beginning of the chain. */
  readonly root: Lease;
}

/** A call that leaves with the tick: what becomes of its outcome can still be decided. */
export interface OpenCall extends Answer {
  readonly promise: Promise<unknown>;
  /** Undefined once it has left. */
  place: Place | undefined;
}

/** What a call is for. */
interface Source {
  readonly value: unknown;
  readonly exposure: Exposure | undefined;
  /** Where it is not there yet: gives the value. */
  readonly then?: Promise<unknown>;
}

interface Outcome {
  readonly kind: 'return' | 'throw';
  readonly value: unknown;
}

interface SessionOptions {
  readonly outbox: Outbox;
  readonly party: Party;
  readonly translator: Translator;
  readonly limits: Limits;
  /** Frames that are not calls: of the server or of the client alone. */
  readonly onControl: (
    frame: ControlFrame | Extract<Frame, { kind: 'failed' }>,
    error?: unknown,
  ) => void;
  /** For errors: what is on the other side. */
  readonly peer: string;
  /** Whether references can be given back yet: not before the handshake is over. */
  readonly sendsReleases: () => boolean;
}

export class Session implements Lessor {
  readonly outbox: Outbox;
  readonly peer: string;
  readonly #party: Party;
  readonly #translator: Translator;
  readonly #limits: Limits;
  readonly #onControl: SessionOptions['onControl'];
  readonly #sendsReleases: () => boolean;

  /** Why the session has ended; undefined while it lives. */
  #ended: Error | undefined;
  readonly #calls = new Calls();
  /** What we give back with the next write: number to count. */
  readonly #releases = new Map<number, number>();
  #releaseTimer: NodeJS.Timeout | undefined;
  /** Something was released by hand: that goes before the next call, as it stands in the program. */
  #releasesFirst = false;
  readonly #forgotten: number[] = [];

  /** Calls of the peer that have not answered, by number. */
  readonly #running = new Map<number, RunningCall>();
  /** Outcomes that the peer may still name. */
  readonly #answers = new Map<number, Outcome | Promise<Outcome>>();
  /** By target, the last call that waits: later ones for it wait behind. */
  readonly #tails = new Map<unknown, Promise<void>>();
  /** Calls that wait because too many run or too much is unsent. */
  readonly #waiting: (() => void)[] = [];
  #callsIn = 0;

  constructor(options: SessionOptions) {
    this.outbox = options.outbox;
    this.peer = options.peer;
    this.#party = options.party;
    this.#translator = options.translator;
    this.#limits = options.limits;
    this.#onControl = options.onControl;
    this.#sendsReleases = options.sendsReleases;
    this.outbox.onFlush = () => {
      this.#flushing();
    };
  }

  /** Calls that wait for an answer. */
  get pendingCalls(): number {
    return this.#calls.count;
  }
  /** Calls of the peer that run. */
  get runningCalls(): number {
    return this.#running.size;
  }
  /** Calls of the peer so far. */
  get callsIn(): number {
    return this.#callsIn;
  }
  get ended(): Error | undefined {
    return this.#ended;
  }
  /** Runs when the last pending call is settled, and when the first one is made. */
  onPending: ((pending: boolean) => void) | undefined;
  /** Runs before each flush: lazy chains decide what they want of their answers. */
  beforeFlush: (() => void) | undefined;

  // ---- calls out -------------------------------------------------------------------------------

  /** Sends a call and resolves with what it answers. Throws nothing: what is wrong here rejects. */
  call(request: CallRequest): Promise<unknown> {
    return this.open(request).promise;
  }

  /** The same, and the call can be named by further ones in this tick. */
  open(request: CallRequest): OpenCall {
    const root = request.target instanceof Lease ? request.target : request.target.root;
    const refused = this.#refusal(request, root);
    if (refused !== undefined) return failedCall(root, refused);
    let pending: PendingCall | undefined;
    const promise = new Promise<unknown>((resolve, reject) => {
      pending = {
        resolve,
        reject,
        held: request,
        what: request.name,
        place: undefined,
        abandoned: false,
        cleanup: undefined,
        returns: request.returns ?? 'auto',
      };
    });
    if (pending === undefined) throw new Error('unreachable: a promise runs its executor at once');
    const callId = this.#calls.add(pending);
    if (this.#calls.count === 1) this.onPending?.(true);
    let place: Place | undefined;
    try {
      place = pending.place = this.#sendCall(callId, request, root);
    } catch (error) {
      this.#calls.take(callId);
      this.#idle();
      pending.reject(error);
      return { callId, root, promise, place: undefined };
    }
    const timeoutMs = request.timeoutMs ?? this.callTimeoutMs;
    if (timeoutMs > 0) this.#startTimer(callId, pending, timeoutMs);
    if (request.signal !== undefined) this.#watchSignal(callId, pending, request.signal);
    return { callId, root, promise, place };
  }

  #refusal(request: CallRequest, root: Lease): unknown {
    if (this.#ended !== undefined) return this.#endedError();
    if (root.failure !== undefined) return root.failure;
    if (root.released) {
      return new UsageError(
        `Cannot call "${request.name}" of '${root.typeid}': the proxy was released`,
        {
          code: 'ERR_REFERENT_RELEASED',
        },
      );
    }
    return request.signal?.aborted === true ? request.signal.reason : undefined;
  }

  #endedError(): Error {
    const error = this.#ended ?? new ObjectGoneError('The session has ended');
    return error;
  }

  #sendCall(callId: number, request: CallRequest, root: Lease): Place | undefined {
    if (this.#releasesFirst) this.#sendReleases();
    const head: CallHead = {
      callId,
      target: this.#targetOf(request.target),
      operation: request.operation,
      path: request.path,
      name: request.name,
      returns: request.returns ?? 'auto',
      reply: true,
      keep: false,
    };
    const claims: Promise<unknown>[] = [];
    if (root.claim !== undefined) claims.push(root.claim.over);
    const mustWait = root.claim !== undefined || this.#tails.has(root);
    let message: Buffer | undefined;
    const compose = (writer: ByteWriter): void => {
      const start = writer.length;
      writeCallHead(writer, head);
      this.#writeArguments(writer, request.args, request.purpose, claims);
      if (!mustWait && claims.length === 0) return;
      message = Buffer.from(writer.bytes.subarray(start));
      throw new NotYet();
    };
    try {
      return this.outbox.send(compose, true);
    } catch (error) {
      if (!(error instanceof NotYet) || message === undefined) throw error;
    }
    const held = message;
    this.#hold(root, claims, () => {
      const claimFailure = root.failure;
      if (claimFailure !== undefined) {
        this.#settle(callId, { kind: 'throw', value: claimFailure });
        return;
      }
      this.outbox.send((writer) => {
        writer.raw(held);
      }, true);
    });
    return undefined;
  }

  #targetOf(target: Lease | Answer): Target {
    if (!(target instanceof Lease)) return { kind: 'answer', callId: target.callId };
    const relative = target.relative > 0;
    return { kind: 'object', id: relative ? target.relative : target.id, relative };
  }

  /** Runs `then` when the claims are over, behind what waits for the same target already. */
  #hold(key: unknown, needs: readonly Promise<unknown>[], then: () => void): void {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const tail = before
      .then(() => Promise.allSettled(needs))
      .then(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
        if (this.#ended === undefined) then();
      });
    this.#tails.set(key, tail);
  }

  /** A new object in the manager, numbered by us. Throws what is wrong with the arguments. */
  create(lease: Lease, args: readonly unknown[], purpose: Purpose): void {
    if (this.#ended !== undefined) throw this.#endedError();
    const claims: Promise<unknown>[] = [];
    const compose = (writer: ByteWriter): void => {
      writeCreateHead(
        writer,
        lease.relative > 0 ? lease.relative * 2 + 1 : lease.id * 2,
        lease.typeid,
      );
      this.#writeArguments(writer, args, purpose, claims);
    };
    this.outbox.send(compose, true);
  }

  #writeArguments(
    writer: ByteWriter,
    args: readonly unknown[],
    purpose: Purpose,
    claims: Promise<unknown>[],
  ): void {
    const references = new References(this, purpose, claims);
    const tableAt = writer.length;
    writer.u8(0);
    writer.varint(args.length);
    const encoder = new ValueEncoder(writer, references.of, this.#limits);
    try {
      for (let i = 0; i < args.length; i++) encoder.encode(args[i], `argument ${String(i + 1)}`);
    } catch (error) {
      references.takeBack();
      throw error;
    }
    references.insert(writer, tableAt);
  }

  /** For `References`: what stands for `value` in a frame of this session. */
  referenceTo(
    value: object,
    path: string,
    purpose: Purpose,
    claims: Promise<unknown>[],
  ): Reference {
    const lease = this.#translator.leaseOf(value);
    if (lease !== undefined) return this.#referenceToLease(lease, value, path, purpose, claims);
    const member = this.#translator.pathOf(value);
    if (member !== undefined) {
      if (member.session !== this) {
        throw new SerializationError(
          `Cannot send ${path}: a member of another manager's object; await it first`,
        );
      }
      if (member.held?.claim !== undefined) claims.push(member.held.claim.over);
      return { kind: 'path', target: member.target, path: member.path };
    }
    return { kind: 'lent', ...this.#party.lend(value, path, purpose) };
  }

  #referenceToLease(
    lease: Lease,
    value: object,
    path: string,
    purpose: Purpose,
    claims: Promise<unknown>[],
  ): Reference {
    if (lease.released) {
      throw new UsageError(`Cannot send ${path}: the proxy was released`, {
        code: 'ERR_REFERENT_RELEASED',
      });
    }
    if (lease.failure !== undefined) throw lease.failure;
    if (lease.lessor === this) {
      if (lease.claim !== undefined) claims.push(lease.claim.over);
      const relative = lease.relative > 0;
      return { kind: 'own', id: relative ? lease.relative : lease.id, relative };
    }
    const text = this.#translator.onceToken(lease);
    return text === undefined
      ? { kind: 'lent', ...this.#party.lend(value, path, purpose) }
      : { kind: 'token', text };
  }

  /** Lent for a frame that was not sent after all. */
  takeBack(reference: Reference): void {
    if (reference.kind === 'lent') this.#party.released(reference.id, 1);
  }

  /** Changes what becomes of a call's outcome, while the call has not left. */
  patch(call: OpenCall, outcome: { readonly reply: boolean; readonly keep: boolean }): boolean {
    const batch = call.place === undefined ? undefined : this.outbox.batchAt(call.place);
    if (batch === undefined || call.place === undefined) return false;
    patchCallFlags(batch, call.place.at + 1, outcome); // behind the kind of the frame
    if (!outcome.reply) this.#calls.take(call.callId, true);
    this.#idle();
    return true;
  }

  /** The answer of that call is named no more. */
  forget(callId: number, replied: boolean): void {
    if (this.#ended !== undefined) return;
    this.#forgotten.push(callId);
    if (!replied) this.#calls.free(callId);
    this.#startReleaseTimer();
  }

  cancel(callId: number, error: unknown): void {
    const pending = this.#calls.get(callId);
    if (pending === undefined || pending.abandoned) return;
    pending.abandoned = true;
    pending.cleanup?.();
    pending.reject(error);
    this.control({ kind: 'cancel', callId });
  }

  #startTimer(callId: number, pending: PendingCall, timeoutMs: number): void {
    const timer = setTimeout(() => {
      const text = `Call of "${pending.what}" was not answered within ${String(timeoutMs)} ms`;
      this.cancel(callId, new TimeoutError(text));
    }, timeoutMs);
    pending.cleanup = () => {
      clearTimeout(timer);
    };
  }

  #watchSignal(callId: number, pending: PendingCall, signal: AbortSignal): void {
    const abort = (): void => {
      this.cancel(callId, signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    const before = pending.cleanup;
    pending.cleanup = () => {
      before?.();
      signal.removeEventListener('abort', abort);
    };
  }

  /** Sends a frame that carries no values. Answers pass others, the rest keeps its order. */
  control(frame: ControlFrame): void {
    if (this.#ended !== undefined) return;
    const ordered = frame.kind !== 'ping' && frame.kind !== 'pong' && frame.kind !== 'goaway';
    this.outbox.send((writer) => {
      writeControl(writer, frame);
    }, ordered);
  }

  /** Another lease of what `lease` holds. */
  duplicate(lease: Lease): Lease {
    const { id, typeid, callable } = lease;
    if (lease.claim !== undefined && this.minter !== undefined) {
      return this.minter.claim(lease.claim.tokenText).lease;
    }
    if (id === 0)
      throw new UsageError('The proxy has no number yet: await manager.start() first', {
        code: 'ERR_REFERENT_NOT_CONNECTED',
      });
    const copy = new Lease(this, { id, typeid, callable });
    this.control({ kind: 'dup', id });
    return copy;
  }

  /** Resolves when the peer has handled all that was sent till now. */
  confirm(): Promise<unknown> {
    return this.minter?.confirm() ?? Promise.resolve();
  }

  /** The manager on the other side; undefined while it is not known. */
  get managerId(): string | undefined {
    return this.minter?.identity?.manager;
  }

  // ---- giving back -----------------------------------------------------------------------------

  giveBack(lease: Lease, explicit: boolean): void {
    if (this.#ended !== undefined) return;
    this.#giveBack(lease, explicit);
  }

  #giveBack(lease: Lease, explicit: boolean): void {
    if (lease.id === 0) {
      this.#unnumbered.push(lease);
      return;
    }
    const count = (this.#releases.get(lease.id) ?? 0) + 1;
    this.#releases.set(lease.id, count);
    if (explicit) {
      this.#releasesFirst = true;
      this.outbox.schedule();
    } else if (this.#releases.size >= RELEASE_BATCH) this.outbox.flush();
    else this.#startReleaseTimer();
  }

  /** Given back before they had a number. */
  #unnumbered: Lease[] = [];

  /** The session has its range: leases have their numbers. */
  numbered(): void {
    for (const lease of this.#unnumbered.splice(0)) this.#giveBack(lease, false);
  }

  #startReleaseTimer(): void {
    this.#releaseTimer ??= setTimeout(() => {
      this.#releaseTimer = undefined;
      this.outbox.flush();
    }, RELEASE_DELAY_MS).unref();
  }

  /** What goes along with every write, behind the rest of it. */
  #flushing(): void {
    this.beforeFlush?.();
    if (this.#ended !== undefined) return;
    if (this.#forgotten.length > 0)
      this.control({ kind: 'forget', callIds: this.#forgotten.splice(0) });
    this.#sendReleases();
  }

  #sendReleases(): void {
    this.#releasesFirst = false;
    if (this.#releases.size === 0 || !this.#sendsReleases()) return;
    const counts = [...this.#releases];
    this.#releases.clear();
    this.control({ kind: 'release', counts });
  }

  // ---- frames in -------------------------------------------------------------------------------

  /** Takes one message. Throws `ProtocolError` where the peer broke the rules. */
  receive(buffer: Buffer, start: number, end: number): void {
    const frame = readFrame(buffer, start, end);
    switch (frame.kind) {
      case 'return':
      case 'throw':
        return this.#onOutcome(frame);
      case 'call':
        return this.#onCall(frame);
      case 'create':
        return this.#onCreate(frame);
      case 'failed':
        return this.#onControl(frame, this.#decodeOne(frame));
      case 'release':
        for (const [id, count] of frame.counts) this.#party.released(id, count);
        return;
      case 'forget':
        for (const callId of frame.callIds) this.#answers.delete(callId);
        return;
      case 'cancel':
        this.#running
          .get(frame.callId)
          ?.abort(new DOMException('The caller gave up', 'AbortError'));
        return;
      case 'mint':
        return this.#party.mint(frame);
      case 'dup':
        return this.#party.duplicate(frame.id);
      default:
        return this.#onControl(frame);
    }
  }

  #onOutcome(frame: Extract<Frame, { kind: 'return' | 'throw' }>): void {
    const pending = this.#calls.get(frame.callId);
    if (pending === undefined) {
      throw new ProtocolError(`Answer to call ${String(frame.callId)}, which nobody made`);
    }
    let outcome: Outcome;
    try {
      outcome = { kind: frame.kind, value: this.#decodeOne(frame, pending) };
    } catch (error) {
      outcome = { kind: 'throw', value: error };
    }
    this.#settle(frame.callId, outcome);
  }

  #settle(callId: number, outcome: Outcome): void {
    const pending = this.#calls.take(callId);
    if (pending === undefined) return;
    pending.cleanup?.();
    if (pending.abandoned) abandon(outcome.value, this.#translator);
    else if (outcome.kind === 'return') pending.resolve(outcome.value);
    else pending.reject(outcome.value);
    this.#idle();
  }

  #idle(): void {
    if (this.#calls.count === 0) this.onPending?.(false);
  }

  /** Handles for the references of a frame, in their order. */
  #walk(references: readonly Reference[], needs: Promise<unknown>[], self?: object): unknown[] {
    return references.map((reference) => {
      switch (reference.kind) {
        case 'own': {
          const { referent, ready, failure } = this.#party.subject(
            reference.id,
            reference.relative,
          );
          if (ready !== undefined) {
            needs.push(ready);
            return new Awaited(
              () => this.#party.subject(reference.id, reference.relative).referent,
            );
          }
          if (failure !== undefined) rethrow(failure);
          return referent;
        }
        case 'lent':
          return this.#adopt(reference, self);
        case 'token': {
          const opened = this.#translator.open(reference.text);
          if (opened.claim !== undefined) needs.push(opened.claim);
          return opened.value;
        }
        case 'path':
          return this.#readPath(reference, needs);
      }
    });
  }

  /** A call that answers its own object gives the same handle back. */
  #adopt(reference: Extract<Reference, { kind: 'lent' }>, self: object | undefined): object {
    const lease = new Lease(this, reference);
    const own = self === undefined ? undefined : this.#translator.leaseOf(self);
    if (self !== undefined && own?.id === reference.id && !own.released) {
      lease.release(false);
      return self;
    }
    return this.#translator.adopt(lease);
  }

  #readPath(reference: Extract<Reference, { kind: 'path' }>, needs: Promise<unknown>[]): unknown {
    const source = this.#sourceOf(reference.target);
    const value =
      source.then === undefined ? follow(source.value, reference.path, source.exposure) : undefined;
    if (source.then === undefined) {
      if (!(value instanceof Promise)) return value;
      return this.#later(value, needs);
    }
    return this.#later(
      source.then.then((landed) => follow(landed, reference.path, source.exposure)),
      needs,
    );
  }

  #later(value: Promise<unknown>, needs: Promise<unknown>[]): Awaited {
    let result: unknown;
    needs.push(value.then((landed) => (result = landed)));
    return new Awaited(() => result);
  }

  /** What a call is for; `then` where it is not there yet. */
  #sourceOf(target: Target): Source {
    if (target.kind === 'object') {
      const { referent, exposure, ready, failure } = this.#party.subject(
        target.id,
        target.relative,
      );
      if (ready !== undefined) {
        const made = ready.then(() => {
          const subject = this.#party.subject(target.id, target.relative);
          if (subject.failure !== undefined) rethrow(subject.failure);
          return subject.referent;
        });
        return { value: undefined, exposure, then: made };
      }
      if (failure !== undefined) rethrow(failure);
      return { value: referent, exposure };
    }
    const answer = this.#answers.get(target.callId);
    if (answer === undefined) {
      throw new ProtocolError(`Call on answer ${String(target.callId)}, which is not kept`);
    }
    if (answer instanceof Promise)
      return { value: undefined, exposure: undefined, then: answer.then(valueOf) };
    return { value: valueOf(answer), exposure: this.#exposureOf(answer.value) };
  }

  #exposureOf(value: unknown): Exposure | undefined {
    return (typeof value === 'object' && value !== null) || typeof value === 'function'
      ? this.exposureFor?.(value)
      : undefined;
  }
  /** Set by a client's session: makes tickets. A server's sessions cannot. */
  minter: Minter | undefined;
  /** Faults that no call can report. */
  onWarning: ((warning: Error) => void) | undefined;
  /** How long a token in JSON keeps its referent alive. */
  get ticketMs(): number {
    return this.#limits.ticketMs;
  }
  /** The longest a call may take, where its handle says nothing; 0: without end. */
  callTimeoutMs = 0;
  /** Set by the server: what may be reached of an object that it knows. */
  exposureFor: ((value: object) => Exposure | undefined) | undefined;

  #decodeOne(
    frame: { readonly references: readonly Reference[]; readonly body: ByteReader },
    pending?: PendingCall,
  ): unknown {
    if (frame.references.length === 0) return decodeValue(frame.body, noReference);
    const request = pending?.held as CallRequest | undefined;
    const values = this.#walk(frame.references, [], request?.held as object | undefined);
    return decodeValue(frame.body, (index) => values[index]);
  }

  // ---- calls in --------------------------------------------------------------------------------

  #onCreate(frame: Extract<Frame, { kind: 'create' }>): void {
    const needs: Promise<unknown>[] = [];
    const values = this.#walk(frame.references, needs);
    const args = (): unknown[] => decodeArguments(frame.body, values);
    const relative = frame.id % 2 === 1;
    this.#party.create(
      { id: Math.floor(frame.id / 2), relative, typeid: frame.typeid },
      args,
      needs,
    );
  }

  #onCall(frame: Extract<Frame, { kind: 'call' }>): void {
    this.#callsIn++;
    const { head } = frame;
    const needs: Promise<unknown>[] = [];
    let args: Arguments;
    try {
      const values = this.#walk(frame.references, needs);
      if (needs.length === 0) {
        const decoded = decodeArguments(frame.body, values);
        args = () => decoded;
      } else {
        args = () => decodeArguments(frame.body, values);
      }
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      this.#answer(head, { kind: 'throw', value: error });
      return;
    }
    const busy =
      this.#waiting.length > 0 ||
      this.#running.size >= this.#limits.calls ||
      this.outbox.buffered > this.#limits.outboundBytes;
    if (!busy) return this.#start(head, args, needs);
    if (this.#waiting.length >= WAITING_CALLS) {
      const text = `Cannot run "${head.name}": ${String(WAITING_CALLS)} calls of this session wait already`;
      this.#answer(head, { kind: 'throw', value: new LimitError(text) });
      return;
    }
    this.#waiting.push(() => {
      this.#start(head, args, needs);
    });
  }

  /** Starts waiting calls: called when a call has ended and when bytes have left. */
  resume(): void {
    while (
      this.#waiting.length > 0 &&
      this.#running.size < this.#limits.calls &&
      this.outbox.buffered <= this.#limits.outboundBytes
    ) {
      this.#waiting.shift()?.();
    }
  }

  #start(head: CallHead, args: Arguments, needs: readonly Promise<unknown>[]): void {
    let source: Source;
    try {
      source = this.#sourceOf(head.target);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      this.#answer(head, { kind: 'throw', value: error });
      return;
    }
    const key =
      head.target.kind === 'object'
        ? head.target.id * 2 + (head.target.relative ? 1 : 0)
        : undefined;
    const mustWait =
      source.then !== undefined || needs.length > 0 || (key !== undefined && this.#tails.has(key));
    if (!mustWait) return this.#run(head, args(), source.value, source.exposure);
    this.#runLater(head, args, { needs, source, key: key ?? head });
  }

  #runLater(
    head: CallHead,
    args: Arguments,
    wait: {
      readonly needs: readonly Promise<unknown>[];
      readonly source: Source;
      readonly key: unknown;
    },
  ): void {
    const running = new RunningCall();
    this.#running.set(head.callId, running);
    let keep: (outcome: Outcome) => void = () => undefined;
    if (head.keep) this.#answers.set(head.callId, new Promise((resolve) => (keep = resolve)));
    const { source } = wait;
    const start = async (): Promise<unknown> => {
      await Promise.all(wait.needs);
      const referent = source.then === undefined ? source.value : await source.then;
      const exposure = source.exposure ?? this.#exposureOf(referent);
      const landed = args(); // only now is everything there that they refer to
      return await runAs(running, () => perform(referent, { ...head, args: landed }, exposure));
    };
    const before = this.#tails.get(wait.key) ?? Promise.resolve();
    const done = before.then(() => outcomeOf(start));
    const tail = done.then((outcome) => {
      if (this.#tails.get(wait.key) === tail) this.#tails.delete(wait.key);
      this.#running.delete(head.callId);
      keep(outcome);
      this.#answer(head, outcome, source.exposure);
      this.resume();
    });
    this.#tails.set(wait.key, tail);
  }

  #run(head: CallHead, args: unknown[], referent: unknown, exposure: Exposure | undefined): void {
    const running = new RunningCall();
    let result: unknown;
    try {
      result = runAs(running, () =>
        perform(
          referent,
          { operation: head.operation, path: head.path, name: head.name, args },
          exposure,
        ),
      );
    } catch (error) {
      this.#answer(head, { kind: 'throw', value: error });
      return;
    }
    if (!isThenable(result)) {
      this.#answer(head, { kind: 'return', value: result }, exposure);
      return;
    }
    this.#running.set(head.callId, running);
    const done = outcomeOf(() => result);
    if (head.keep) this.#answers.set(head.callId, done);
    void done.then((outcome) => {
      this.#running.delete(head.callId);
      this.#answer(head, outcome, exposure);
      this.resume();
    });
  }

  /** Sends the outcome of a call, and keeps it where the caller asked for that. */
  #answer(head: CallHead, outcome: Outcome, exposure?: Exposure): void {
    if (this.#ended !== undefined) return;
    if (head.keep) this.#answers.set(head.callId, outcome);
    if (!head.reply) return;
    if (outcome.kind === 'throw') return this.#answerError(head.callId, outcome.value);
    try {
      this.outbox.send((writer) => {
        writeOutcomeHead(writer, 'return', head.callId);
        this.#writeResult(writer, outcome.value, head, exposure);
      }, false);
    } catch (cause) {
      const text = `The result of "${head.name}" cannot be sent: ${messageOf(cause)}`;
      this.#answerError(
        head.callId,
        new RemoteError(text, { cause, remoteName: 'SerializationError' }),
      );
    }
  }

  #answerError(callId: number, error: unknown): void {
    const send = (value: unknown): void => {
      this.outbox.send((writer) => {
        writeOutcomeHead(writer, 'throw', callId);
        this.#writeValue(writer, value, 'result');
      }, false);
    };
    try {
      send(error);
    } catch (cause) {
      send(
        new RemoteError(`What was thrown cannot be sent: ${messageOf(cause)}`, {
          remoteName: kindOf(error),
        }),
      );
    }
  }

  /** Tells the peer that an object it created could not be made. */
  sendFailed(id: number, error: unknown): void {
    if (this.#ended !== undefined) return;
    this.outbox.send((writer) => {
      writeOutcomeHead(writer, 'failed', id);
      this.#writeValue(writer, error, 'result');
    }, true);
  }

  #writeResult(writer: ByteWriter, value: unknown, head: CallHead, exposure?: Exposure): void {
    const typeid =
      exposure !== undefined && head.operation === 'call' && head.path.length === 0
        ? exposure.resultTypes.get(head.name)
        : undefined;
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
    const lends = typeid !== undefined || (head.returns === 'proxy' && isObject);
    if (!lends) {
      this.#writeValue(writer, value, head.returns === 'copy' ? 'container' : 'result');
      return;
    }
    if (!isObject)
      throw new SerializationError(`${kindOf(value)} cannot be shared as '${typeid ?? 'proxy'}'`);
    const lent = this.#party.lend(value, 'the result', 'result', typeid ?? '');
    writeReferences(writer, [{ kind: 'lent', ...lent }]);
    new ValueEncoder(writer, () => 0).encode(onlyReference, 'the result');
  }

  #writeValue(writer: ByteWriter, value: unknown, purpose: Purpose): void {
    const references = new References(this, purpose, []);
    const tableAt = writer.length;
    writer.u8(0);
    try {
      new ValueEncoder(writer, references.of, this.#limits).encode(value, 'the result');
    } catch (error) {
      references.takeBack();
      throw error;
    }
    references.insert(writer, tableAt);
  }

  // ---- the end ---------------------------------------------------------------------------------

  /**
   * Once: rejects what waits, aborts what runs, gives nothing back any more. `lossOf` makes the
   * error of a pending call; `sent` tells whether the call may have reached the peer.
   */
  end(reason: Error, lossOf: (sent: boolean) => unknown = () => reason): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    clearTimeout(this.#releaseTimer);
    for (const call of this.#calls.takeAll()) {
      call.cleanup?.();
      const unsent = call.place !== undefined && this.outbox.batchAt(call.place) !== undefined;
      if (!call.abandoned) call.reject(lossOf(!unsent));
    }
    this.outbox.close();
    this.onPending?.(false);
    for (const running of this.#running.values()) running.abort(reason);
    this.#running.clear();
    this.#answers.clear();
    this.#releases.clear();
    this.#waiting.length = 0;
    this.#tails.clear();
  }
}

/** Decodes the arguments of a call, once everything is there that they refer to. */
type Arguments = () => unknown[];

/** What stands in for an argument that is not there yet. */
class Awaited {
  readonly #read: () => unknown;
  constructor(read: () => unknown) {
    this.#read = read;
  }
  get value(): unknown {
    return this.#read();
  }
}

/** The reference table of one frame while its values are written. */
class References {
  readonly #session: Session;
  readonly #purpose: Purpose;
  readonly #claims: Promise<unknown>[];
  #entries: Reference[] | undefined;
  #indexOf: Map<object, number> | undefined;

  constructor(session: Session, purpose: Purpose, claims: Promise<unknown>[]) {
    this.#session = session;
    this.#purpose = purpose;
    this.#claims = claims;
  }

  readonly of = (value: object, path: string): number | undefined => {
    if (isData(value)) return undefined;
    const known = this.#indexOf?.get(value);
    if (known !== undefined) return known;
    const entry = this.#session.referenceTo(value, path, this.#purpose, this.#claims);
    this.#entries ??= [];
    this.#indexOf ??= new Map();
    this.#indexOf.set(value, this.#entries.length);
    return this.#entries.push(entry) - 1;
  };

  /** Puts the table in front of the values, where one zero byte stands for an empty one. */
  insert(writer: ByteWriter, at: number): void {
    if (this.#entries === undefined) return;
    const table = new ByteWriter(256);
    writeReferences(table, this.#entries);
    writer.patchU8(at, table.byteAt(0));
    writer.insert(at + 1, table.bytes.subarray(1));
  }

  takeBack(): void {
    for (const entry of this.#entries ?? []) this.#session.takeBack(entry);
  }
}

/** Any object: written as the first reference. */
const onlyReference = Object.freeze(() => undefined);

/** A message was written that must wait for a claim: it is taken out of the batch again. */
class NotYet extends Error {}

function failedCall(root: Lease, error: unknown): OpenCall {
  return { callId: -1, root, promise: Promise.reject(error), place: undefined };
}

function decodeArguments(body: ByteReader, values: readonly unknown[]): unknown[] {
  const count = body.count();
  const args: unknown[] = [];
  const valueOf = (index: number): unknown => {
    const value = values[index];
    return value instanceof Awaited ? value.value : value;
  };
  for (let i = 0; i < count; i++) args.push(decodeValue(body, valueOf));
  return args;
}

function noReference(): never {
  throw new ProtocolError('Cannot read a value: it names a reference that is not in the table');
}

function valueOf(outcome: Outcome): unknown {
  if (outcome.kind === 'throw') throw outcome.value;
  return outcome.value;
}

async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { kind: 'return', value: await run() };
  } catch (error) {
    return { kind: 'throw', value: error };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Nobody waits for this value: what it lends is given back. */
function abandon(value: unknown, translator: Translator): void {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
    translator.leaseOf(value)?.release(false);
  }
}
