// Numbers, texts and lengths as bytes: both ways, at every edge, and what is no such thing.
import * as fc from 'fast-check';
import { ProtocolError } from '../../src/base/errors';
import { ByteReader, ByteWriter } from '../../src/wire/bytes';

const written = (write: (writer: ByteWriter) => void, size?: number): Buffer => {
  const writer = new ByteWriter(size);
  write(writer);
  return Buffer.from(writer.bytes);
};
const numberOf = (hex: string): number => new ByteReader(Buffer.from(hex, 'hex')).varint();
const textBack = (text: string, size?: number): string => {
  const reader = new ByteReader(written((writer) => writer.text(text), size));
  const back = reader.text();
  expect(reader.left).toBe(0);
  return back;
};

describe('a varint', () => {
  const table: [number, string][] = [
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [16_383, 'ff7f'],
    [16_384, '808001'],
    [2 ** 28, '8080808001'],
    [2 ** 31 - 1, 'ffffffff07'],
    [2 ** 31, '8080808008'],
    [2 ** 32, '8080808010'],
    [2 ** 49, '8080808080808001'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ];

  it.each(table)('of %d is %s, both ways', (value, hex) => {
    expect(written((writer) => writer.varint(value)).toString('hex')).toBe(hex);
    expect(numberOf(hex)).toBe(value);
  });

  it('comes back for every safe whole number', () => {
    const whole = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.nat(300));
    fc.assert(
      fc.property(whole, (value) => {
        const reader = new ByteReader(written((writer) => writer.varint(value), 1));
        return reader.varint() === value && reader.left === 0;
      }),
    );
  });

  it.each([
    'ffffffffffffff1f',
    'ffffffffffffffff01',
    '808080808080808080808080',
    '8080808080808010',
  ])('above 2^53 - 1, as %s, is refused', (hex) => {
    expect(() => numberOf(hex)).toThrow(ProtocolError);
  });

  it.each(['', '80', 'ffff'])('that ends too early, as "%s", is refused', (hex) => {
    expect(() => numberOf(hex)).toThrow(ProtocolError);
  });
});

describe('a text', () => {
  const odd = [
    '',
    'a',
    'x'.repeat(23),
    'x'.repeat(24),
    'x'.repeat(25),
    'x'.repeat(70_000),
    '\0',
    '\x7f',
    '\x80',
    '\xff',
    'é'.repeat(24),
    '€',
    '日本語',
    '😀',
    '\ud800',
    '\udc00',
    '\udc00\ud800',
    'a\ud83d',
    '\ufeffmark',
    `${'x'.repeat(30)}\udfff`,
    '__proto__',
  ];

  it.each(odd.map((text) => [JSON.stringify(text.slice(0, 30)), text]))(
    '%s comes back',
    (_name, text) => {
      expect(textBack(text)).toBe(text);
      expect(textBack(text, 1)).toBe(text);
    },
  );

  it('comes back whatever its code units are', () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 });
    fc.assert(
      fc.property(units, (codes) => {
        const text = String.fromCharCode(...codes);
        return textBack(text, 2) === text;
      }),
    );
  });

  it('is not confused with another of the same hash', () => {
    const texts = Array.from({ length: 5000 }, (_, i) => `key${(i * 7919).toString(36)}`);
    const bytes = written((writer) => texts.forEach((text) => writer.text(text)));
    for (let round = 0; round < 2; round++) {
      const reader = new ByteReader(bytes);
      expect(texts.map(() => reader.text())).toEqual(texts);
    }
  });

  it('that says it is longer than its bytes is refused before memory is taken', () => {
    for (const kind of [0, 1]) {
      const bytes = written((writer) => {
        writer.varint(2 ** 52 + kind);
        writer.raw(Buffer.from('abc'));
      });
      expect(() => new ByteReader(bytes).text()).toThrow(ProtocolError);
    }
  });
});

describe('a writer', () => {
  it('grows in the middle of everything', () => {
    const bytes = written((writer) => {
      writer.u8(1);
      writer.u32(0xfedcba98);
      writer.double(-0);
      writer.double(Number.NaN);
      writer.blob(Buffer.alloc(10, 7));
      writer.text('ünï');
      writer.varint(2 ** 40);
    }, 1);
    const reader = new ByteReader(bytes);
    expect(reader.u8()).toBe(1);
    expect(reader.u32()).toBe(0xfedcba98);
    expect(reader.double()).toBe(-0);
    expect(reader.double()).toBeNaN();
    expect(reader.blob()).toEqual(Buffer.alloc(10, 7));
    expect(reader.text()).toBe('ünï');
    expect(reader.varint()).toBe(2 ** 40);
    expect(reader.left).toBe(0);
  });

  it('gives what was written away, and starts anew in other memory', () => {
    const writer = new ByteWriter(4);
    writer.text('one');
    const one = writer.take();
    writer.text('two');
    expect(new ByteReader(one).text()).toBe('one');
    expect(writer.length).toBe(4);
  });

  it('makes room for bytes in what was written', () => {
    const writer = new ByteWriter(3);
    writer.raw(Buffer.from([1, 2, 5]));
    writer.insert(2, Buffer.from([3, 4]));
    writer.insert(0, Buffer.from([0]));
    writer.insert(6, Buffer.from([6]));
    expect([...writer.bytes]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('patches what was written before', () => {
    const writer = new ByteWriter(1);
    writer.u32(0);
    writer.u8(9);
    writer.patchU32(0, 0xffff_fffe);
    writer.patchU8(4, 8);
    expect(writer.bytes.toString('hex')).toBe('feffffff08');
    expect(writer.byteAt(4)).toBe(8);
  });
});

describe('a reader', () => {
  it('keeps to its part of the buffer', () => {
    const reader = new ByteReader(Buffer.from([9, 1, 2, 9, 9, 9, 9, 9, 9, 9, 9, 9]), 1, 3);
    expect(reader.left).toBe(2);
    expect(() => reader.u32()).toThrow(ProtocolError);
    expect(() => reader.double()).toThrow(ProtocolError);
    expect(() => reader.raw(3)).toThrow(ProtocolError);
    expect([...reader.raw(2)]).toEqual([1, 2]);
    expect(() => reader.u8()).toThrow(ProtocolError);
  });

  it('refuses a count that its bytes cannot hold', () => {
    const reader = new ByteReader(written((writer) => writer.varint(2 ** 40)));
    expect(() => reader.count()).toThrow(ProtocolError);
  });
});
