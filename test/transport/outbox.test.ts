// A numbered outbox: what has not certainly left goes by another link, once, and in its order.
import { FrameReader } from '../../src/transport/frame-reader';
import { Outbox } from '../../src/transport/outbox';
import { readNumber } from '../../src/wire/frames';
import { FakeLink } from '../support/fake-link';

const LARGE = 600_000;

const send = (outbox: Outbox, text: string, ordered = true): unknown =>
  outbox.send((writer) => writer.raw(Buffer.from(text)), ordered);

/** Texts of messages; of an `at` frame its number. Large ones by their first letter. */
function read(link: FakeLink): unknown[] {
  const messages: unknown[] = [];
  const reader = new FrameReader((buffer, start, end) => {
    const text = buffer.toString('latin1', start, end);
    messages.push(readNumber(buffer, start, end) ?? (text.length < LARGE ? text : `${text[0]!}…`));
  }, 2 ** 30);
  reader.push(link.bytes);
  return messages;
}

const opened = (): { outbox: Outbox; link: FakeLink; lane: FakeLink } => {
  const outbox = new Outbox({ numbered: true });
  const link = new FakeLink();
  outbox.open(link);
  return { outbox, link, lane: new FakeLink() };
};

/** The link sends all there is. */
function drain(outbox: Outbox, link: FakeLink): void {
  for (let i = 0; i < 20; i++) {
    link.give(2 ** 22);
    outbox.flush();
  }
  link.give(2 ** 22);
  expect(outbox.buffered).toBe(0);
}

describe('a lane', () => {
  it('takes what waits while no link is open, and the link goes on behind it', () => {
    const outbox = new Outbox({ numbered: true });
    const [link, lane] = [new FakeLink(), new FakeLink()];
    for (const text of ['a', 'b']) send(outbox, text);
    expect(outbox.writeTo(lane, 1)).toBe(3);
    send(outbox, 'c');
    outbox.open(link);
    expect(read(lane)).toEqual(['a', 'b']);
    expect(read(link)).toEqual([3, 'c']);
  });

  it('takes the large messages that no link has begun, in their order', () => {
    const outbox = new Outbox({ numbered: true });
    const lane = new FakeLink();
    for (const text of ['a', 'x'.repeat(LARGE), 'b']) send(outbox, text);
    expect(outbox.writeTo(lane, 1)).toBe(4);
    expect(read(lane)).toEqual(['a', 'x…', 'b']);
    expect(outbox.buffered).toBe(0);
  });

  it('gets nothing of what has left', () => {
    const { outbox, lane } = opened();
    send(outbox, 'a');
    outbox.flush();
    send(outbox, 'b');
    expect(outbox.writeTo(lane, 1)).toBe(3);
    expect(read(lane)).toEqual([2, 'b']);
    expect(outbox.writeTo(lane, 3)).toBe(3);
    expect(read(lane)).toEqual([2, 'b']);
  });

  it('gets again what the link was given and had not sent, and only as much', () => {
    const { outbox, link, lane } = opened();
    link.give(0);
    for (const text of ['a', 'b', 'c']) {
      send(outbox, text);
      outbox.flush();
    }
    link.give(6); // all of a, and a part of b
    expect(outbox.writeTo(lane, 1)).toBe(4);
    expect(read(lane)).toEqual([2, 'b', 'c']);
    expect(read(link)).toEqual(['a', 'b', 'c']);
  });

  it('is given an answer as a message among the others, where they are numbered', () => {
    const { outbox, link, lane } = opened();
    link.give(0);
    send(outbox, 'x'.repeat(LARGE));
    outbox.answer((writer) => writer.raw(Buffer.from('answer')));
    expect(outbox.writeTo(lane, 1)).toBe(3);
    expect(read(lane)).toEqual(['x…', 'answer']);
    const plain = new Outbox();
    send(plain, 'x'.repeat(LARGE));
    plain.answer((writer) => writer.raw(Buffer.from('answer')));
    const other = new FakeLink();
    plain.open(other);
    expect(read(other)).toEqual(['answer', 'x…']);
  });
});

describe('a large message that the link has begun', () => {
  it('is ended there, and goes by the lane once', () => {
    const { outbox, link, lane } = opened();
    link.give(0);
    send(outbox, 'x'.repeat(2 * 2 ** 20));
    outbox.flush(); // as much as it takes ahead
    send(outbox, 'y');
    const next = outbox.writeTo(lane, 1);
    send(outbox, 'z');
    expect(outbox.writeTo(lane, next)).toBe(4);
    expect(read(lane)).toEqual(['x…', 'y', 'z']);
    send(outbox, 'last');
    drain(outbox, link);
    expect(read(link)).toEqual(['x…', 4, 'last']);
  });
});

it('what the link has sent is not kept, however long it is never quite empty', () => {
  const { outbox, link, lane } = opened();
  link.give(0);
  const write = jest.spyOn(lane, 'write');
  for (let i = 0; i < 100; i++) {
    send(outbox, 'x'.repeat(1000));
    outbox.flush();
    link.give(i === 0 ? 500 : 1004);
  }
  outbox.writeTo(lane, 1);
  expect(write.mock.calls.length).toBeLessThanOrEqual(3); // where it stands, and what may not have left
});

it('a message composed inside of another keeps its kind', () => {
  const { outbox, link } = opened();
  send(outbox, 'x'.repeat(2 * 2 ** 20));
  link.give(0);
  outbox.flush();
  outbox.send((writer) => {
    send(outbox, 'ping', false);
    writer.raw(Buffer.from('outer'));
  }, true);
  drain(outbox, link);
  expect(read(link)).toEqual(['ping', 'x…', 'outer']);
});

it('tells while a message is being composed', () => {
  const { outbox } = opened();
  const seen: boolean[] = [];
  outbox.send((writer) => {
    seen.push(outbox.isComposing);
    writer.u8(1);
  }, true);
  expect([...seen, outbox.isComposing]).toEqual([true, false]);
});
