// The calls that the other side makes: found, judged, run, answered. One that must wait, for an
// argument that is being claimed or an object that is being made, holds back those behind it that
// are for the same object, and no others.

import {
  LimitError,
  ProtocolError,
  RemoteError,
  SerializationError,
  UsageError,
  messageOf,
  rethrow,
} from '../base/errors';
import { deferred } from '../base/deferred';
import { type Limits } from '../base/limits';
import { type Outbox } from '../transport/outbox';
import { type ByteReader } from '../wire/bytes';
import { type CallHead, type Frame, type Guard, writeOutcomeHead } from '../wire/frames';
import { isPlainObject, kindOf } from '../wire/plain';
import { type Reference, type Target } from '../wire/references';
import { type NamedSerializer, serializerOfPeer } from '../wire/serializers';
import { type Caller } from './caller';
import { RunningCall, runAs } from './current-call';
import { Delivery } from './delivery';
import { Awaited, type Exchange, type Needs } from './exchange';
import { type Deed, type Exposure, follow, openExposure, perform, subjectOf } from './exposure';
import { requireHeldOf } from './guard';
import { type Outcome, isThenable, outcomeOf } from './outcome';
import { type Purpose } from './parties';
import { type Trust, pass } from './passing';
import { toPlain } from './plain-copy';
import { exposureOfSuper } from './super';
import { inTurn, needsTurn } from './turns';

/** Calls of one session that wait to run; further ones are refused. */
const WAITING_CALLS = 65_536;

/** What a call is for. */
interface Source {
  readonly value: unknown;
  /** Of what is not there yet, known with it. */
  exposure: Exposure | undefined;
  /** Where it is not there yet: gives the value. */
  readonly later?: Promise<unknown>;
}

/** A call whose references were walked. */
interface Prepared {
  readonly args: Arguments;
  readonly needs: Needs;
  readonly source: Source;
  readonly key: unknown;
}

/** Decodes the arguments of a call, once everything is there that they refer to. */
type Arguments = () => unknown[];

interface IncomingOptions {
  readonly outbox: Outbox;
  /** Where answers go to a caller whose thread is blocked. */
  readonly lane: () => Outbox | undefined;
  readonly exchange: Exchange;
  /** Who makes the calls. */
  readonly caller: Caller;
  readonly limits: Limits;
  readonly ended: () => boolean;
  /** A call of that object has failed, and nobody waits for its answer. */
  readonly tellFailure: (id: number, error: unknown) => void;
  /** Whether objects of that type keep what they are given. */
  readonly isContainer: (typeid: string) => boolean;
  /** What may be reached of an object that this side knows. */
  readonly exposureOf: (value: object) => Exposure | undefined;
  /** Whose code is taken. */
  readonly trust: Trust;
}

export class Incoming {
  readonly #options: IncomingOptions;
  /** Calls that have not answered, by number. */
  readonly #running = new Map<number, RunningCall>();
  /** Outcomes that the peer may still name. */
  readonly #answers = new Map<number, Outcome | Promise<Outcome>>();
  /** Results that the caller has not confirmed, by call. */
  readonly #unconfirmed = new Map<number, Delivery>();
  /** By target, the last call that waits. */
  readonly #tails = new Map<unknown, Promise<void>>();
  /** Calls that wait because too many run or too much is unsent. */
  readonly #waiting: { readonly head: CallHead; readonly start: () => void }[] = [];
  #total = 0;
  /** By number, calls for which a thread of the peer is blocked. */
  readonly #laneCalls = new Set<number>();

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /** Calls that run; one that waits for a lock or an item does not. */
  get running(): number {
    return this.#running.size - this.#options.caller.waiting;
  }
  /** Whether a thread of the peer is blocked. */
  get hasLaneCalls(): boolean {
    return this.#laneCalls.size > 0;
  }
  /** Calls so far. */
  get total(): number {
    return this.#total;
  }

