// Two sessions joined by links in memory, each with a party that lends anything and counts it.
import { DEFAULT_LIMITS, type Limits } from '../../src/base/limits';
import { ObjectGoneError, ProtocolError } from '../../src/base/errors';
import { Lease } from '../../src/refs/lease';
import { openExposure } from '../../src/session/exposure';
import {
  type Creation,
  type Lent,
  type Party,
  type Subject,
  type Translator,
} from '../../src/session/parties';
import { type CallRequest } from '../../src/session/outgoing';
import { Session } from '../../src/session/session';
import { FrameReader } from '../../src/transport/frame-reader';
import { Outbox } from '../../src/transport/outbox';
import { type Link } from '../../src/transport/link';
import { memoryPair } from '../../src/transport/memory';
import { type ByteWriter } from '../../src/wire/bytes';
import { describeFrame, readFrame } from '../../src/wire/frames';

/** A stand-in of what the other side lent. */
export class FakeHandle {
  readonly lease: Lease;
  constructor(lease: Lease) {
    this.lease = lease;
  }
}

/** Lends what it is asked for, under numbers from 1; `put` lends without counting a frame. */
export class FakeParty implements Party {
  readonly counts = new Map<number, number>();
  readonly subjects = new Map<number, Partial<Subject> & { referent: object | undefined }>();
  readonly created: Creation[] = [];
  readonly #idOf = new Map<object, number>();
  #last = 0;

  /** From now on the peer holds `referent` once, under the number that is answered. */
  put(referent: object): number {
    return this.lend(referent).id;
  }

  subject(id: number): Subject {
    const subject = this.subjects.get(id);
    if (subject === undefined) throw new ObjectGoneError(`object ${id} is gone`);
    return {
      exposure: openExposure('fake'),
      ready: undefined,
      failure: undefined,
      owned: false,
      ...subject,
    };
  }

  lend(value: object): Lent {
    let id = this.#idOf.get(value);
    if (id === undefined) {
      id = ++this.#last;
      this.#idOf.set(value, id);
    }
    if (!this.subjects.has(id)) this.subjects.set(id, { referent: value });
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
    return { id, typeid: 'fake', callable: typeof value === 'function' };
  }

  released(id: number, count: number): void {
    const left = (this.counts.get(id) ?? 0) - count;
    if (left < 0) throw new ProtocolError(`released ${count} of ${id}`);
    if (left > 0) {
      this.counts.set(id, left);
      return;
    }
    this.counts.delete(id);
    this.subjects.delete(id);
  }

  duplicate(id: number): void {
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
  }

  create(creation: Creation): void {
    this.created.push(creation);
  }

  mint(): void {
    throw new ProtocolError('nothing is minted here');
  }
}

const translator: Translator = {
  leaseOf: (value) => (value instanceof FakeHandle ? value.lease : undefined),
  pathOf: () => undefined,
  onceToken: () => undefined,
  nameTokenOf: () => undefined,
  adopt: (lease) => new FakeHandle(lease),
  open: (text) => {
    throw new ObjectGoneError(`no manager for ${text}`);
  },
};

export class Side {
  readonly outbox = new Outbox();
  readonly party = new FakeParty();
  readonly session: Session;
  /** What came in, as `describeFrame` tells it. */
  readonly heard: string[] = [];
  fault: unknown;
  readonly link: Link;

  constructor(link: Link, limits: Limits) {
    this.link = link;
    this.session = new Session({
      outbox: this.outbox,
      party: this.party,
      translator,
      limits,
      peer: link.peer,
      canRelease: () => true,
      onControl: () => undefined,
    });
    const reader = new FrameReader((buffer, start, end) => {
      this.heard.push(describeFrame(readFrame(Buffer.from(buffer.subarray(start, end)))));
      this.session.receive(buffer, start, end);
    }, limits.messageBytes);
    link.listen({
      data: (chunk) => {
        try {
          reader.push(chunk);
        } catch (error) {
          this.fault = error;
          this.session.end(error as Error);
          link.destroy();
        }
      },
      drain: () => undefined,
      close: () => {
        this.session.end(new ObjectGoneError('the link has closed'));
      },
    });
    this.outbox.open(link);
  }

  /** A call of what the other side lent under `id`. */
  call(
    id: number,
    name: string,
    args: unknown[] = [],
    more: Partial<CallRequest> = {},
  ): Promise<unknown> {
    return this.session.call(this.request(id, name, args, more));
  }

  request(
    id: number,
    name: string,
    args: unknown[] = [],
    more: Partial<CallRequest> = {},
  ): CallRequest {
    const target = new Lease(this.session, { id, typeid: 'fake' });
    return { target, operation: 'call', path: [], name, args, purpose: 'argument', ...more };
  }

  /** Sends a message that no honest session would. */
  sendRaw(compose: (writer: ByteWriter) => void): void {
    this.outbox.send(compose, true);
    this.outbox.flush();
  }
}

export class SessionPair {
  readonly client: Side;
  readonly server: Side;

  constructor(limits: Partial<Limits> = {}) {
    const [left, right] = memoryPair();
    const all = { ...DEFAULT_LIMITS, ...limits };
    this.client = new Side(left, all);
    this.server = new Side(right, all);
  }

  /** Resolves when nothing is under way any more: both loops had nothing to do for some turns. */
  async settle(turns = 12): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      this.client.outbox.flush();
      this.server.outbox.flush();
    }
  }

  /** What is left: calls that wait or run, and counts beyond those in `kept`. */
  get rest(): object {
    const { client, server } = this;
    return {
      pending: client.session.pendingCalls + server.session.pendingCalls,
      running: client.session.runningCalls + server.session.runningCalls,
      clientLends: client.party.counts.size,
      serverLends: server.party.counts.size,
    };
  }

  close(): void {
    this.client.session.end(new ObjectGoneError('the test is over'));
    this.server.session.end(new ObjectGoneError('the test is over'));
    this.client.link.destroy();
  }
}
