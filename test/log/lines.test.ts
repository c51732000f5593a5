import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { Lines } from '../../src/log/lines';
import { readStamp, stampLines } from '../../src/log/stamps';

function linesOf(chunks: readonly Buffer[]): string[] {
  const found: string[] = [];
  const lines = new Lines((line) => found.push(line));
  for (const chunk of chunks) lines.push(chunk);
  lines.end();
  return found;
}

describe('lines', () => {
  it.each([
    ['nothing', '', []],
    ['one line', 'a\n', ['a']],
    ['a line without its end', 'a\nb', ['a', 'b']],
    ['empty lines', '\n\na\n', ['', '', 'a']],
    ['ends of Windows', 'a\r\nb\r\n', ['a', 'b']],
    ['a return inside of a line', 'a\rb\n', ['a\rb']],
  ])('%s', (_what, text, expected) => {
    expect(linesOf([Buffer.from(text)])).toEqual(expected);
  });

  it('are the same wherever the chunks are cut, in the middle of a character too', () => {
    const text = 'größer 🙂\nnächste\r\n\n最后';
    const expected = ['größer 🙂', 'nächste', '', '最后'];
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        expect(linesOf(chunks)).toEqual(expected);
      }),
    );
  });

  it('of bytes that are no text are lines all the same', () => {
    expect(linesOf([Buffer.from([0xff, 0xfe, 0x0a, 0x61, 0x0a])])).toEqual(['\ufffd\ufffd', 'a']);
  });

  it('are cut where they are too long, and say how much', () => {
    const found = linesOf([
      Buffer.from('x'.repeat(10_000)),
      Buffer.from('x'.repeat(10_000)),
      Buffer.from(`${'x'.repeat(10_000)}\nnext\n`),
    ]);
    expect(found).toEqual([`${'x'.repeat(16_384)} … (13616 more bytes)`, 'next']);
  });
});

describe('stamps', () => {
  /** What comes out of a stream with stamps, as the parent reads it. */
  async function printed(print: (stream: NodeJS.WriteStream) => void) {
    const stream = new PassThrough();
    stampLines(stream as unknown as NodeJS.WriteStream);
    const before = Date.now();
    print(stream as unknown as NodeJS.WriteStream);
    stream.end();
    const read: Buffer[] = [];
    for await (const chunk of stream) read.push(chunk as Buffer);
    const lines = linesOf(read).map(readStamp);
    for (const { time } of lines) expect(Math.abs(time - before)).toBeLessThan(5000);
    return lines.map(({ text }) => text);
  }

  it('tell the time of each line, and are taken off again', async () => {
    const lines = await printed((stream) => {
      stream.write('one\n');
      stream.write('two\nthree\n\nfour');
      stream.write(' goes on\n');
      stream.write(Buffer.from('bytes\n'));
      stream.write('six', 'utf8');
      stream.write('');
      stream.write(Buffer.from('\nc3a9'));
      stream.write('c3a9', 'hex');
      stream.write('\nlast');
    });
    expect(lines).toEqual([
      ...['one', 'two', 'three', '', 'four goes on', 'bytes'],
      ...['six', 'c3a9é', 'last'],
    ]);
  });

  it('are those of the writing, not of the reading', () => {
    expect(readStamp('\x001234.500\x00text')).toEqual({ text: 'text', time: 1234.5 });
    expect(readStamp('12 text').text).toBe('12 text');
  });

  it('call back, and answer what the stream answers', async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    stampLines(stream as unknown as NodeJS.WriteStream);
    stream.resume();
    await new Promise<void>((resolve) => stream.write('text\n', () => resolve()));
    await new Promise<void>((resolve) => stream.write('text\n', 'utf8', () => resolve()));
    stream.pause();
    expect(stream.write('longer than four\n')).toBe(false);
  });
});
