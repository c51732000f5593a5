// Built-ins that hold bytes or a text and no further values: RegExps, typed arrays, DataViews,
// ArrayBuffers, dates of another realm. With v8 it carries them itself, all but the typed arrays that an
// older Node does not know; with any other serializer they are written here.

import { types } from 'node:util';
import { ProtocolError, SerializationError, messageOf } from '../base/errors';
import { type ByteReader, type ByteWriter } from './bytes';
import { TAG } from './tags';

type ViewClass = new (buffer: ArrayBuffer) => ArrayBufferView;

/** What every Node that we run on has. */
const COMMON = [
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
] as const;
/** What only newer ones have. */
const RECENT = ['Float16Array'] as const;

const VIEWS: ReadonlyMap<string, ViewClass | undefined> = new Map(
  [...COMMON, ...RECENT].map((name) => [
    name,
    (globalThis as unknown as Record<string, ViewClass | undefined>)[name],
  ]),
);

/** Which kind of view, whatever realm and class it is of. */
function viewName(view: ArrayBufferView): string {
  if (types.isDataView(view)) return 'DataView';
  const proto = Object.getPrototypeOf(Uint8Array.prototype) as object;
  return Reflect.get(proto, Symbol.toStringTag, view) as string;
}

/** A typed array that the v8 of another Node may not know. */
export function isRecentView(value: object): boolean {
  return ArrayBuffer.isView(value) && (RECENT as readonly string[]).includes(viewName(value));
}

/** Writes such a value; false where it is none. */
export function writeBuiltIn(writer: ByteWriter, value: object): boolean {
  if (types.isDate(value)) {
    writer.u8(TAG.date);
    writer.double(value.getTime());
  } else if (types.isRegExp(value)) {
    writer.u8(TAG.regExp);
    writer.text(value.source);
    writer.text(value.flags);
  } else if (ArrayBuffer.isView(value)) {
    writer.u8(TAG.view);
    writer.text(viewName(value));
    writer.blob(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (types.isArrayBuffer(value)) {
    writer.u8(TAG.arrayBuffer);
    writer.blob(new Uint8Array(value));
  } else return false;
  return true;
}

export function readRegExp(reader: ByteReader): RegExp {
  const source = reader.text();
  const flags = reader.text();
  try {
    return new RegExp(source, flags);
  } catch (cause) {
    throw new ProtocolError(`Cannot read a RegExp: ${messageOf(cause)}`, { cause });
  }
}

export function readArrayBuffer(reader: ByteReader): ArrayBuffer {
  return new Uint8Array(reader.blob()).buffer;
}

/** Throws `SerializationError` for a kind that this Node does not have. */
export function readView(reader: ByteReader): ArrayBufferView {
  const name = reader.text();
  const buffer = readArrayBuffer(reader);
  if (!VIEWS.has(name)) throw new ProtocolError(`Cannot read a ${name}: it is no view of bytes`);
  const View = VIEWS.get(name);
  if (View === undefined) {
    throw new SerializationError(
      `Cannot read a ${name}: Node ${process.versions.node}, which should receive it, has no such class; send another typed array`,
    );
  }
  try {
    return new View(buffer);
  } catch (cause) {
    throw new ProtocolError(`Cannot read a ${name}: ${messageOf(cause)}`, { cause });
  }
}
