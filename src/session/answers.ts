// What calls of the other side come to: the answer goes where its caller listens, stays for further
// calls where that was asked for, and is the caller's when the caller has confirmed it.

import { ProtocolError, RemoteError, SerializationError, messageOf } from '../base/errors';
import { type Outbox } from '../transport/outbox';
import { type CallHead, writeOutcomeHead } from '../wire/frames';
import { isPlainObject, kindOf } from '../wire/plain';
import { type NamedSerializer, serializerOfPeer } from '../wire/serializers';
import { Delivery } from './delivery';
import { type Exchange } from './exchange';
import { type Exposure } from './exposure';
import { type Outcome } from './outcome';
import { type Purpose } from './parties';
import { toPlain } from './plain-copy';

export interface AnsweringOptions {
  readonly outbox: Outbox;
  /** Where answers go to a caller whose thread is blocked. */
  readonly lane: () => Outbox | undefined;
  readonly exchange: Exchange;
  readonly ended: () => boolean;
  /** A call of that object has failed, and nobody waits for its answer. */
  readonly tellFailure: (id: number, error: unknown) => void;
}

/** The object that answers. */
export interface Answering {
  readonly value: unknown;
  readonly exposure: Exposure | undefined;
}

export class Answers {
  readonly #options: AnsweringOptions;
  /** Outcomes that the peer may still name. */
  readonly #kept = new Map<number, Outcome | Promise<Outcome>>();
  /** Results that the caller has not confirmed, by call. */
  readonly #unconfirmed = new Map<number, Delivery>();
  /** By number, calls for which a thread of the peer is blocked. */
  readonly #laneCalls = new Set<number>();

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  /** Whether a thread of the peer is blocked. */
  get hasLaneCalls(): boolean {
    return this.#laneCalls.size > 0;
  }

  /** A thread of the peer is blocked for that call. */
  goByLane(callId: number): void {
    this.#laneCalls.add(callId);
  }

  /** No thread of the peer is blocked for that call any more. */
  goByLink(callId: number): void {
    this.#laneCalls.delete(callId);
  }

  keep(callId: number, outcome: Outcome | Promise<Outcome>): void {
    this.#kept.set(callId, outcome);
  }

  kept(callId: number): Outcome | Promise<Outcome> | undefined {
    return this.#kept.get(callId);
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
    for (const callId of callIds) this.#kept.delete(callId);
  }

  /** Keeps the outcome of a call where the caller asked for that, and sends it. */
  conclude(head: CallHead, outcome: Outcome, source?: Answering): void {
    if (head.keep) this.keep(head.callId, keptOf(outcome, source?.exposure));
    this.answer(head, outcome, source);
  }

  answer(head: CallHead, outcome: Outcome, source?: Answering): void {
    this.#reply(head, outcome, source);
    this.goByLink(head.callId);
  }

  /** Of a call that wanted no answer. */
  #tellFailure({ target }: CallHead, error: unknown): void {
    if (target.kind === 'object') this.#options.tellFailure(target.id, error);
  }

  #reply(head: CallHead, outcome: Outcome, source: Answering | undefined): void {
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

  #sendResult(head: CallHead, value: unknown, source: Answering | undefined): void {
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

  end(): void {
    for (const delivery of this.#unconfirmed.values()) delivery.settle(false);
    this.#unconfirmed.clear();
    this.#kept.clear();
  }
}

/** What the answer is carried by: whatever carried the call. Throws `SerializationError` where it is not here. */
export function serializerOf({ serializer }: CallHead): NamedSerializer | undefined {
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

/** Of a delivery the value is kept, for calls on it: what it took was given to its caller. */
export function keptOf(outcome: Outcome, exposure?: Exposure): Outcome {
  const { kind, value } = outcome;
  if (exposure?.lendsInstances === true) return { kind, value, lends: true };
  return value instanceof Delivery ? { kind, value: value.value } : outcome;
}

function purposeOf({ returns }: CallHead, exposure: Exposure | undefined): Purpose {
  if (returns === 'copy') return 'container';
  return exposure?.lendsInstances === true ? 'instance' : 'result';
}

/** Plain objects are copied, but not where one is the referent, and a method of it answers itself. */
function answersItself(value: unknown, source: Answering | undefined): boolean {
  return isObject(value) && value === source?.value && isPlainObject(value);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
