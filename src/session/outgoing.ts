// The calls that one side makes: sent in order, held back while something in them is still being
// claimed, and settled by their answers.

import { ProtocolError, TimeoutError, UsageError, rethrow } from '../base/errors';
import { Lease } from '../refs/lease';
import { Outbox, type Place } from '../transport/outbox';
import { type ByteWriter } from '../wire/bytes';
import {
  type CallHead,
  type Guard,
  type Operation,
  type Returns,
  patchCallFlags,
  writeCallHead,
  writeCreateHead,
} from '../wire/frames';
import { type Reference, type Target } from '../wire/references';
import { type Absence, hasDefault } from './absence';
import { requireSerializer } from '../wire/serializers';
import { Calls, type PendingCall } from './calls';
import { type Exchange, numberOf } from './exchange';
import { type Guarding, HOLDING } from './guard';
import { deepFreeze } from './freeze';
import { type Outcome } from './outcome';
import { type Purpose } from './parties';

export interface CallRequest extends Absence {
  readonly target: Lease | Answer;
  readonly operation: Operation;
  readonly path: readonly string[];
  readonly name: string;
  readonly args: readonly unknown[];
  readonly purpose: Purpose;
  readonly returns?: Returns | undefined;
  readonly timeoutMs?: number | undefined;
  /** What carries structured data of the call and of its answer. */
  readonly serializer?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The handle of a lock: the call runs only while that holding lasts. */
  readonly guard?: Guarding | undefined;
  /** What is answered is no longer in the container: it is the caller's own. */
  readonly takes?: boolean | undefined;
  /** The thread of the caller blocks until the answer. */
  readonly lane?: boolean | undefined;
  /** The handle that is called: kept alive until the answer. */
  readonly held?: object | undefined;
}

/** What may be said of a call beside its target. */
export type CallDetails = Partial<Omit<CallRequest, 'target'>>;

/** The answer to a call that was made, as a target for further calls. */
export interface Answer {
  readonly callId: number;
  /** The lease at the beginning of the chain. */
  readonly root: Lease;
}

/** A call that leaves with the tick: what becomes of its outcome can still be decided. */
export interface OpenCall extends Answer {
  readonly promise: Promise<unknown>;
  /** Undefined where it was held back. */
  readonly place: Place | undefined;
}

/** Whether the outcome is sent back, and whether it is kept for further calls. */
export interface Fate {
  readonly reply: boolean;
  readonly keep: boolean;
}

/** What is to be made. */
export interface Creating {
  readonly typeid: string;
  readonly args: readonly unknown[];
  readonly purpose: Purpose;
}

interface OutgoingOptions {
  /** Where messages go now. */
  readonly outbox: () => Outbox;
  readonly exchange: Exchange;
  readonly ended: () => Error | undefined;
  /** Before each call: what was released by hand leaves first, as it stands in the program. */
  readonly beforeCall: () => void;
  readonly sendCancel: (callId: number, reason: unknown) => void;
  readonly onPending: (pending: boolean) => void;
}

