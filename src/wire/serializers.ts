// What carries structured data, by name: v8, which is not here because it is what happens when no
// other is asked for; json and msgpack; and what users register.
//
// None of these needs to know more than JSON does: null, booleans, finite numbers, texts, arrays and
// plain objects. Whatever else is in a value is taken out before, and put back behind (`parts.ts`), so
// that all of them keep the same values, and nothing but plain data is ever made of a peer's bytes.

import { SerializationError, UsageError, messageOf } from '../base/errors';

/** What users register. */
export interface Serializer {
  /** Gets null, booleans, finite numbers, texts, and arrays and plain objects of these, no cycles. */
  readonly encode: (value: unknown) => Uint8Array;
  /** Gives the same again. The bytes are lent: valid during the call. */
  readonly decode: (bytes: Uint8Array) => unknown;
}

export interface NamedSerializer extends Serializer {
  readonly name: string;
}

/** The name of what carries data unless something else is said. */
export const DEFAULT_SERIALIZER = 'v8';
const MSGPACK = 'msgpack';

const json: NamedSerializer = {
  name: 'json',
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as unknown,
};
const known = new Map<string, NamedSerializer>([[json.name, json]]);

/**
 * From now on, in this process, `serializer: name` means this one. Both sides need it. Throws
 * `UsageError` where the name is taken.
 */
export function registerSerializer(name: string, serializer: Serializer): void {
  if (typeof (name as unknown) !== 'string' || name === '') {
    throw new UsageError('The name of a serializer is a text that is not empty');
  }
  const { encode, decode } = serializer as Partial<Serializer>;
  if (typeof encode !== 'function' || typeof decode !== 'function') {
    throw new UsageError(`Serializer "${name}" must have two functions, { encode, decode }`);
  }
  const before = known.get(name);
  const isSame = before?.encode === encode && before.decode === decode;
  if (name === DEFAULT_SERIALIZER || name === MSGPACK || (before !== undefined && !isSame)) {
    throw new UsageError(`Cannot register serializer "${name}": there is one of that name`);
  }
  known.set(name, { name, encode, decode });
}

/** The serializer of that name; undefined for v8. Throws `UsageError` for one that is not here. */
export function requireSerializer(name: string): NamedSerializer | undefined {
  if (name === DEFAULT_SERIALIZER) return undefined;
  const serializer = known.get(name) ?? (name === MSGPACK ? loadMsgpack() : undefined);
  if (serializer !== undefined) return serializer;
  const names = [DEFAULT_SERIALIZER, MSGPACK, ...known.keys()].map((one) => `'${one}'`);
  throw new UsageError(
    `Unknown serializer '${name}': give ${[...new Set(names)].join(', ')}, or call registerSerializer('${name}', { encode, decode }) first`,
  );
}

/** The same for one that the peer has named: `SerializationError`, for its call. */
export function serializerOfPeer(name: string): NamedSerializer | undefined {
  try {
    return requireSerializer(name);
  } catch (cause) {
    throw new SerializationError(
      name === MSGPACK
        ? `Cannot read or answer in 'msgpack': the package msgpackr is not installed where the call went (npm install msgpackr)`
        : `Cannot read or answer in serializer '${name}': it is not registered where the call went; call registerSerializer('${name}', …) there too, for a manager in a module of option "types"`,
      { cause },
    );
  }
}

/** What a process that nobody has told a serializer uses with a peer that has that one. */
export function serializerToward(name: string): string {
  try {
    requireSerializer(name);
    return name;
  } catch {
    return json.name; // everybody has it, and every server takes it
  }
}

export function encodeWith(
  { name, encode }: NamedSerializer,
  data: unknown,
  path: string,
): Uint8Array {
  let bytes: unknown;
  try {
    bytes = encode(data);
  } catch (cause) {
    const text = `Cannot send ${path}: serializer '${name}' failed: ${messageOf(cause)}`;
    throw new SerializationError(text, { cause });
  }
  if (bytes instanceof Uint8Array) return bytes;
  throw new SerializationError(`Cannot send ${path}: serializer '${name}' gave no Uint8Array`);
}

export function decodeWith({ name, decode }: NamedSerializer, bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (cause) {
    const text = `Cannot read a value: serializer '${name}' failed: ${messageOf(cause)}`;
    throw new SerializationError(text, { cause });
  }
}

/** The part of msgpackr that is used. */
interface Msgpackr {
  readonly Packr: new (options: object) => {
    pack(value: unknown): Uint8Array;
    unpack(bytes: Uint8Array): unknown;
  };
}

/** Without records, which a peer could define, and in the build that makes no functions of texts. */
const PACKR_OPTIONS = { useRecords: false, structuredClone: false, copyBuffers: true };

function loadMsgpack(): NamedSerializer {
  let library: Msgpackr;
  try {
    library = require('msgpackr/index-no-eval') as Msgpackr;
  } catch (cause) {
    throw new UsageError(
      `Serializer 'msgpack' needs the package msgpackr, which is not installed: npm install msgpackr (${messageOf(cause).split('\n')[0] ?? ''})`,
      { cause },
    );
  }
  const packr = new library.Packr(PACKR_OPTIONS);
  const msgpack: NamedSerializer = {
    name: MSGPACK,
    encode: (value) => packr.pack(value),
    decode: (bytes) => packr.unpack(bytes),
  };
  known.set(MSGPACK, msgpack);
  return msgpack;
}
