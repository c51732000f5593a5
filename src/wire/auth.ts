// The handshake: both sides prove that they know the key, before anything else is read.
//
//   server  GREET    version, manager, incarnation, nonce
//   client  AUTH     version, mode, Node's major version, session, nonce, HMAC(key, "client" + transcript)
//   server  WELCOME  range, Node's major version, HMAC(key, "server" + transcript)
//
// HMAC-SHA-256 over all that was said so far, labelled by role, so that no answer can be played
// back. The owner of a private manager adds the secret that it gave its child at the start.
//
// A client names its session by random bytes, which nobody else knows: by these a further link of
// the same client finds it.

import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { AuthenticationError, LimitError, ProtocolError, UsageError } from '../base/errors';
import { ByteReader, ByteWriter } from './bytes';
import { PROTOCOL_VERSION } from './frames';

const MAGIC = 'smg1';
const ID_BYTES = 16;
export const NONCE_BYTES = 32;
export const SESSION_BYTES = 16;
const MAC_BYTES = 32;
/** No message of the handshake is longer. */
export const HANDSHAKE_BYTES = 1024;
const KEY_BYTES_MIN = 16;

const OWNER = 1;
const LANE = 2;

export interface Greeting {
  readonly manager: string;
  readonly incarnation: string;
  readonly nonce: Buffer;
}
export interface Claimant {
  /** owner: the process that started the manager; its ids and tickets are its own from the start. */
  readonly mode: 'client' | 'owner';
  /** A link for calls that block the thread of their caller. */
  readonly isLane: boolean;
  readonly nodeMajor: number;
  /** The name of the session: the client's links have it in common. */
  readonly session: Buffer;
  readonly nonce: Buffer;
}
export interface Welcome {
  readonly range: number;
  readonly nodeMajor: number;
}

export function writeGreeting(greeting: Greeting): Buffer {
  const writer = new ByteWriter(256);
  writer.text(MAGIC);
  writer.varint(PROTOCOL_VERSION);
  writer.raw(Buffer.from(greeting.manager, 'hex'));
  writer.raw(Buffer.from(greeting.incarnation, 'hex'));
  writer.raw(greeting.nonce);
  return writer.take();
}

export function readGreeting(message: Buffer): Greeting {
  const reader = new ByteReader(message);
  if (reader.text() !== MAGIC) {
    throw new ProtocolError('Cannot connect: what listens there is no manager');
  }
  requireVersion(reader.varint());
  return {
    manager: reader.raw(ID_BYTES).toString('hex'),
    incarnation: reader.raw(ID_BYTES).toString('hex'),
    nonce: Buffer.from(reader.raw(NONCE_BYTES)),
  };
}

/** `greeting` is the message as it came. */
export function writeAuth(key: Uint8Array, greeting: Buffer, claimant: Claimant): Buffer {
  const writer = new ByteWriter(256);
  writer.varint(PROTOCOL_VERSION);
  writer.u8((claimant.mode === 'owner' ? OWNER : 0) | (claimant.isLane ? LANE : 0));
  writer.varint(claimant.nodeMajor);
  writer.raw(claimant.session);
  writer.raw(claimant.nonce);
  writer.raw(mac(key, 'client', [greeting, writer.bytes]));
  return writer.take();
}

export function readAuth(message: Buffer): Claimant {
  const reader = new ByteReader(message);
  requireVersion(reader.varint());
  const mode = reader.u8();
  return {
    mode: (mode & OWNER) !== 0 ? 'owner' : 'client',
    isLane: (mode & LANE) !== 0,
    nodeMajor: reader.varint(),
    session: Buffer.from(reader.raw(SESSION_BYTES)),
    nonce: Buffer.from(reader.raw(NONCE_BYTES)),
  };
}

/** Throws `AuthenticationError` where the client's proof does not hold. */
export function verifyAuth(key: Uint8Array, greeting: Buffer, auth: Buffer): void {
  const said = auth.subarray(0, -MAC_BYTES);
  if (!timingSafeEqual(mac(key, 'client', [greeting, said]), auth.subarray(-MAC_BYTES))) {
    throw new AuthenticationError('The client does not know the key');
  }
}

export function writeWelcome(
  key: Uint8Array,
  transcript: readonly Buffer[],
  welcome: Welcome,
): Buffer {
  const writer = new ByteWriter(128);
  writer.u8(1);
  writer.varint(welcome.range);
  writer.varint(welcome.nodeMajor);
  writer.raw(mac(key, 'server', [...transcript, writer.bytes]));
  return writer.take();
}

export type RefusalReason = 'key' | 'full';

/** What a server says instead of a welcome. */
export function writeRefusal(reason: RefusalReason): Buffer {
  const writer = new ByteWriter(16);
  writer.u8(0);
  writer.text(reason);
  return writer.take();
}

/** Throws `AuthenticationError` where the server refuses, or its own proof does not hold. */
export function readWelcome(
  key: Uint8Array,
  transcript: readonly Buffer[],
  message: Buffer,
  address: string,
): Welcome {
  const reader = new ByteReader(message);
  if (reader.u8() === 0) {
    if (reader.text() === 'full') {
      throw new LimitError(
        `Cannot connect to ${address}: the manager has no room for another session (limits.sessions)`,
      );
    }
    throw new AuthenticationError(
      `Cannot connect to ${address}: the manager refused the authkey; give the one that it was started with`,
    );
  }
  const welcome = { range: reader.varint(), nodeMajor: reader.varint() };
  const said = message.subarray(0, -MAC_BYTES);
  const proof = message.subarray(-MAC_BYTES);
  const expected = mac(key, 'server', [...transcript, said]);
  if (proof.length !== MAC_BYTES || !timingSafeEqual(expected, proof)) {
    throw new AuthenticationError(
      `Cannot connect to ${address}: what listens there does not know the authkey itself`,
    );
  }
  return welcome;
}

function mac(
  key: Uint8Array,
  role: 'client' | 'server',
  transcript: readonly Uint8Array[],
): Buffer {
  const hmac = createHmac('sha256', key).update(`${MAGIC} ${role}`);
  for (const message of transcript) hmac.update(message);
  return hmac.digest();
}

function requireVersion(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  throw new ProtocolError(
    `Cannot connect: the other side speaks version ${String(version)} of the protocol, and this one version ${String(PROTOCOL_VERSION)}; use the same version of referent on both sides`,
  );
}

/** The key with which a session's tickets are made: known to its two ends, never sent. */
export function deriveTicketKey(key: Uint8Array, session: Buffer, name: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, session, `${MAGIC} ticket ${name}`, 32));
}

/** An authkey as bytes. Throws `UsageError` where it is too short to be one. */
export function keyBytes(authkey: string | Uint8Array): Buffer {
  const bytes = Buffer.from(authkey as Uint8Array);
  if (bytes.length < KEY_BYTES_MIN) {
    throw new UsageError(
      `An authkey has at least ${String(KEY_BYTES_MIN)} bytes, and this one ${String(bytes.length)}; crypto.randomBytes(32) makes a good one`,
    );
  }
  return bytes;
}