/** Longer than this no timer of Node's runs: it is without end. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #calls = new Calls<Waiting | BlockingCall>();
  /** By root, the messages that are held back, in order: later ones for it wait behind. */
  readonly #held = new Map<Lease, Held[]>();
  /** Calls wait for an answer that comes by the event loop. */
  #isPending = false;
  /** How long a call may take where its handle says nothing; 0: without end. */
  timeoutMs = 0;
  /** Whether answers of containers are frozen. */
  freezes = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Calls that wait for an answer. */
  get count(): number {
    return this.#calls.count;
  }

  /** Sends a call. Throws nothing: what is wrong here rejects its promise. */
  open(request: CallRequest): OpenCall {
    const root = request.target instanceof Lease ? request.target : request.target.root;
    const refused = this.#refusal(request, root);
    if (refused !== undefined) return failedCall(root, refused);
    const pending = new Waiting(request);
    const callId = this.#calls.add(pending);
    if (!this.#isPending) this.#options.onPending((this.#isPending = true));
    try {
      pending.place = this.#send(callId, request, root);
    } catch (error) {
      this.#settle(callId, { kind: 'throw', value: error });
      return { callId, root, promise: pending.promise, place: undefined };
    }
    const timeoutMs = request.timeoutMs ?? this.timeoutMs;
    if (timeoutMs > 0 && timeoutMs <= TIMER_MS_MAX) this.#startTimer(callId, pending, timeoutMs);
    if (request.signal !== undefined) this.#watchSignal(callId, pending, request.signal);
    return { callId, root, promise: pending.promise, place: pending.place };
  }

  /**
   * Sends a call of a thread that blocks for its answer. Throws what is wrong here, and `claiming`
   * tells what must be claimed before the call can leave.
   */
  openBlocking(request: CallRequest & { readonly target: Lease }): BlockingCall {
    const refused = this.#refusal(request, request.target);
    if (refused !== undefined) rethrow(refused);
    const call = new BlockingCall(request);
    call.callId = this.#calls.add(call);
    try {
      this.#send(call.callId, request, request.target);
    } catch (error) {
      this.#calls.take(call.callId);
      throw error;
    }
    return call;
  }

  /** Sends a call of which nobody needs the answer: none comes, and a failure is told apart from it. */
  post(request: CallRequest & { readonly target: Lease }): void {
    const refused = this.#refusal(request, request.target);
    if (refused !== undefined) rethrow(refused);
    const callId = this.#calls.add(new BlockingCall(request));
    try {
      this.#send(callId, request, request.target, false);
    } finally {
      this.#calls.take(callId);
    }
  }

  /** The thread no longer waits for it. */
  giveUp(call: BlockingCall, reason: unknown): void {
    if (call.outcome !== undefined) return;
    this.#calls.abandon(call.callId);
    this.#options.sendCancel(call.callId, reason);
    this.#idle();
  }

  /** What must be claimed before all that is held back can leave. */
  claimsHeld(): readonly Lease[] {
    if (this.#held.size === 0) return NO_LEASES;
    const held = [...this.#held.values()].flat();
    return held.flatMap(({ claiming }) => claiming).filter(({ claim }) => claim !== undefined);
  }

  #refusal(request: CallRequest, root: Lease): unknown {
    root.calls++; // those that are refused among them
    const ended = this.#options.ended();
    if (ended !== undefined) return ended;
    if (root.failure !== undefined) return root.failure;
    // An answer is kept by itself, whatever it was an answer of.
    if (root.released && request.target === root) {
      const text = `Cannot call "${request.name}" of '${root.typeid}': the proxy was released`;
      return new UsageError(text, { code: 'ERR_REFERENT_RELEASED' });
    }
    return request.signal?.aborted === true ? request.signal.reason : undefined;
  }

  #send(callId: number, request: CallRequest, root: Lease, reply = true): Place | undefined {
    this.#options.beforeCall();
    const { exchange } = this.#options;
    const serializer =
      request.serializer === undefined
        ? exchange.serializer
        : requireSerializer(request.serializer);
    const head: CallHead = {
      callId,
      target: targetOf(request.target),
      operation: request.operation,
      path: request.path,
      name: request.name,
      returns: request.returns ?? 'auto',
      reply,
      keep: false,
      lane: request.lane ?? false,
      hasDefault: hasDefault(request),
      serializer: serializer?.name,
      guard: request.guard === undefined ? undefined : this.#guardOf(request.guard, root),
    };
    return this.#sendWhenClaimed(
      root,
      (writer, claiming) => {
        writeCallHead(writer, head);
        const { args, purpose } = request;
        return exchange.writeArguments(writer, args, { purpose, claiming, serializer });
      },
      (failure) => {
        this.#settle(callId, { kind: 'throw', value: failure });
      },
    );
  }

  /** Throws `UsageError` for a lock of another manager. */
  #guardOf(guarding: Guarding, root: Lease): Guard {
    const { lease, fence } = guarding[HOLDING];
    if (lease.lessor === root.lessor) return { ...numberOf(lease), fence };
    throw new UsageError(
      'Option "guard" must be the handle of a lock of the same manager: no other can check it in the same turn',
    );
  }

  /** A new object in the manager, numbered by us. Throws what is wrong with the arguments. */
  create(lease: Lease, { typeid, args, purpose }: Creating): void {
    const ended = this.#options.ended();
    if (ended !== undefined) throw ended;
    this.#options.beforeCall();
    this.#sendWhenClaimed(
      lease,
      (writer, claiming) => {
        const { id, relative } = numberOf(lease);
        writeCreateHead(writer, id * 2 + (relative ? 1 : 0), typeid);
        const { exchange } = this.#options;
        const { serializer } = exchange;
        return exchange.writeArguments(writer, args, { purpose, claiming, serializer });
      },
      (failure) => {
        lease.refused(failure as Error);
      },
    );
  }

  /**
   * Sends the message now, or, as it stands now, when the claims of all that it names are over;
   * what follows for the same root waits behind it.
   */
  #sendWhenClaimed(
    root: Lease,
    compose: (writer: ByteWriter, claiming: Lease[]) => readonly Reference[],
    fail: (failure: unknown) => void,
  ): Place | undefined {
    const outbox = this.#options.outbox();
    const claiming: Lease[] = root.claim === undefined ? [] : [root];
    let message: Buffer | undefined;
    let references: readonly Reference[] = [];
    try {
      return outbox.send((writer) => {
        const start = writer.length;
        references = compose(writer, claiming);
        if (claiming.length === 0 && !this.#held.has(root)) return;
        message = Buffer.from(writer.bytes.subarray(start));
        throw new NotYet();
      }, true);
    } catch (error) {
      if (!(error instanceof NotYet) || message === undefined) throw error;
    }
    const held = message;
    this.#hold(root, claiming, () => {
      const failure = claiming.find((lease) => lease.failure !== undefined)?.failure;
      if (failure !== undefined) {
        this.#options.exchange.takeBack(references);
        fail(failure);
        return;
      }
      this.#options.outbox().send((writer) => {
        writer.raw(held);
      }, true);
    });
    return undefined;
  }

  #hold(root: Lease, claiming: readonly Lease[], send: () => void): void {
    const queue = this.#held.get(root) ?? [];
    queue.push({ claiming, send });
    this.#held.set(root, queue);
    for (const { claim } of claiming) {
      claim?.whenOver(() => {
        this.#advance(root);
      });
    }
  }

  /** Sends what was held back for `root`, as far as its claims are over. */
  #advance(root: Lease): void {
    const queue = this.#options.ended() === undefined ? this.#held.get(root) : undefined;
    while (queue !== undefined && queue.length > 0) {
      if (queue[0]?.claiming.some(({ claim }) => claim !== undefined)) return;
      queue.shift()?.send();
    }
    this.#held.delete(root);
  }

  /** Changes the fate of a call's outcome; false where the call has left already. */
  patch(call: OpenCall, fate: Fate): boolean {
    const batch = call.place === undefined ? undefined : Outbox.batchOf(call.place);
    if (batch === undefined || call.place === undefined) return false;
    patchCallFlags(batch, call.place.at + 1, fate); // behind the kind of the frame
    if (!fate.reply) {
      this.#calls.take(call.callId, true)?.cleanup?.();
      this.#idle();
    }
    return true;
  }

  /** The number of a call whose answer was kept can be used again. */
  free(callId: number): void {
    this.#calls.free(callId);
  }

  /** The handle that was called: an answer that is its own object gives it back. */
  callerOf(callId: number): { readonly self: object | undefined; readonly isBlocking: boolean } {
    const { held, lane = false } = this.#require(callId).request;
    return { self: held, isBlocking: lane };
  }

  /** Answers whether somebody got the result. */
  settle(callId: number, outcome: Outcome): boolean {
    this.#require(callId);
    return this.#settle(callId, outcome);
  }

  #require(callId: number): Waiting | BlockingCall {
    const pending = this.#calls.get(callId);
    if (pending === undefined) {
      throw new ProtocolError(`Answer to call ${String(callId)}, which nobody made`);
    }
    return pending;
  }

  #settle(callId: number, outcome: Outcome): boolean {
    const pending = this.#calls.take(callId);
    if (pending === undefined) return false;
    pending.cleanup?.();
    const { held } = pending.request;
    if (pending.abandoned) {
      if (outcome.value !== held) this.#options.exchange.abandon(outcome.value);
    } else if (outcome.kind === 'return') {
      const { purpose, takes = false } = pending.request;
      const isFrozen = this.freezes && purpose === 'container' && !takes;
      pending.resolve(isFrozen ? deepFreeze(outcome.value) : outcome.value);
    } else pending.reject(outcome.value);
    this.#idle();
    return outcome.kind === 'return' && !pending.abandoned;
  }

  #idle(): void {
    if (this.#isPending && this.#calls.count === 0) {
      this.#options.onPending((this.#isPending = false));
    }
  }

  #cancel(callId: number, error: unknown): void {
    const pending = this.#calls.get(callId);
    if (pending === undefined || pending.abandoned) return;
    this.#calls.abandon(callId);
    pending.cleanup?.();
    pending.reject(error);
    this.#options.sendCancel(callId, error);
    this.#idle();
  }

  #startTimer(callId: number, pending: Waiting, timeoutMs: number): void {
    const timer = setTimeout(() => {
      const text = `Call of "${pending.request.name}" was not answered within ${String(timeoutMs)} ms`;
      this.#cancel(callId, new TimeoutError(text));
    }, timeoutMs);
    pending.cleanup = () => {
      clearTimeout(timer);
    };
  }

  #watchSignal(callId: number, pending: Waiting, signal: AbortSignal): void {
    const abort = (): void => {
      this.#cancel(callId, signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    const before = pending.cleanup;
    pending.cleanup = () => {
      before?.();
      signal.removeEventListener('abort', abort);
    };
  }

  /** Rejects all that wait. `lossOf` makes the error; `sent`: the call may have reached the peer. */
  end(lossOf: (sent: boolean) => unknown): void {
    for (const call of this.#calls.takeAll()) {
      call.cleanup?.();
      const isHere = call.place !== undefined && Outbox.batchOf(call.place) !== undefined;
      if (!call.abandoned) call.reject(lossOf(!isHere));
    }
    this.#held.clear();
    this.#options.onPending(false);
  }
}

