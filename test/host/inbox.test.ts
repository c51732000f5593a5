// Messages of one session by two links: each arrives once, in its order.
import * as fc from 'fast-check';
import { ProtocolError } from '../../src/base/errors';
import { type Counter, Inbox } from '../../src/host/inbox';
import { FrameReader } from '../../src/transport/frame-reader';
import { Outbox } from '../../src/transport/outbox';
import { readNumber } from '../../src/wire/frames';
import { FakeLink } from '../support/fake-link';

const CALL = 1;
const RETURN = 3;
const PING = 10;

const inboxOf = (): { inbox: Inbox; got: string[] } => {
  const got: string[] = [];
  const inbox = new Inbox((buffer, start, end) => {
    got.push(buffer.toString('latin1', start + 1, end));
  });
  return { inbox, got };
};
const message = (kind: number, text: string): Buffer =>
  Buffer.concat([Buffer.of(kind), Buffer.from(text)]);
const give = (inbox: Inbox, from: Counter, kind: number, text: string): void => {
  const bytes = message(kind, text);
  inbox.receive(from, bytes, 0, bytes.length);
};

it('what comes twice is dropped the second time', () => {
  const { inbox, got } = inboxOf();
  const [link, lane] = [{ next: 1 }, { next: 1 }];
  for (const text of ['a', 'b']) give(inbox, lane, CALL, text);
  for (const text of ['a', 'b', 'c']) give(inbox, link, CALL, text);
  expect(got).toEqual(['a', 'b', 'c']);
});

it('what comes too early waits for those before it', () => {
  const { inbox, got } = inboxOf();
  const [link, lane] = [{ next: 1 }, { next: 3 }];
  give(inbox, lane, CALL, 'c');
  give(inbox, lane, RETURN, 'd');
  give(inbox, link, CALL, 'a');
  expect(got).toEqual(['a']);
  give(inbox, link, CALL, 'b');
  expect(got).toEqual(['a', 'b', 'c', 'd']);
});

it('the bytes of an early one are its own', () => {
  const { inbox, got } = inboxOf();
  const bytes = message(CALL, 'b');
  inbox.receive({ next: 2 }, bytes, 0, bytes.length);
  bytes.fill(0);
  give(inbox, { next: 1 }, CALL, 'a');
  expect(got).toEqual(['a', 'b']);
});

it('an answer that comes twice is dropped too; a ping has no number', () => {
  const { inbox, got } = inboxOf();
  for (const link of [{ next: 1 }, { next: 1 }]) {
    give(inbox, link, RETURN, 'answer');
    give(inbox, link, PING, 'ping');
    expect(link.next).toBe(2);
  }
  expect(got).toEqual(['answer', 'ping', 'ping']);
});

it('a fault of the first is the fault of whoever brought it', () => {
  const inbox = new Inbox(() => {
    throw new ProtocolError('bad');
  });
  expect(() => give(inbox, { next: 1 }, CALL, 'a')).toThrow(ProtocolError);
});

/** One of the links: its frames reach the inbox as far as the test lets them. */
class Way {
  readonly link = new FakeLink();
  readonly #reader: FrameReader;
  #arrived = 0;

  constructor(inbox: Inbox) {
    const counter: Counter = { next: 1 };
    this.#reader = new FrameReader((buffer, start, end) => {
      const next = readNumber(buffer, start, end);
      if (next === undefined) inbox.receive(counter, buffer, start, end);
      else counter.next = next;
    }, 2 ** 30);
  }

  /** Not beyond what has left. */
  arrive(bytes: number): void {
    const end = Math.min(this.link.written - this.link.buffered, this.#arrived + bytes);
    if (end === this.#arrived) return;
    this.#reader.push(this.link.bytes.subarray(this.#arrived, end));
    this.#arrived = end;
  }
}

const SIZES = [1, 50, 3000, 300_000, 1_500_000];
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('send'), n: fc.nat(SIZES.length - 1) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('answer'), n: fc.nat(SIZES.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ping'), n: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('flush'), n: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave'), n: fc.nat(400_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('block'), n: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('by link'), n: fc.nat(300_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('by lane'), n: fc.nat(300_000) }) },
);

it('each arrives once and in order, however they are split over a link and a lane', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(10), (steps, opensAt) => {
      const { inbox, got } = inboxOf();
      const [link, lane] = [new Way(inbox), new Way(inbox)];
      const outbox = new Outbox({ numbered: true });
      const sent: string[] = [];
      let next = 1;
      const text = (n: number): string => {
        sent.push(`${String(sent.length)}:`.padEnd(SIZES[n]!, '.'));
        return sent.at(-1)!;
      };
      link.link.give(0);
      for (const [i, { kind, n }] of steps.entries()) {
        if (i === opensAt) outbox.open(link.link);
        if (kind === 'send') outbox.send((writer) => writer.raw(message(CALL, text(n))), true);
        if (kind === 'answer') outbox.answer((writer) => writer.raw(message(RETURN, text(n))));
        if (kind === 'ping') outbox.send((writer) => writer.raw(message(PING, 'ping')), false);
        if (kind === 'flush') outbox.flush();
        if (kind === 'leave') link.link.give(n);
        if (kind === 'block') next = outbox.writeTo(lane.link, next);
        if (kind === 'by link') link.arrive(n);
        if (kind === 'by lane') lane.arrive(n);
      }
      if (!outbox.isOpen) outbox.open(link.link);
      for (let i = 0; i < 200 && outbox.buffered > 0; i++) {
        link.link.give(2 ** 22);
        outbox.flush();
      }
      lane.arrive(2 ** 30);
      link.arrive(2 ** 30);
      expect(outbox.buffered).toBe(0);
      expect(got.filter((one) => one !== 'ping').map((one) => one.length)).toEqual(
        sent.map((one) => one.length),
      );
      expect(got.filter((one) => one !== 'ping').every((one, i) => one === sent[i])).toBe(true);
    }),
    { numRuns: 150 },
  );
});
