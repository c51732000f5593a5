// Messages over a link: one write a tick, parts of large ones, and bytes however they come.
import * as fc from 'fast-check';
import { LimitError, ProtocolError } from '../../src/base/errors';
import { FrameReader } from '../../src/transport/frame-reader';
import { Outbox } from '../../src/transport/outbox';
import { FakeLink } from '../support/fake-link';

const opened = (): { outbox: Outbox; link: FakeLink } => {
  const outbox = new Outbox();
  const link = new FakeLink();
  outbox.open(link);
  return { outbox, link };
};
const send = (outbox: Outbox, text: string, ordered = true): unknown =>
  outbox.send((writer) => writer.raw(Buffer.from(text)), ordered);
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function read(chunks: Buffer[], messageBytes = 2 ** 30): string[] {
  const messages: string[] = [];
  const reader = new FrameReader((buffer, start, end) => {
    messages.push(buffer.toString('latin1', start, end));
  }, messageBytes);
  for (const chunk of chunks) reader.push(chunk);
  return messages;
}
const frame = (length: number, ...bytes: number[]): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(length >>> 0);
  return Buffer.concat([head, Buffer.from(bytes)]);
};
const part = (...bytes: number[]): Buffer => frame(0x8000_0000 + bytes.length, ...bytes);
const large = (letter: string): string => letter.repeat(600_000);

describe('messages of one tick', () => {
  it('leave in one write, those of its microtasks too', async () => {
    const { outbox, link } = opened();
    send(outbox, 'a');
    void Promise.resolve().then(() => send(outbox, 'b'));
    process.nextTick(() => send(outbox, 'c'));
    await tick();
    expect(link.writes).toHaveLength(1);
    expect(read(link.writes).sort()).toEqual(['a', 'b', 'c']);
    expect(outbox.buffered).toBe(0);
  });

  it('wait for the link', async () => {
    const outbox = new Outbox();
    send(outbox, 'early');
    await tick();
    expect(outbox.buffered).toBe(9);
    const link = new FakeLink();
    outbox.open(link);
    expect(read(link.writes)).toEqual(['early']);
  });

  it('are dropped one by one where composing throws', async () => {
    const { outbox, link } = opened();
    send(outbox, 'a');
    expect(() =>
      outbox.send((writer) => {
        writer.text('half');
        throw new Error('no');
      }, true),
    ).toThrow('no');
    send(outbox, 'b');
    await tick();
    expect(read(link.writes)).toEqual(['a', 'b']);
  });

  it('composed inside of another follow it, also where that one throws', async () => {
    for (const fails of [false, true]) {
      const { outbox, link } = opened();
      const compose = (): unknown =>
        outbox.send((writer) => {
          send(outbox, 'inner');
          writer.raw(Buffer.from('outer'));
          if (fails) throw new Error('no');
        }, true);
      if (fails) expect(compose).toThrow('no');
      else compose();
      await tick();
      expect(read(link.writes)).toEqual(fails ? ['inner'] : ['outer', 'inner']);
    }
  });

  it('can be changed until they have left, and not after', async () => {
    const { outbox, link } = opened();
    const place = outbox.send((writer) => writer.raw(Buffer.from('abc')), true)!;
    Outbox.batchOf(place)!.patchU8(place.at, 'X'.charCodeAt(0));
    await tick();
    expect(Outbox.batchOf(place)).toBeUndefined();
    expect(read(link.writes)).toEqual(['Xbc']);
  });
});

describe('a large message', () => {
  it('goes in parts, which replies pass and ordered messages do not', () => {
    const { outbox, link } = opened();
    link.isFull = true; // the link is full: parts wait with us
    send(outbox, 'before');
    send(outbox, large('x'));
    send(outbox, 'after');
    send(outbox, 'reply', false);
    outbox.flush();
    expect(read(link.writes)).toEqual(['before', 'reply']);
    link.isFull = false;
    outbox.flush();
    expect(read(link.writes)).toEqual(['before', 'reply', large('x'), 'after']);
    expect(outbox.buffered).toBe(0);
  });

  it('is passed between its parts', () => {
    const { outbox, link } = opened();
    send(outbox, large('x'));
    const write = link.write.bind(link);
    link.write = (bytes) => {
      write(bytes);
      link.isFull = true; // full after every chunk
    };
    outbox.flush();
    send(outbox, 'reply', false);
    for (let i = 0; i < 6; i++) {
      link.isFull = false;
      outbox.flush();
    }
    expect(read(link.writes)).toEqual(['reply', large('x')]);
  });

  it.each([256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 512 * 1024, 512 * 1024 + 1])(
    'of %d bytes arrives',
    (size) => {
      const { outbox, link } = opened();
      send(outbox, 'y'.repeat(size));
      send(outbox, large('z'), false);
      outbox.flush();
      expect(read(link.writes).map((text) => text.length)).toEqual([size, 600_000]);
    },
  );

  // Known: U28 of the unit bugs. Say `it` once it is fixed.
  it('that is closed before it left takes no memory any more', () => {
    const outbox = new Outbox();
    send(outbox, large('x'));
    send(outbox, 'y');
    outbox.close();
    expect(outbox.buffered).toBeLessThan(600_000);
  });
});