  /** `isBlocked`: the thread of this side waits for an answer itself, and can only answer at once. */
  receive(frame: Extract<Frame, { kind: 'call' }>, isBlocked = false): void {
    this.#total++;
    const { head } = frame;
    if (head.lane === true) this.#laneCalls.add(head.callId);
    const needs: Needs = [];
    let args: Arguments;
    let source: Source;
    try {
      args = this.#argumentsOf(frame, needs);
      serializerOf(head); // one that is not here is an error before anything is done
      source = this.#sourceOf(head.target);
    } catch (error) {
      this.#refuse(head, error);
      return;
    }
    source.later?.catch(reportedByTheCall);
    for (const need of needs) need.catch(reportedByTheCall);
    if (isBlocked) {
      this.#runBlocked(head, { args, needs, source, key: undefined });
      return;
    }
    const start = (): void => {
      this.#start(head, { args, needs, source, key: keyOf(head) });
    };
    if (this.#waiting.length === 0 && this.#hasRoom()) {
      start();
    } else if (this.#waiting.length < WAITING_CALLS) {
      this.#waiting.push({ head, start });
      this.resume();
    } else {
      const text = `Cannot run "${head.name}": ${String(WAITING_CALLS)} calls of this session wait already`;
      this.#refuse(head, new LimitError(text));
    }
  }

