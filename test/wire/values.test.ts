// Every kind of value, there and back; what cannot cross; what hostile bytes do.
import { deserialize, serialize } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { LimitError, ProtocolError, SerializationError } from '../../src/base/errors';
import { ByteReader, ByteWriter } from '../../src/wire/bytes';
import { type ValueLimits } from '../../src/wire/refusals';
import {
  type NamedSerializer,
  type Serializer,
  registerSerializer,
  requireSerializer,
} from '../../src/wire/serializers';
import { ValueDecoder, type ValueOf } from '../../src/wire/value-decoder';
import { ValueEncoder } from '../../src/wire/value-encoder';
import { packValue, unpackValue } from '../../src/wire/values';

/** Deep equality, -0 and holes included, whatever realm the objects are of. */
const same = (a: unknown, b: unknown): boolean =>
  isDeepStrictEqual(deserialize(serialize(a)), deserialize(serialize(b)));
const back = <T>(value: T): T => unpackValue(packValue(value)) as T;

const decodeValue = (reader: ByteReader, valueOf: ValueOf): unknown =>
  new ValueDecoder(reader, valueOf).decode();

class Point {
  x = 1;
}

/** There and back with a reference table: what is not data becomes a reference. */
function through(
  value: unknown,
  limits?: ValueLimits,
  serializer?: NamedSerializer,
): { got: unknown; table: unknown[] } {
  const table: unknown[] = [];
  const writer = new ByteWriter(1);
  const referenceOf = (object: object): number | undefined => {
    const mayRefer = typeof object === 'function' || object instanceof Point;
    if (!mayRefer) return undefined;
    if (!table.includes(object)) table.push(object);
    return table.indexOf(object);
  };
  new ValueEncoder(writer, referenceOf, limits, serializer).encode(value, 'it');
  const reader = new ByteReader(Buffer.from(writer.bytes));
  const got = decodeValue(reader, (index) => table[index]);
  expect(reader.left).toBe(0);
  return { got, table };
}

const deep = (levels: number): unknown => {
  let value: unknown = 'end';
  for (let i = 0; i < levels; i++) value = [value];
  return value;
};

const backwards: Serializer = {
  encode: (value) => Buffer.from(JSON.stringify(value)).reverse(),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).reverse().toString()) as unknown,
};
registerSerializer('backwards', backwards);