describe('a reader', () => {
  it('finds messages whose bytes come one by one', () => {
    const { outbox, link } = opened();
    for (const text of ['', 'a', 'b'.repeat(300), '', 'c']) send(outbox, text);
    outbox.flush();
    expect(read([...link.bytes].map((byte) => Buffer.from([byte])))).toEqual([
      '',
      'a',
      'b'.repeat(300),
      '',
      'c',
    ]);
  });

  it('finds them however they are cut', () => {
    const sizes = fc.array(fc.oneof(fc.nat(50), fc.nat(3000)), { maxLength: 12 });
    fc.assert(
      fc.property(
        sizes,
        fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 20 }),
        (lengths, cuts) => {
          const texts = lengths.map((length, i) => String.fromCharCode(97 + i).repeat(length));
          const { outbox, link } = opened();
          for (const text of texts) send(outbox, text);
          outbox.flush();
          const chunks: Buffer[] = [];
          for (let at = 0, i = 0; at < link.bytes.length; at += cuts[i++ % cuts.length]!)
            chunks.push(link.bytes.subarray(at, at + cuts[i % cuts.length]!));
          return JSON.stringify(read(chunks)) === JSON.stringify(texts);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('can be read on by whoever takes a message, from a chunk that is only lent', () => {
    const chunk = Buffer.alloc(64);
    const lend = (...frames: Buffer[]): Buffer => {
      const bytes = Buffer.concat(frames);
      chunk.fill(0xff);
      bytes.copy(chunk);
      return chunk.subarray(0, bytes.length);
    };
    const text = (word: string): Buffer => frame(word.length, ...Buffer.from(word));
    const messages: string[] = [];
    const reader = new FrameReader(
      (buffer, start, end) => {
        const word = buffer.toString('latin1', start, end);
        messages.push(word);
        if (word !== 'first') return;
        expect(reader.hasMore).toBe(true);
        reader.readOn(); // before another chunk takes the place of this one
        expect(reader.hasMore).toBe(false);
        reader.push(lend(text('half').subarray(5), text('inner')));
        messages.push('done');
      },
      100,
      true,
    );
    reader.push(lend(text('first'), text('second'), text('half').subarray(0, 5)));
    reader.push(lend(text('last')));
    expect(messages).toEqual(['first', 'second', 'half', 'inner', 'done', 'last']);
  });

  it('refuses a message that is too long from its header', () => {
    expect(() => read([frame(101)], 100)).toThrow(LimitError);
    expect(() => read([frame(0x7fff_ffff)], 2 ** 20)).toThrow(LimitError);
    expect(read([frame(100, 1)], 100)).toEqual([]);
  });

  it('refuses one in parts from the header of its first', () => {
    expect(() => read([part(0, 1, 101)], 100)).toThrow(LimitError);
  });

  const parts: [string, Buffer[]][] = [
    ['a part of no message', [part(1, 0, 65)]],
    ['a first part twice', [part(1, 1, 9, 65), part(1, 1, 9, 65)]],
    ['parts that are longer', [part(1, 1, 2, 65), part(1, 2, 65, 65)]],
    ['parts that are shorter', [part(1, 1, 9, 65), part(1, 2, 65)]],
    ['a part without its head', [part()]],
    ['a part whose head is cut', [part(0x80)]],
  ];
  it.each(parts)('refuses %s', (_name, chunks) => {
    expect(() => read(chunks)).toThrow(ProtocolError);
  });

  it('puts parts of several messages together', () => {
    expect(read([part(1, 1, 2, 65), part(2, 1, 2, 66), part(1, 2, 65), part(2, 2, 66)])).toEqual([
      'AA',
      'BB',
    ]);
  });
});
