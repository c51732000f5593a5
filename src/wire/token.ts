// A token names a referent for any process: which manager and incarnation, where it listens,
// which object, and a secret that only a session which held the object can have made.
//
// Text: "smref1." and base64url of the fields below, in their order. As a value, in JSON and in
// structured clones alike: `{ '@referent': text }`.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { ProtocolError, UsageError } from '../base/errors';
import { ByteReader, ByteWriter } from './bytes';

export const TOKEN_KEY = '@referent';
const PREFIX = 'smref1.';
const NAME_PREFIX = 'smname1.';
const ID_BYTES = 16;
const SECRET_BYTES = 16;
const LABEL = 'tk1';

/** What a ticket says: which object, minted by which session under which number. */
export interface Ticket {
  readonly id: number;
  readonly typeid: string;
  readonly callable: boolean;
  /** The range of the session that minted it. */
  readonly minter: number;
  /** Counts the tickets of the minter, from 1. */
  readonly number: number;
  /** How often it may be claimed; 0: without end. */
  readonly uses: number;
  readonly ttlMs: number;
}

/** Where the object lives. */
export interface Place {
  /** The manager, and this run of it: 32 hexadecimal digits each. */
  readonly manager: string;
  readonly incarnation: string;
  readonly address: string;
}

export interface Token extends Ticket, Place {
  readonly secret: Buffer;
}

/** The secret of a ticket: proves that it was made with the minter's ticket key. */
export function ticketSecret(ticketKey: Uint8Array, ticket: Ticket & Place): Buffer {
  const writer = new ByteWriter(128);
  writer.text(LABEL);
  writer.text(ticket.manager);
  writer.text(ticket.incarnation);
  writer.text(ticket.address);
  writeTicket(writer, ticket);
  return createHmac('sha256', ticketKey).update(writer.bytes).digest().subarray(0, SECRET_BYTES);
}

export function isGenuine(ticketKey: Uint8Array, token: Token): boolean {
  return timingSafeEqual(ticketSecret(ticketKey, token), token.secret);
}

function writeTicket(writer: ByteWriter, ticket: Ticket): void {
  writer.varint(ticket.id);
  writer.text(ticket.typeid);
  writer.u8(ticket.callable ? 1 : 0);
  writer.varint(ticket.minter);
  writer.varint(ticket.number);
  writer.varint(ticket.uses);
  writer.varint(ticket.ttlMs);
}

export function formatToken(token: Token): string {
  const writer = new ByteWriter(256);
  writer.raw(Buffer.from(token.manager, 'hex'));
  writer.raw(Buffer.from(token.incarnation, 'hex'));
  writer.text(token.address);
  writeTicket(writer, token);
  writer.raw(token.secret);
  return PREFIX + writer.bytes.toString('base64url');
}

/** Throws `UsageError` for a text that is no token. */
export function parseToken(text: string): Token {
  if (!text.startsWith(PREFIX)) throw notAToken(text);
  try {
    const token = readToken(new ByteReader(Buffer.from(text.slice(PREFIX.length), 'base64url')));
    if (formatToken(token) !== text) throw notAToken(text); // one token has one text
    return token;
  } catch (error) {
    if (error instanceof ProtocolError) throw notAToken(text);
    throw error;
  }
}

function readToken(reader: ByteReader): Token {
  const manager = reader.raw(ID_BYTES).toString('hex');
  const incarnation = reader.raw(ID_BYTES).toString('hex');
  const token = {
    manager,
    incarnation,
    address: reader.text(),
    id: reader.varint(),
    typeid: reader.text(),
    callable: reader.u8() === 1,
    minter: reader.varint(),
    number: reader.varint(),
    uses: reader.varint(),
    ttlMs: reader.varint(),
    secret: Buffer.from(reader.raw(SECRET_BYTES)),
  };
  if (reader.left > 0) throw new ProtocolError('Cannot read a token: it is too long');
  return token;
}

function notAToken(text: string): UsageError {
  return new UsageError(
    `Cannot read a token: "${text.slice(0, 24)}…" is cut, changed or of another version`,
  );
}

/** The text of a value that is a token, else undefined. */
export function tokenTextOf(value: object): string | undefined {
  if (!Object.hasOwn(value, TOKEN_KEY) || Object.keys(value).length !== 1) return undefined;
  const text = (value as Record<string, unknown>)[TOKEN_KEY];
  const isToken = typeof text === 'string' && (text.startsWith(PREFIX) || isNameToken(text));
  return isToken ? text : undefined;
}

/** What the token of a name says: it names no object, proves nothing, and outlives a restart. */
export interface NameToken {
  /** The manager that was there when it was written; undefined where that was not known yet. */
  readonly manager: string | undefined;
  readonly address: string;
  /** As its encoder writes it. */
  readonly key: Buffer;
}

export function isNameToken(text: string): boolean {
  return text.startsWith(NAME_PREFIX);
}

export function formatNameToken({ manager = '', address, key }: NameToken): string {
  const writer = new ByteWriter(128);
  writer.text(manager);
  writer.text(address);
  writer.raw(key);
  return NAME_PREFIX + writer.bytes.toString('base64url');
}

/** Throws `UsageError` for a text that is no token of a name. */
export function parseNameToken(text: string): NameToken {
  try {
    const reader = new ByteReader(Buffer.from(text.slice(NAME_PREFIX.length), 'base64url'));
    const manager = reader.text();
    const token = {
      manager: manager === '' ? undefined : manager,
      address: reader.text(),
      key: Buffer.from(reader.raw(reader.left)),
    };
    if (formatNameToken(token) !== text) throw notAToken(text);
    return token;
  } catch (error) {
    if (error instanceof ProtocolError) throw notAToken(text);
    throw error;
  }
}
