// Registered classes as bytes: values, errors, and what older Nodes do not know; hostile parts.
import * as fc from 'fast-check';
import { LimitError, ProtocolError, SerializationError, UsageError } from '../../src/base/errors';
import { ByteReader, ByteWriter } from '../../src/wire/bytes';
import { registerError } from '../../src/wire/error-values';
import {
  registerSerializer,
  requireSerializer,
  serializerOfPeer,
  serializerToward,
} from '../../src/wire/serializers';
import { ValueDecoder } from '../../src/wire/value-decoder';
import { ValueEncoder } from '../../src/wire/value-encoder';
import { registerValueType } from '../../src/wire/value-types';
import { packValue, unpackValue } from '../../src/wire/values';

class Node {
  next: Node | undefined;
  readonly when = new Date(1);
  constructor(next?: Node) {
    this.next = next;
  }
}
let plains = 0;
registerValueType(Node, {
  name: 'Node',
  toPlain: ({ next, when }) => (plains++, { next, when }),
  fromPlain: ({ next }: { next: Node | undefined }) => new Node(next),
});
class Sub extends Node {}

const NAMES = ['v8', 'json', 'msgpack'];
function pack(value: unknown, serializer: string): Buffer {
  const writer = new ByteWriter(1);
  const carrier = requireSerializer(serializer);
  new ValueEncoder(writer, () => undefined, undefined, carrier).encode(value, 'it');
  return writer.take();
}
const unpack = (bytes: Buffer, instead?: string): unknown =>
  new ValueDecoder(new ByteReader(bytes), () => undefined, instead).decode();

describe.each(NAMES)('an instance of a registered class, by %s', (name) => {
  it('comes back at any depth, the same one twice as one', () => {
    const node = new Node(new Node());
    const value = { list: [node, new Map([[node, new Set([node])]])], error: new Error('e') };
    Object.assign(value.error, { node });
    const got = unpack(pack(value, name)) as typeof value & { error: { node: Node } };
    const [first, map] = got.list as [Node, Map<Node, Set<Node>>];
    expect(first).toBeInstanceOf(Node);
    expect(first.next).toBeInstanceOf(Node);
    expect(map.get(first)?.has(first)).toBe(true);
    expect(got.error.node).toBeInstanceOf(Node);
  });

  it('is asked for its contents once, however deep it stands', () => {
    let chain = new Node();
    for (let i = 0; i < 40; i++) chain = new Node(chain);
    plains = 0;
    let got: Node | undefined = unpack(pack({ chain, when: new Date(2) }, name)) as Node;
    got = (got as unknown as { chain: Node }).chain;
    for (let i = 0; i < 40; i++) got = got?.next;
    expect(got).toBeInstanceOf(Node);
    expect(plains).toBe(41);
  });

  it('that holds itself, or nests too deep, is refused', () => {
    const loop = new Node();
    loop.next = loop;
    expect(() => pack([loop], name)).toThrow(/an instance of Node holds itself/);
    let chain = new Node();
    for (let i = 0; i < 200; i++) chain = new Node(chain);
    expect(() => pack(chain, name)).toThrow(LimitError);
  });

  it('of a class that extends it is none', () => {
    expect(() => pack({ a: [new Sub()] }, name)).toThrow('Cannot send it.a[0]: an instance of Sub');
  });
});

describe('what is registered', () => {
  it('must be what it is taken for', () => {
    const codec = { name: 'x', toPlain: () => 1, fromPlain: () => new Node() };
    for (const type of [Error, () => 1, 'Node', Object]) {
      expect(() => {
        registerValueType(type as never, codec as never);
      }).toThrow(UsageError);
    }
    expect(() => {
      registerValueType(Node, codec);
    }).toThrow(/it is registered as "Node"/);
    for (const type of [Node, RangeError, class extends Error {}, 1]) {
      expect(() => {
        registerError(type as never);
      }).toThrow(UsageError);
    }
    const broken = { encode: 1, decode: () => 1 };
    expect(() => {
      registerSerializer('broken', broken as never);
    }).toThrow(/two functions/);
    for (const name of ['', 'v8', 'msgpack', 'json']) {
      expect(() => {
        registerSerializer(name, { encode: () => Buffer.alloc(0), decode: () => 1 });
      }).toThrow(UsageError);
    }
  });

  it('may be registered again as it is', () => {
    class Twice extends Error {}
    registerError(Twice);
    expect(() => {
      registerError(Twice);
    }).not.toThrow();
    expect(() => {
      registerError(class Twice extends Error {});
    }).toThrow(/another class of errors has that name/);
    const serializer = { encode: () => Buffer.alloc(0), decode: () => 1 };
    registerSerializer('twice', serializer);
    expect(() => {
      registerSerializer('twice', serializer);
    }).not.toThrow();
    expect(serializerToward('twice')).toBe('twice');
    expect(serializerToward('nobody has it')).toBe('json');
    expect(() => serializerOfPeer('nobody has it')).toThrow(SerializationError);
  });

  it('fails with its name where its functions fail', () => {
    class Bad {}
    registerValueType(Bad, {
      name: 'Bad',
      toPlain: () => 1,
      fromPlain: () => {
        throw new TypeError('why');
      },
    });
    expect(() => unpackValue(packValue(new Bad()))).toThrow(/"Bad": fromPlain failed: why/);
    registerSerializer('bad', { encode: () => 'text' as never, decode: () => undefined });
    expect(() => pack([1], 'bad')).toThrow(/'bad' gave no Uint8Array/);
  });
});