  /** The table is walked now, whatever the call must wait for. */
  #argumentsOf(frame: Extract<Frame, { kind: 'call' | 'create' }>, needs: Needs): Arguments {
    const { exchange } = this.#options;
    const isContainer = frame.references.length > 0 && this.#isContainer(frame);
    const values = exchange.walk(frame.references, needs, { readPath: this.readPath, isContainer });
    if (needs.length > 0) return () => exchange.readArguments(frame.body, values);
    const args = exchange.readArguments(frame.body, values);
    return () => args;
  }

  #isContainer(frame: Extract<Frame, { kind: 'call' | 'create' }>): boolean {
    if (frame.kind === 'create') return this.#options.isContainer(frame.typeid);
    const { target } = frame.head;
    if (target.kind === 'answer') return false;
    const { exposure } = this.#options.exchange.party.subject(target.id, target.relative);
    return exposure.isContainer ?? false;
  }

  create(frame: Extract<Frame, { kind: 'create' }>): void {
    const needs: Needs = [];
    const { party } = this.#options.exchange;
    const creation = {
      id: Math.floor(frame.id / 2),
      relative: frame.id % 2 === 1,
      typeid: frame.typeid,
    };
    let args: Arguments;
    try {
      args = this.#argumentsOf(frame, needs);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      args = (): never => rethrow(error); // its creation fails, as with any other bad argument
    }
    party.create(creation, args, needs);
  }

  /** A thread that is blocked cannot make room: it does not read what is unsent. */
  #hasRoom(): boolean {
    const { limits, outbox } = this.#options;
    const isHeard = this.hasLaneCalls || outbox.buffered <= limits.outboundBytes;
    return this.running < limits.calls && isHeard;
  }

  /** Starts waiting calls: when a call has ended, and when bytes have left. */
  resume(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) this.#waiting.shift()?.start();
  }

  #start(head: CallHead, call: Prepared): void {
    const { args, needs, source, key } = call;
    if (source.later !== undefined || needs.length > 0 || this.#tails.has(key)) {
      this.#runLater(head, call);
    } else {
      this.#run(head, args(), source);
    }
  }

  #refuse(head: CallHead, error: unknown): void {
    if (error instanceof ProtocolError) throw error; // a fault of the peer, not of the call
    this.#conclude(head, { kind: 'throw', value: error });
  }

  /** Throws `ObjectGoneError`, or why the object could not be made. */
  #sourceOf(target: Target): Source {
    if (target.kind === 'answer') return this.#answerAsSource(target.callId);
    const { party } = this.#options.exchange;
    const { referent, exposure, ready, failure } = party.subject(target.id, target.relative);
    if (failure !== undefined) rethrow(failure);
    if (ready === undefined) return { value: referent, exposure };
    const later = ready.then(() => {
      const made = party.subject(target.id, target.relative);
      if (made.failure !== undefined) rethrow(made.failure);
      return made.referent;
    });
    return { value: undefined, exposure, later };
  }

  #answerAsSource(callId: number): Source {
    const answer = this.#answers.get(callId);
    if (answer === undefined) {
      throw new ProtocolError(`Call on the answer to call ${String(callId)}, which is not kept`);
    }
    if (answer instanceof Promise) {
      const later = answer.then((outcome) => {
        const landed = valueOf(keptOf(outcome));
        source.exposure = this.#exposureOfAnswer(landed, outcome);
        return landed;
      });
      const source: Source = { value: undefined, exposure: undefined, later };
      return source;
    }
    const value = valueOf(answer);
    return { value, exposure: this.#exposureOfAnswer(value, answer) };
  }

  #exposureOfAnswer(value: unknown, { lends = false }: Outcome): Exposure | undefined {
    return this.#exposureOf(value) ?? (lends ? LENDING : undefined);
  }

  #exposureOf(value: unknown): Exposure | undefined {
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
    return isObject ? (exposureOfSuper(value) ?? this.#options.exposureOf(value)) : undefined;
  }

  /** A lazy member that came as an argument. */
  readonly readPath = (reference: Extract<Reference, { kind: 'path' }>, needs: Needs): unknown => {
    const source = this.#sourceOf(reference.target);
    const read = (from: unknown): unknown =>
      follow(
        from,
        reference.path,
        source.exposure ?? this.#exposureOf(from),
        this.#options.exposureOf,
      );
    const value = source.later === undefined ? read(source.value) : source.later.then(read);
    if (!(value instanceof Promise)) return value;
    const pending = value as Promise<unknown>;
    let result: unknown;
    needs.push(pending.then((landed) => (result = landed)));
    return new Awaited(() => result);
  };

  #runBlocked(head: CallHead, { args, needs, source }: Prepared): void {
    if (needs.length > 0 || source.later !== undefined) {
      this.#refuse(head, answersLater(head.name));
      return;
    }
    const running = new RunningCall(this.#options.caller);
    let result: unknown;
    try {
      const { operation, path, name } = head;
      const deed = { operation, path, name, args: args() };
      result = runAs(running, () => perform(source.value, deed, source.exposure));
      if (isThenable(result)) {
        result.then(undefined, reportedByTheCall);
        throw answersLater(head.name);
      }
    } catch (error) {
      this.#conclude(head, { kind: 'throw', value: error });
      return;
    }
    this.#conclude(head, { kind: 'return', value: result }, source);
  }

  #run(head: CallHead, args: readonly unknown[], source: Source): void {
    const running = new RunningCall(this.#options.caller);
    let result: unknown;
    try {
      result = this.#perform(head, args, source, running);
    } catch (error) {
      this.#conclude(head, { kind: 'throw', value: error });
      return;
    }
    if (!isThenable(result)) {
      this.#conclude(head, { kind: 'return', value: result }, source);
      return;
    }
    this.#await(
      head,
      running,
      outcomeOf(() => result),
      source,
    );
  }

  #runLater(head: CallHead, call: Prepared): void {
    const running = new RunningCall(this.#options.caller);
    const { args, needs, source, key } = call;
    const started = deferred<undefined>();
    const start = async (): Promise<unknown> => {
      await settledNeeds(needs);
      const referent = source.later === undefined ? source.value : await source.later;
      const exposure = source.exposure ?? this.#exposureOf(referent);
      const result = this.#perform(head, args(), { value: referent, exposure }, running);
      started.resolve(undefined);
      return await result;
    };
    const before = this.#tails.get(key) ?? Promise.resolve();
    const done = before.then(() => outcomeOf(start));
    // Those behind it start after it, and do not wait for its end: it may wait for what they bring.
    const tail = Promise.race([started.promise, done]).then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    this.#tails.set(key, tail);
    this.#await(head, running, done, source);
  }

  /** Does what the call asks for: now, or in its turn. The guard is checked in the same moment. */
  #perform(
    { operation, path, name, guard, hasDefault = false }: CallHead,
    args: readonly unknown[],
    { value, exposure }: Source,
    running: RunningCall,
  ): unknown {
    const body = (): unknown => {
      if (guard !== undefined) this.#requireGuard(guard);
      const deed = { operation, path, name, args };
      return runAs(running, () => this.#do(value, deed, exposure));
    };
    if (exposure?.gate !== undefined)
      return exposure.gate.enter({ operation, running, hasDefault }, body);
    const hasTurns = exposure?.serialized === true && needsTurn(operation) && isObject(value);
    return hasTurns ? inTurn(value, running, body) : body();
  }

  #do(value: unknown, deed: Deed, exposure: Exposure | undefined): unknown {
    const { exposureOf, trust } = this.#options;
    return deed.operation === 'passTo'
      ? pass(subjectOf(value, deed, exposure, exposureOf), deed.args, trust)
      : perform(value, deed, exposure, exposureOf);
  }

  #requireGuard({ id, relative, fence }: Guard): void {
    requireHeldOf(() => this.#options.exchange.party.subject(id, relative).referent, fence);
  }

  #await(head: CallHead, running: RunningCall, done: Promise<Outcome>, source: Source): void {
    this.#running.set(head.callId, running);
    const kept = head.keep ? done.then((outcome) => keptOf(outcome, source.exposure)) : undefined;
    if (kept !== undefined) this.#answers.set(head.callId, kept);
    void done.then((outcome) => {
      // Forgotten meanwhile, its number may name another call by now.
      if (this.#running.get(head.callId) === running) this.#running.delete(head.callId);
      const isKept = kept !== undefined && this.#answers.get(head.callId) === kept;
      if (isKept) this.#answers.set(head.callId, keptOf(outcome, source.exposure));
      this.#answer(head, outcome, source);
      this.resume();
    });
  }

  /** The caller has given up: whether it was blocked or not, it is not any more. */
  cancel(callId: number, body: ByteReader): void {
    this.#laneCalls.delete(callId);
    const reason = this.#reasonOf(body);
    const at = this.#waiting.findIndex(({ head }) => head.callId === callId);
    const [waiting] = at === -1 ? [] : this.#waiting.splice(at, 1);
    if (waiting !== undefined) this.#conclude(waiting.head, { kind: 'throw', value: reason });
    else this.#running.get(callId)?.abort(reason);
  }

  #reasonOf(body: ByteReader): unknown {
    try {
      return this.#options.exchange.readValue(body, []);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      return error; // it is of a class that is not known here
    }
  }

  /** The caller has the result of that call, or gave up before it came. */
  confirmed(callId: number, received: boolean): void {
    const delivery = this.#unconfirmed.get(callId);
    if (delivery === undefined) {
      throw new ProtocolError(`Nothing was delivered to call ${String(callId)}`);
    }
    this.#unconfirmed.delete(callId);
    delivery.settle(received);
  }

  forget(callIds: readonly number[]): void {
    for (const callId of callIds) this.#answers.delete(callId);
  }

  /** Keeps the outcome of a call where the caller asked for that, and sends it. */
  #conclude(head: CallHead, outcome: Outcome, source?: Source): void {
    if (head.keep) this.#answers.set(head.callId, keptOf(outcome, source?.exposure));
    this.#answer(head, outcome, source);
  }

  #answer(head: CallHead, outcome: Outcome, source?: Source): void {
    this.#reply(head, outcome, source);
    this.#laneCalls.delete(head.callId);
  }

  /** Of a call that wanted no answer. */
  #tellFailure({ target }: CallHead, error: unknown): void {
    if (target.kind === 'object') this.#options.tellFailure(target.id, error);
  }

  #reply(head: CallHead, outcome: Outcome, source: Source | undefined): void {
    const delivery = outcome.value instanceof Delivery ? outcome.value : undefined;
    if (this.#options.ended() || !head.reply) {
      delivery?.settle(head.keep && !this.#options.ended());
      if (outcome.kind === 'throw' && !head.keep) this.#tellFailure(head, outcome.value);
      return;
    }
    if (outcome.kind === 'throw') {
      this.#answerError(head, outcome.value);
      return;
    }
    if (delivery !== undefined) {
      this.#deliver(head, delivery);
      return;
    }
    try {
      this.#sendResult(head, outcome.value, source);
    } catch (cause) {
      const what = head.name === '' ? head.operation : head.name;
      const text = `The result of "${what}" cannot be sent: ${messageOf(cause)}`;
      const error = new RemoteError(text, { cause, remoteName: SerializationError.name });
      this.#answerError(head, error);
    }
  }

  /** What cannot be sent was not delivered. */
  #deliver(head: CallHead, delivery: Delivery): void {
    const { exchange } = this.#options;
    try {
      this.#outboxFor(head).answer((writer) => {
        writeOutcomeHead(writer, 'deliver', head.callId);
        exchange.writeValue(writer, delivery.value, 'result', serializerOf(head));
      });
      this.#unconfirmed.set(head.callId, delivery);
    } catch (cause) {
      delivery.settle(false);
      this.#answerError(head, cause);
    }
  }

  #sendResult(head: CallHead, value: unknown, source: Source | undefined): void {
    const { exchange } = this.#options;
    const isMember = head.operation === 'call' && head.path.length === 0;
    const typeid = isMember ? source?.exposure?.resultTypes.get(head.name) : undefined;
    const isProxy = head.returns === 'proxy' || (isMember && answersItself(value, source));
    const purpose = purposeOf(head, source?.exposure);
    // What is shared inside of the result is copied with it.
    const result = purpose === 'container' && head.operation !== 'value' ? toPlain(value) : value;
    this.#outboxFor(head).answer((writer) => {
      writeOutcomeHead(writer, 'return', head.callId);
      if (typeid !== undefined) exchange.writeLent(writer, value, typeid);
      else if (isProxy && isObject(value)) exchange.writeLent(writer, value, '');
      else exchange.writeValue(writer, result, purpose, serializerOf(head));
    });
  }

  /** Down the lane, as long as its caller is blocked for that call. */
  #outboxFor({ callId }: CallHead): Outbox {
    const { outbox, lane } = this.#options;
    return this.#laneCalls.has(callId) ? (lane() ?? outbox) : outbox;
  }

  #answerError(head: CallHead, error: unknown): void {
    const { exchange } = this.#options;
    const serializer = isKnown(head) ? serializerOf(head) : undefined;
    const send = (value: unknown): void => {
      this.#outboxFor(head).answer((writer) => {
        writeOutcomeHead(writer, 'throw', head.callId);
        exchange.writeValue(writer, value, 'result', serializer);
      });
    };
    try {
      send(error);
    } catch (cause) {
      const text = `What was thrown cannot be sent: ${messageOf(cause)}`;
      send(new RemoteError(text, { remoteName: kindOf(error) }));
    }
  }

  end(reason: Error): void {
    const { caller } = this.#options;
    caller.leave();
    for (const running of this.#running.values()) running.abort(reason);
    this.#running.clear();
    for (const delivery of this.#unconfirmed.values()) delivery.settle(false);
    this.#unconfirmed.clear();
    caller.loseAll();
    this.#answers.clear();
    this.#tails.clear();
    this.#waiting.length = 0;
  }
}

function answersLater(name: string): UsageError {
  const what = name === '' ? 'A callback' : `Callback "${name}"`;
  return new UsageError(
    `${what} of a sync() call answers a promise, and the thread that should keep it is blocked: give a function that answers at once, or await the call instead`,
  );
}

/** What the answer is carried by: whatever carried the call. Throws `SerializationError` where it is not here. */
function serializerOf({ serializer }: CallHead): NamedSerializer | undefined {
  return serializer === undefined ? undefined : serializerOfPeer(serializer);
}

function isKnown(head: CallHead): boolean {
  try {
    serializerOf(head);
    return true;
  } catch {
    return false;
  }
}

/** Calls for one object keep their order; calls on answers follow those by themselves. */
function keyOf(head: CallHead): unknown {
  const { target } = head;
  return target.kind === 'object' ? target.id * 2 + (target.relative ? 1 : 0) : head;
}

/** An argument that cannot be had names itself in the error. */
async function settledNeeds(needs: Needs): Promise<void> {
  try {
    await Promise.all(needs);
  } catch (cause) {
    throw new SerializationError(`An argument cannot be used: ${messageOf(cause)}`, { cause });
  }
}

/** Of a delivery the value is kept, for calls on it: what it took was given to its caller. */
function keptOf(outcome: Outcome, exposure?: Exposure): Outcome {
  const { kind, value } = outcome;
  if (exposure?.lendsInstances === true) return { kind, value, lends: true };
  return value instanceof Delivery ? { kind, value: value.value } : outcome;
}

/** What is reached of an answer of an object that lends what it answers. */
const LENDING: Exposure = { ...openExposure('object'), lendsInstances: true };

function purposeOf({ returns }: CallHead, exposure: Exposure | undefined): Purpose {
  if (returns === 'copy') return 'container';
  return exposure?.lendsInstances === true ? 'instance' : 'result';
}

function valueOf(outcome: Outcome): unknown {
  if (outcome.kind === 'throw') rethrow(outcome.value);
  return outcome.value;
}

/** Plain objects are copied, but not where one is the referent, and a method of it answers itself. */
function answersItself(value: unknown, source: Source | undefined): boolean {
  return isObject(value) && value === source?.value && isPlainObject(value);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** The call that waits for it gives the error to its caller. */
function reportedByTheCall(): undefined {
  return undefined;
}