describe.each(['v8', 'json', 'msgpack', 'backwards'])('a value comes back by %s', (name) => {
  const serializer = requireSerializer(name);
  const throughTable = (value: unknown) => through(value, undefined, serializer);
  const back = <T>(value: T): T => throughTable(value).got as T;

  const table: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['true', true],
    ['false', false],
    ['0', 0],
    ['-0', -0],
    ['127', 127],
    ['128', 128],
    ['-1', -1],
    ['-128', -128],
    ['2^53 - 1', Number.MAX_SAFE_INTEGER],
    ['-(2^53 - 1)', Number.MIN_SAFE_INTEGER],
    ['2^53', 2 ** 53],
    ['1.5', 1.5],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['5e-324', Number.MIN_VALUE],
    ['an empty text', ''],
    ['a lone surrogate', '\ud800'],
    ['0n', 0n],
    ['-1n', -1n],
    ['2n ** 64n', 2n ** 64n],
    ['-(36n ** 10n)', -(36n ** 10n)],
    ['36n ** 10n - 1n', 36n ** 10n - 1n],
    ['a bigint of 1000 digits', 10n ** 999n + 7n],
    ['a date', new Date(1234.0)],
    ['a date before 1970', new Date(-1e12)],
    ['a Buffer', Buffer.from('bytes')],
    ['an empty Buffer', Buffer.alloc(0)],
    ['a Uint8Array', new Uint8Array([1, 2, 255])],
    ['a Uint8Array inside', { a: new Uint8Array([1]), b: [Buffer.from('x')] }],
    ['a Uint8ClampedArray', new Uint8ClampedArray([1, 300])],
    ['an Int8Array', new Int8Array([-1])],
    ['a Uint16Array', new Uint16Array([65_535])],
    ['an Int16Array', new Int16Array([-2])],
    ['a Uint32Array', new Uint32Array([2 ** 32 - 1])],
    ['an Int32Array', new Int32Array([-3])],
    ['a Float32Array', new Float32Array([1.5, NaN])],
    ['a Float64Array', new Float64Array([-0, Math.PI])],
    ['a BigInt64Array', new BigInt64Array([-1n])],
    ['a BigUint64Array', new BigUint64Array([2n ** 63n])],
    ['a DataView', new DataView(Uint8Array.from([1, 2, 3]).buffer, 1)],
    ['a part of a typed array', new Float64Array([1, 2, 3, 4]).subarray(1, 3)],
    ['an ArrayBuffer', Uint8Array.from([4, 5]).buffer],
    ['a RegExp', /a+/giu],
    ['a boxed number', Object(1)],
    ['a boxed text', Object('t')],
    ['a boxed boolean', Object(false)],
    ['a boxed bigint', Object(1n)],
    ['an empty array', []],
    ['an empty object', {}],
    ['a small array', [1, 'two', null, undefined, 3n, [4], { five: 5 }]],
    ['a long array', Array.from({ length: 5000 }, (_, i) => i)],
    ['an array with holes', [1, , 3]], // eslint-disable-line no-sparse-arrays
    ['an array that ends in holes', new Array(3)],
    [
      'an object of many keys',
      Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, i])),
    ],
    ['an object with odd keys', { '': 0, constructor: 1, toString: 2, then: 3, '0': 4, ключ: 5 }],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['a', 1],
        [NaN, -0],
        [null, undefined],
        [{ k: 1 }, new Map()],
      ]),
    ],
    ['a Set', new Set<unknown>([1, 'a', NaN, new Set([2])])],
    ['a wide tree', Array.from({ length: 40 }, (_, i) => ({ i, list: [i] }))],
    ['the key @r', { '@r': 0 }],
    ['the key @r among others', { '@r': { deep: [1] }, other: new Date(5) }],
    ['the key @r inside', [new Map(), { '@r': 1 }, { a: { '@r': { '@r': null } } }]],
    ['the key @r in a Map and a Set', new Map([[{ '@r': 1 }, new Set([{ '@r': 2 }])]])],
    ['the key @referent', { '@referent': 'no token' }],
  ];

  it.each(table)('%s', (_name, value) => {
    const got = back(value);
    expect(same(got, value)).toBe(true);
    expect(Object.is(got, -0)).toBe(Object.is(value, -0));
    const inside = back({ deep: [value, new Date(1)] });
    expect(same(inside, { deep: [value, new Date(1)] })).toBe(true);
  });

  it('an invalid date', () => {
    expect(back(new Date(NaN)).getTime()).toBeNaN();
    expect(back([new Date(NaN)])[0]?.getTime()).toBeNaN();
  });

  it('of another realm too', () => {
    const foreign = runInNewContext(
      `({ a: [1, new Map([['k', new Set([1])]])], d: new Date(5), n: Object.create(null) })`,
    ) as object;
    expect(back(foreign)).toEqual({
      a: [1, new Map([['k', new Set([1])]])],
      d: new Date(5),
      n: {},
    });
  });

  const pack = (value: unknown): Buffer => {
    const writer = new ByteWriter(1);
    new ValueEncoder(writer, () => undefined, undefined, serializer).encode(value, 'it');
    return writer.take();
  };
  const unpack = (bytes: Buffer): unknown => decodeValue(new ByteReader(bytes), () => undefined);

  it('as a copy, whose bytes are its own', () => {
    const bytes = Buffer.from('abc');
    const packed = pack(bytes);
    const got = unpack(packed) as Buffer;
    packed.fill(0);
    expect(got.toString()).toBe('abc');
    const whole = pack([new Date(1), bytes]);
    const list = unpack(whole) as [Date, Buffer];
    whole.fill(0);
    expect(list[1].toString()).toBe('abc');
  });

  it('with its cycles', () => {
    const loop: Record<string, unknown> = { list: [] };
    (loop.list as unknown[]).push(loop, new Map([['loop', loop]]));
    const got = back(loop);
    expect((got.list as unknown[])[0]).toBe(got);
    expect(((got.list as unknown[])[1] as Map<string, unknown>).get('loop')).toBe(got);
    expect(back([loop])).toHaveLength(1);
  });

  it('with what it holds twice held twice', () => {
    const shared = { n: 1 };
    const [a, b] = back([shared, shared]) as [object, object];
    expect(a).toBe(b);
    const date = new Date(1);
    const { x, y } = back({ x: date, y: [date] });
    expect(y[0]).toBe(x);
    const tail = Array.from({ length: 30 }, () => shared);
    expect(new Set(back(tail)).size).toBe(1);
  });

  it('with references beside shared and cyclic parts', () => {
    const call = (): void => {};
    const point = new Point();
    const loop: Record<string, unknown> = { call, when: new Date(3) };
    loop.self = loop;
    const value = {
      loop,
      again: loop,
      list: [call, point],
      map: new Map<unknown, unknown>([[point, call]]),
    };
    const { got, table } = throughTable(value);
    expect(table).toHaveLength(2);
    expect(got).toEqual(value);
    const copy = got as typeof value;
    expect(copy.loop).toBe(copy.again);
    expect(copy.loop.self).toBe(copy.loop);
    expect(copy.list[0]).toBe(call);
    expect(copy.map.get(point)).toBe(call);
  });

  it('with a reference beside the key @r', () => {
    const call = (): void => {};
    const value = { '@r': call, list: [{ '@r': 0 }, call, new Date(1)] };
    expect(throughTable(value).got).toEqual(value);
    expect(throughTable([call, call]).got).toEqual([call, call]);
    expect(throughTable(call).got).toBe(call);
  });

  it('with an object of the key @r that is held twice', () => {
    const odd = { '@r': 1 };
    const [a, b] = back([odd, odd]) as [object, object];
    expect(a).toBe(b);
  });

  it('whatever structured clone keeps', () => {
    const key = fc.string().filter((name) => name !== '__proto__');
    const { tree } = fc.letrec((tie) => ({
      leaf: fc.oneof(
        fc.integer(),
        fc.double(),
        fc.string({ unit: 'binary' }),
        fc.bigInt(),
        fc.boolean(),
        fc.constantFrom(null, undefined, -0),
        fc.date({ noInvalidDate: true }),
        fc.uint8Array({ maxLength: 20 }),
        fc.float64Array({ maxLength: 5 }),
      ),
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 6 }),
        fc.dictionary(fc.oneof(key, fc.constant('@r')), tie('tree'), {
          maxKeys: 6,
          noNullPrototype: true,
        }),
        fc
          .array(fc.tuple(tie('leaf'), tie('tree')), { maxLength: 4 })
          .map((entries) => new Map(entries)),
        fc.array(tie('leaf'), { maxLength: 4 }).map((items) => new Set(items)),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => same(back(value), value)),
      { numRuns: 300 },
    );
  });
});

