// Values that hold no references, as bytes of their own: for messages outside of a session.

import { ByteReader, ByteWriter } from './bytes';
import { ValueDecoder } from './value-decoder';
import { ValueEncoder } from './value-encoder';

export function packValue(value: unknown): Buffer {
  const writer = new ByteWriter(256);
  new ValueEncoder(writer, () => undefined).encode(value, 'the value');
  return Buffer.from(writer.bytes);
}

export function unpackValue(bytes: Uint8Array): unknown {
  return new ValueDecoder(new ByteReader(Buffer.from(bytes)), () => undefined).decode();
}