describe('msgpack', () => {
  const load = (library: () => unknown): typeof import('../../src/wire/serializers') => {
    let loaded: typeof import('../../src/wire/serializers') | undefined;
    jest.isolateModules(() => {
      jest.doMock('msgpackr/index-no-eval', library);
      loaded = require('../../src/wire/serializers');
    });
    return loaded!;
  };
  afterEach(() => {
    jest.dontMock('msgpackr/index-no-eval');
  });

  it('without its package is an error that says what to install', () => {
    const there = load(() => {
      throw new Error("Cannot find module 'msgpackr'");
    });
    expect(() => there.requireSerializer('msgpack')).toThrow(/npm install msgpackr/);
    expect(() => there.serializerOfPeer('msgpack')).toThrow(/npm install msgpackr/);
    expect(there.serializerToward('msgpack')).toBe('json');
  });

  it('loads its package when it is asked for, and once', () => {
    let loads = 0;
    const Packr = class {};
    const there = load(() => (loads++, { Packr }));
    there.requireSerializer('json');
    there.requireSerializer('v8');
    expect(loads).toBe(0);
    expect(there.requireSerializer('msgpack')).toBe(there.requireSerializer('msgpack'));
    expect(loads).toBe(1);
  });
});

describe('bytes of a peer', () => {
  it('with a typed array that this Node does not have are a SerializationError that names it', () => {
    const writer = new ByteWriter();
    writer.u8(20);
    writer.text('Float16Array');
    writer.blob(Buffer.alloc(2));
    const bytes = writer.take();
    if ('Float16Array' in globalThis) expect(unpack(bytes)).toHaveLength(1);
    else expect(() => unpack(bytes)).toThrow(/Cannot read a Float16Array: Node/);
    const odd = Buffer.from(packValue([new Date(1), 1]));
    expect(unpack(odd)).toEqual([new Date(1), 1]);
  });

  it.each(['Function', 'constructor', '__proto__', ''])(
    'with the view "%s" are refused',
    (name) => {
      const writer = new ByteWriter();
      writer.u8(20);
      writer.text(name);
      writer.blob(Buffer.alloc(8));
      expect(() => unpack(writer.take())).toThrow(ProtocolError);
    },
  );

  it('of v8 are refused where something else is wanted, and small trees are not of v8', () => {
    expect(() => unpack(packValue(new Map()), 'json')).toThrow(SerializationError);
    expect(() => unpack(packValue(new Map()), 'json')).toThrow(/serializer: 'json'/);
    expect(unpack(packValue({ a: [1n] }), 'json')).toEqual({ a: [1n] });
    expect(unpack(pack(new Map(), 'msgpack'), 'json')).toEqual(new Map());
  });

  it.each([
    ['too few contents', [1], [2]],
    ['no list', [1], { length: 2 }],
    ['a part that is not there', [], [{ '@r': 0 }]],
    ['the key __proto__', [], [JSON.parse('{"__proto__":1}')]],
    ['the length of an array as a key', [5], [{ '@r': 0 }, [1, 'length', 3]]],
    ['the prototype as a key', [4], [{ '@r': 0 }, ['__proto__', 3]]],
    ['a key without a value', [2], [{ '@r': 0 }, [1]]],
    ['a kind that is unknown', [9], [{ '@r': 0 }, [1]]],
    ['a shared part that is a text', [1], [{ '@r': 0 }, 'x']],
  ])('with %s are a ProtocolError', (_what, kinds, data) => {
    const writer = new ByteWriter();
    writer.u8(18);
    writer.text('json');
    writer.varint(kinds.length);
    for (const kind of kinds) writer.u8(kind);
    writer.blob(Buffer.from(JSON.stringify(data)));
    expect(() => unpack(writer.take())).toThrow(ProtocolError);
  });

  it.each(['json', 'msgpack'])('at random for %s are a value, or refused', (name) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        const writer = new ByteWriter();
        writer.u8(18);
        writer.text(name);
        writer.varint(0);
        writer.blob(Buffer.from([0x91, ...noise]));
        try {
          unpack(writer.take());
        } catch (error) {
          const isKnown = error instanceof ProtocolError || error instanceof SerializationError;
          if (!isKnown) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });
});
