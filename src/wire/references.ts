// The reference table of a frame: every reference that a frame carries stands here once, before
// the values, which name it by its index. Counting looks at this table alone, so values that
// cannot be decoded never unbalance a count.

import { ProtocolError } from '../base/errors';
import { type ByteReader, type ByteWriter } from './bytes';

/**
 * own: the receiver's own object; `relative` numbers it from the start of the sender's range.
 * lent: the sender's object; the receiver gets one count of it.
 * token: an object of a third process; the receiver claims it there.
 * path: what stands at the end of `path` from the receiver's own object or from an answer.
 */
export type Reference =
  | { readonly kind: 'own'; readonly id: number; readonly relative: boolean }
  | {
      readonly kind: 'lent';
      readonly id: number;
      readonly typeid: string;
      readonly callable: boolean;
    }
  | { readonly kind: 'token'; readonly text: string }
  | { readonly kind: 'path'; readonly target: Target; readonly path: readonly string[] };

/** What a call is for: an object of the receiver, or the answer to an earlier call. */
export type Target =
  | { readonly kind: 'object'; readonly id: number; readonly relative: boolean }
  | { readonly kind: 'answer'; readonly callId: number };

const OWN = 0;
const OWN_RELATIVE = 1;
const LENT = 2;
const LENT_CALLABLE = 3;
const TOKEN = 4;
const PATH = 5;

const OBJECT = 0;
const OBJECT_RELATIVE = 1;
const ANSWER = 2;

export function writeReferences(writer: ByteWriter, references: readonly Reference[]): void {
  writer.varint(references.length);
  for (const reference of references) writeReference(writer, reference);
}

function writeReference(writer: ByteWriter, reference: Reference): void {
  switch (reference.kind) {
    case 'own':
      writer.u8(reference.relative ? OWN_RELATIVE : OWN);
      return writer.varint(reference.id);
    case 'lent':
      writer.u8(reference.callable ? LENT_CALLABLE : LENT);
      writer.varint(reference.id);
      return writer.text(reference.typeid);
    case 'token':
      writer.u8(TOKEN);
      return writer.text(reference.text);
    case 'path':
      writer.u8(PATH);
      writeTarget(writer, reference.target);
      return writePath(writer, reference.path);
  }
}

const NONE: readonly Reference[] = Object.freeze([]);

export function readReferences(reader: ByteReader): readonly Reference[] {
  const count = reader.count();
  if (count === 0) return NONE;
  const references: Reference[] = [];
  for (let i = 0; i < count; i++) references.push(readReference(reader));
  return references;
}

function readReference(reader: ByteReader): Reference {
  const kind = reader.u8();
  switch (kind) {
    case OWN:
    case OWN_RELATIVE:
      return { kind: 'own', id: reader.varint(), relative: kind === OWN_RELATIVE };
    case LENT:
    case LENT_CALLABLE:
      return {
        kind: 'lent',
        id: reader.varint(),
        typeid: reader.text(),
        callable: kind === LENT_CALLABLE,
      };
    case TOKEN:
      return { kind: 'token', text: reader.text() };
    case PATH:
      return { kind: 'path', target: readTarget(reader), path: readPath(reader) };
    default:
      throw new ProtocolError(`Cannot read a reference: kind ${String(kind)} is unknown`);
  }
}

export function writeTarget(writer: ByteWriter, target: Target): void {
  if (target.kind === 'answer') {
    writer.u8(ANSWER);
    writer.varint(target.callId);
    return;
  }
  writer.u8(target.relative ? OBJECT_RELATIVE : OBJECT);
  writer.varint(target.id);
}

export function readTarget(reader: ByteReader): Target {
  const kind = reader.u8();
  if (kind > ANSWER)
    throw new ProtocolError(`Cannot read a target: kind ${String(kind)} is unknown`);
  const number = reader.varint();
  if (kind === ANSWER) return { kind: 'answer', callId: number };
  return { kind: 'object', id: number, relative: kind === OBJECT_RELATIVE };
}

export function writePath(writer: ByteWriter, path: readonly string[]): void {
  writer.varint(path.length);
  for (const name of path) writer.text(name);
}

const HERE: readonly string[] = Object.freeze([]);

export function readPath(reader: ByteReader): readonly string[] {
  const count = reader.count();
  if (count === 0) return HERE;
  const path: string[] = [];
  for (let i = 0; i < count; i++) path.push(reader.text());
  return path;
}
