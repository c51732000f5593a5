// The frames of a session, as tagged values and as bytes. `docs/protocol.md` lists them.
//
// Frames that carry values have their reference table first; the values are left in `body`, to be
// decoded once the table was walked.

import { ProtocolError } from '../base/errors';
import { ByteReader, type ByteWriter } from './bytes';
import {
  type Reference,
  type Target,
  readPath,
  readReferences,
  readTarget,
  writePath,
  writeTarget,
} from './references';

export const PROTOCOL_VERSION = 2;

/** What a call does with what stands at the end of its path. */
export const OPERATIONS = [
  'call',
  'get',
  'set',
  'delete',
  'has',
  'keys',
  'construct',
  'value',
  'text',
  'equals',
  'length',
  'iterate',
  'peek',
  'ready',
  'super',
  'passTo',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export type Returns = 'auto' | 'copy' | 'proxy';

export interface CallHead {
  readonly callId: number;
  readonly target: Target;
  readonly operation: Operation;
  /** From the target to the object that has the member. */
  readonly path: readonly string[];
  /** The member; empty for the object itself. */
  readonly name: string;
  readonly returns: Returns;
  /** Whether the caller waits for the outcome. */
  readonly reply: boolean;
  /** Whether the outcome is kept under the call's number, for calls on it, until `forget`. */
  readonly keep: boolean;
  /** The caller's thread is blocked: whatever it must see until the answer goes down the lane. */
  readonly lane?: boolean;
  /** The caller has an answer of its own for when the object does not listen. */
  readonly hasDefault?: boolean;
  /** What structured data of the answer is to be carried by; absent: v8. */
  readonly serializer?: string | undefined;
  /** The call runs only while this holding lasts. */
  readonly guard?: Guard | undefined;
}

/** The holding of a lock or permit, as a call names it. */
export interface Guard {
  readonly id: number;
  /** Whether `id` counts from the start of the caller's range. */
  readonly relative: boolean;
  readonly fence: number;
}

interface Valued {
  readonly references: readonly Reference[];
  readonly body: ByteReader;
}

export type Frame =
  | ({ readonly kind: 'call'; readonly head: CallHead } & Valued)
  | ({ readonly kind: 'create'; readonly id: number; readonly typeid: string } & Valued)
  | ({ readonly kind: 'return'; readonly callId: number } & Valued)
  | ({ readonly kind: 'deliver'; readonly callId: number } & Valued)
  | ({ readonly kind: 'throw'; readonly callId: number } & Valued)
  | ({ readonly kind: 'failed'; readonly id: number } & Valued)
  | { readonly kind: 'got'; readonly callId: number; readonly received: boolean }
  | { readonly kind: 'cancel'; readonly callId: number; readonly body: ByteReader }
  | { readonly kind: 'forget'; readonly callIds: readonly number[] }
  | { readonly kind: 'release'; readonly counts: readonly (readonly [id: number, count: number])[] }
  | {
      readonly kind: 'mint';
      readonly number: number;
      readonly id: number;
      readonly uses: number;
      readonly ttlMs: number;
    }
  | { readonly kind: 'dup'; readonly id: number; readonly relative: boolean }
  | { readonly kind: 'at'; readonly number: number }
  | { readonly kind: 'speak'; readonly serializer: string }
  | { readonly kind: 'ping'; readonly number: number }
  | { readonly kind: 'pong'; readonly number: number; readonly time: number }
  | { readonly kind: 'goaway'; readonly reason: string }
  | { readonly kind: 'bye' };

const KIND = {
  call: 1,
  create: 2,
  return: 3,
  throw: 4,
  failed: 5,
  cancel: 6,
  forget: 7,
  release: 8,
  mint: 9,
  ping: 10,
  pong: 11,
  goaway: 12,
  bye: 13,
  dup: 14,
  deliver: 15,
  got: 16,
  at: 17,
  speak: 18,
} as const satisfies Record<Frame['kind'], number>;

/**
 * Whether a message of that kind has a number: what a client sends in order, counted from 1. Pings
 * and goodbyes pass others and have none.
 */
export function isNumbered(kind: number): boolean {
  return !UNNUMBERED.has(kind);
}
const UNNUMBERED: ReadonlySet<number> = new Set([KIND.ping, KIND.pong, KIND.goaway, KIND.at]);

const REPLY = 1;
const KEEP = 2;
const COPY = 4;
const PROXY = 8;
const GUARDED = 16;
const LANE = 32;
const DEFAULT = 64;
const SERIALIZER = 128;
const FLAGS: Readonly<Record<Returns, number>> = { auto: 0, copy: COPY, proxy: PROXY };

/**
 * Writes the head of a call; its reference table and arguments follow.
 * Answers where its flags stand, for `patchCallFlags`.
 */
export function writeCallHead(writer: ByteWriter, head: CallHead): number {
  writer.u8(KIND.call);
  const flagsAt = writer.length;
  writer.u8(flagsOf(head.returns, head) | moreFlagsOf(head));
  writer.varint(head.callId);
  writeTarget(writer, head.target);
  writer.u8(OPERATIONS.indexOf(head.operation));
  writePath(writer, head.path);
  writer.text(head.name);
  if (head.guard !== undefined) writeGuard(writer, head.guard);
  if (head.serializer !== undefined) writer.text(head.serializer);
  return flagsAt;
}

function moreFlagsOf({ guard, lane, hasDefault, serializer }: CallHead): number {
  return (
    (guard === undefined ? 0 : GUARDED) |
    (lane === true ? LANE : 0) |
    (hasDefault === true ? DEFAULT : 0) |
    (serializer === undefined ? 0 : SERIALIZER)
  );
}

function readDup(number: number): Extract<Frame, { kind: 'dup' }> {
  return { kind: 'dup', id: Math.floor(number / 2), relative: number % 2 === 1 };
}

function writeGuard(writer: ByteWriter, { id, relative, fence }: Guard): void {
  writer.varint(id * 2 + (relative ? 1 : 0));
  writer.varint(fence);
}

function readGuard(reader: ByteReader): Guard {
  const number = reader.varint();
  return { id: Math.floor(number / 2), relative: number % 2 === 1, fence: reader.varint() };
}

function flagsOf(
  returns: Returns,
  outcome: { readonly reply: boolean; readonly keep: boolean },
): number {
  return FLAGS[returns] | (outcome.reply ? REPLY : 0) | (outcome.keep ? KEEP : 0);
}

/** Decides anew what becomes of a call's outcome, before the call was sent. */
export function patchCallFlags(
  writer: ByteWriter,
  flagsAt: number,
  outcome: { readonly reply: boolean; readonly keep: boolean },
): void {
  const kept = writer.byteAt(flagsAt) & (COPY | PROXY | GUARDED | LANE | DEFAULT | SERIALIZER);
  writer.patchU8(flagsAt, kept | flagsOf('auto', outcome));
}

export function writeCreateHead(writer: ByteWriter, id: number, typeid: string): void {
  writer.u8(KIND.create);
  writer.varint(id);
  writer.text(typeid);
}

/** The head of the frame of an outcome; a reference table and one value follow. */
export function writeOutcomeHead(
  writer: ByteWriter,
  kind: 'return' | 'deliver' | 'throw' | 'failed',
  number: number,
): void {
  writer.u8(KIND[kind]);
  writer.varint(number);
}

/** The head of a cancellation; its reason follows, which holds no references. */
export function writeCancelHead(writer: ByteWriter, callId: number): void {
  writer.u8(KIND.cancel);
  writer.varint(callId);
}

export type ControlFrame = Exclude<Frame, { readonly body: ByteReader }>;

export function writeControl(writer: ByteWriter, frame: ControlFrame): void {
  writer.u8(KIND[frame.kind]);
  switch (frame.kind) {
    case 'got':
      writer.varint(frame.callId);
      writer.u8(frame.received ? 1 : 0);
      return;
    case 'forget':
      writer.varint(frame.callIds.length);
      for (const callId of frame.callIds) writer.varint(callId);
      return;
    case 'release':
      writer.varint(frame.counts.length);
      for (const [id, count] of frame.counts) {
        writer.varint(id);
        writer.varint(count);
      }
      return;
    case 'mint':
      writer.varint(frame.number);
      writer.varint(frame.id);
      writer.varint(frame.uses);
      return writer.varint(frame.ttlMs);
    case 'dup':
      return writer.varint(frame.id * 2 + (frame.relative ? 1 : 0));
    case 'at':
      return writer.varint(frame.number);
    case 'ping':
      return writer.varint(frame.number);
    case 'pong':
      writer.varint(frame.number);
      return writer.double(frame.time);
    case 'speak':
      return writer.text(frame.serializer);
    case 'goaway':
      return writer.text(frame.reason);
    case 'bye':
      return;
  }
}

export function readFrame(message: Buffer, start = 0, end = message.length): Frame {
  const reader = new ByteReader(message, start, end);
  const kind = reader.u8();
  switch (kind) {
    case KIND.call:
      return { kind: 'call', head: readCallHead(reader), ...readValued(reader) };
    case KIND.create: {
      const id = reader.varint();
      const typeid = reader.text();
      return { kind: 'create', id, typeid, references: readReferences(reader), body: reader };
    }
    case KIND.return:
      return { kind: 'return', callId: reader.varint(), ...readValued(reader) };
    case KIND.deliver:
      return { kind: 'deliver', callId: reader.varint(), ...readValued(reader) };
    case KIND.throw:
      return { kind: 'throw', callId: reader.varint(), ...readValued(reader) };
    case KIND.failed:
      return { kind: 'failed', id: reader.varint(), ...readValued(reader) };
    case KIND.cancel:
      return { kind: 'cancel', callId: reader.varint(), body: reader };
    default:
      return readControl(kind, reader);
  }
}

/** The number of the next message, where this one tells it. */
export function readNumber(message: Buffer, start: number, end: number): number | undefined {
  return message[start] === KIND.at ? new ByteReader(message, start + 1, end).varint() : undefined;
}

function readValued(reader: ByteReader): Valued {
  return { references: readReferences(reader), body: reader };
}

function readCallHead(reader: ByteReader): CallHead {
  const flags = reader.u8();
  const callId = reader.varint();
  const target = readTarget(reader);
  const operation = OPERATIONS[reader.u8()];
  if (operation === undefined)
    throw new ProtocolError('Cannot read a call: its operation is unknown');
  const path = readPath(reader);
  const name = reader.text();
  return {
    callId,
    target,
    operation,
    path,
    name,
    lane: (flags & LANE) !== 0,
    hasDefault: (flags & DEFAULT) !== 0,
    guard: (flags & GUARDED) === 0 ? undefined : readGuard(reader),
    serializer: (flags & SERIALIZER) === 0 ? undefined : reader.text(),
    returns: (flags & COPY) !== 0 ? 'copy' : (flags & PROXY) !== 0 ? 'proxy' : 'auto',
    reply: (flags & REPLY) !== 0,
    keep: (flags & KEEP) !== 0,
  };
}

function readControl(kind: number, reader: ByteReader): ControlFrame {
  switch (kind) {
    case KIND.got:
      return { kind: 'got', callId: reader.varint(), received: reader.u8() === 1 };
    case KIND.forget: {
      const callIds: number[] = [];
      for (let left = reader.count(); left > 0; left--) callIds.push(reader.varint());
      return { kind: 'forget', callIds };
    }
    case KIND.release: {
      const counts: [number, number][] = [];
      for (let left = reader.count(); left > 0; left--)
        counts.push([reader.varint(), reader.varint()]);
      return { kind: 'release', counts };
    }
    case KIND.mint:
      return {
        kind: 'mint',
        number: reader.varint(),
        id: reader.varint(),
        uses: reader.varint(),
        ttlMs: reader.varint(),
      };
    case KIND.dup:
      return readDup(reader.varint());
    case KIND.ping:
      return { kind: 'ping', number: reader.varint() };
    case KIND.pong:
      return { kind: 'pong', number: reader.varint(), time: reader.double() };
    case KIND.goaway:
      return { kind: 'goaway', reason: reader.text() };
    case KIND.bye:
      return { kind: 'bye' };
    case KIND.speak:
      return { kind: 'speak', serializer: reader.text() };
    case KIND.at:
      return { kind: 'at', number: reader.varint() };
    default:
      throw new ProtocolError(`Cannot read a frame: kind ${String(kind)} is unknown`);
  }
}

/** `+1` is the first number of the client's own range. */
function numberText(id: number, relative: boolean): string {
  return `${relative ? '+' : ''}${String(id)}`;
}

/** One line for people who look: names and numbers, never values. */
export function describeFrame(frame: Frame): string {
  switch (frame.kind) {
    case 'call': {
      const { target, path, name, operation, callId } = frame.head;
      const on =
        target.kind === 'object'
          ? `object ${numberText(target.id, target.relative)}`
          : `answer ${String(target.callId)}`;
      return `call ${String(callId)}: ${operation} ${[...path, name].join('.')} of ${on}`;
    }
    case 'create':
      return `create ${frame.typeid} as ${numberText(Math.floor(frame.id / 2), frame.id % 2 === 1)}`;
    case 'got':
      return `${frame.received ? 'got' : 'got not'} ${String(frame.callId)}`;
    case 'return':
    case 'deliver':
    case 'throw':
    case 'cancel':
      return `${frame.kind} ${String(frame.callId)}`;
    case 'failed':
    case 'dup':
      return `${frame.kind} ${String(frame.id)}`;
    case 'forget':
      return `forget ${frame.callIds.join(' ')}`;
    case 'release':
      return `release ${frame.counts.map(([id, n]) => `${String(id)} x${String(n)}`).join(' ')}`;
    case 'mint':
      return `mint ${String(frame.number)} for ${String(frame.id)}`;
    case 'at':
    case 'ping':
    case 'pong':
      return `${frame.kind} ${String(frame.number)}`;
    case 'goaway':
      return `goaway: ${frame.reason}`;
    case 'speak':
      return `speak ${frame.serializer}`;
    case 'bye':
      return 'bye';
  }
}