describe('a value that cannot cross', () => {
  class Fields {
    #hidden = 1;
    get hidden(): number {
      return this.#hidden;
    }
  }
  const big = Array.from({ length: 20 }, () => ({}));
  const bare: [string, unknown, string][] = [
    ['a symbol', Symbol('s'), 'the value: symbol'],
    ['a function', function named(): void {}, 'the value: function named'],
    ['a class instance', new Fields(), 'the value: an instance of Fields'],
    [
      'an instance in an object',
      { a: { b: [0, new Fields()] } },
      'the value.a.b[1]: an instance of Fields',
    ],
    ['an instance in a big tree', [...big, new Fields()], 'the value[20]: an instance of Fields'],
    ['an instance in a Map', new Map([['k', new Fields()]]), 'the value.get("k"): an instance'],
    ['an instance as a key', new Map([[new Fields(), 1]]), 'a key of the value: an instance'],
    ['an instance in a Set', new Set([new Fields()]), 'a member of the value: an instance'],
    ['a symbol in an array', [1, Symbol('s')], 'the value[1]: symbol'],
    ['a symbol in an object', { a: { b: Symbol('s') } }, 'the value.a.b: symbol'],
    ['a symbol in a big tree', [...big, { s: Symbol('s') }], 'the value[20].s: symbol'],
    ['a symbol as a key', { a: { [Symbol('s')]: 1 } }, 'the value.a: it has the key Symbol(s)'],
    [
      'a key __proto__',
      { a: JSON.parse('{"__proto__": 1}') as object },
      'the value.a: it has a key "__proto__"',
    ],
    [
      'a key __proto__ in a big tree',
      [...big, JSON.parse('{"__proto__": 1}')],
      'the value[20]: it has',
    ],
    ['a promise', Promise.resolve(1), 'the value: a promise'],
    ['a WeakMap', new WeakMap(), 'the value: an instance of WeakMap'],
    ['a URL', new URL('http://a'), 'the value: an instance of URL'],
    ['a Map of an own class', new (class Dict extends Map {})(), 'the value: an instance of Dict'],
    [
      'an Array of an own class',
      new (class List extends Array {})(),
      'the value: an instance of List',
    ],
    ['a Date of an own class', new (class Day extends Date {})(), 'the value: an instance of Day'],
    ['an object with a prototype', Object.create({ a: 1 }), 'the value: '],
    [
      'a SharedArrayBuffer',
      new SharedArrayBuffer(2),
      'the value: an instance of SharedArrayBuffer',
    ],
    ['an iterator', [1][Symbol.iterator](), 'the value: '],
  ];

  it.each(bare)('%s is refused, and the error says where it is', (_name, value, where) => {
    expect(() => packValue(value)).toThrow(SerializationError);
    expect(() => packValue(value)).toThrow(`Cannot send ${where}`);
  });

  it('an instance behind an own name of an array is not lost in silence', () => {
    const few = Object.assign([1], { extra: new Fields() });
    const many = Object.assign([...big], { extra: new Fields() });
    expect(() => packValue(few)).toThrow(SerializationError);
    expect(() => packValue(many)).toThrow(SerializationError);
  });

  it('a nest deeper than limits.depth is refused', () => {
    expect(() => packValue(deep(10_000))).toThrow(LimitError);
    expect(() => packValue(deep(128))).not.toThrow();
    expect(() => through(deep(30), { depth: 20, nodes: 100, keys: 100 })).toThrow(LimitError);
  });

  it('more objects than limits.nodes are refused', () => {
    const limits = { depth: 20, nodes: 100, keys: 100 };
    expect(() =>
      through(
        Array.from({ length: 99 }, () => []),
        limits,
      ),
    ).not.toThrow();
    expect(() =>
      through(
        Array.from({ length: 101 }, () => []),
        limits,
      ),
    ).toThrow(LimitError);
  });

  it('more keys than limits.keys are refused', () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, i]));
    expect(() => through(many, { depth: 20, nodes: 100, keys: 100 })).toThrow(LimitError);
    expect(() => through({ many }, { depth: 20, nodes: 100, keys: 101 })).not.toThrow();
  });

  it('a cycle through the key @r is refused or comes back, and overflows nothing', () => {
    const odd: Record<string, unknown> = { '@r': 1 };
    odd.self = odd;
    let got: Record<string, unknown> | undefined;
    try {
      got = back(odd);
    } catch (error) {
      expect([SerializationError, LimitError]).toContain((error as Error).constructor);
    }
    if (got !== undefined) expect(got.self).toBe(got);
  });

  it('a nest of @r takes no exponential time', () => {
    let value: unknown = 1;
    for (let i = 0; i < 14; i++) value = { '@r': value };
    let size = 0;
    try {
      size = packValue(value).length;
    } catch (error) {
      expect(error).toBeInstanceOf(SerializationError); // refused is as good as small
    }
    expect(size).toBeLessThan(2000);
  });

  it('a bigint too long to be read is refused where it is sent', () => {
    const long = 36n ** BigInt(2 ** 20 + 1);
    expect(() => packValue(long)).toThrow(LimitError);
  });
});