const NO_LEASES: readonly Lease[] = [];

/** A message that waits for claims. */
interface Held {
  readonly claiming: readonly Lease[];
  readonly send: () => void;
}

/** One call that waits for its answer. */
class Waiting implements PendingCall {
  readonly promise: Promise<unknown>;
  /** Kept alive with it: the handle that was called, and the arguments. */
  readonly request: CallRequest;
  resolve!: (value: unknown) => void;
  reject!: (error: unknown) => void;
  place: Place | undefined = undefined;
  abandoned = false;
  cleanup: (() => void) | undefined = undefined;

  constructor(request: CallRequest) {
    this.request = request;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** One call for which a thread blocks. */
export class BlockingCall implements PendingCall {
  readonly request: CallRequest;
  callId = -1;
  /** What it came to, as soon as that is known. */
  outcome: Outcome | undefined = undefined;
  readonly place = undefined;
  cleanup: (() => void) | undefined = undefined;
  abandoned = false;

  constructor(request: CallRequest) {
    this.request = request;
  }

  resolve(value: unknown): void {
    this.outcome = { kind: 'return', value };
  }

  reject(value: unknown): void {
    this.outcome = { kind: 'throw', value };
  }
}

/** A message was written that must wait for a claim: it is taken out of the batch again. */
class NotYet extends Error {}

function targetOf(target: Lease | Answer): Target {
  return target instanceof Lease
    ? { kind: 'object', ...numberOf(target) }
    : { kind: 'answer', callId: target.callId };
}

function failedCall(root: Lease, error: unknown): OpenCall {
  return { callId: -1, root, promise: Promise.reject(error), place: undefined };
}