describe('bytes that no encoder writes', () => {
  const sample = packValue({
    list: [1, -1, 1.5, 'text', 3n, null, undefined, true, false],
    map: new Map([[new Date(1), { '@r': Buffer.from('x') }]]),
    error: new TypeError('t', { cause: [1] }),
  });
  const tryRead = (bytes: Buffer): void => {
    try {
      decodeValue(new ByteReader(bytes), () => undefined);
    } catch (error) {
      const isKnown = error instanceof ProtocolError || error instanceof SerializationError;
      if (!isKnown) throw error; // anything else is not told to the caller, or overflows us
    }
  };

  it('cut at every place are a ProtocolError', () => {
    for (let end = 0; end < sample.length; end++) {
      expect(() => decodeValue(new ByteReader(sample.subarray(0, end)), () => undefined)).toThrow(
        ProtocolError,
      );
    }
  });

  it('with any one bit changed are a value, or refused', () => {
    for (let bit = 0; bit < sample.length * 8; bit++) {
      const bytes = Buffer.from(sample);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      tryRead(bytes);
    }
  });

  it('at random are a value, or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        tryRead(Buffer.from(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  it('at random behind the tag of structured data are a value, or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        tryRead(Buffer.concat([Buffer.from([14, 0, bytes.length + 2, 255, 15]), bytes]));
      }),
      { numRuns: 3000 },
    );
  });

  it('nested a hundred thousand deep are a ProtocolError', () => {
    const arrays = Buffer.alloc(200_000);
    for (let at = 0; at < arrays.length; at += 2) arrays.set([11, 1], at);
    expect(() => decodeValue(new ByteReader(arrays), () => undefined)).toThrow(ProtocolError);
  });

  it('with a key __proto__ are a ProtocolError, and change no prototype', () => {
    const writer = new ByteWriter();
    writer.u8(12);
    writer.varint(1);
    writer.text('__proto__');
    writer.u8(12);
    writer.varint(0);
    expect(() => unpackValue(writer.bytes)).toThrow(ProtocolError);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it.each(['', '-', 'zz!', ' 1', '1.5', '--1', 'A'])(
    'as the bigint "%s" are a ProtocolError',
    (digits) => {
      const writer = new ByteWriter();
      writer.u8(8);
      writer.text(digits);
      expect(() => unpackValue(writer.bytes)).toThrow(ProtocolError);
    },
  );

  it('with a placeholder for an extra that is not there are a ProtocolError', () => {
    const bytes = packValue([{ '@r': 1 }, new Date(1)]);
    const at = bytes.lastIndexOf('@r');
    const index = bytes.indexOf(0x49, at + 2); // v8 writes a small number as 'I' and its zigzag
    expect(index).toBeGreaterThan(at);
    bytes[index + 1] = 8;
    expect(() => unpackValue(bytes)).toThrow(ProtocolError);
  });
});
