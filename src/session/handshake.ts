// The client's half of the handshake: is this the manager that was meant, does it know the key, and
// which session is ours.

import { randomBytes } from 'node:crypto';
import { AuthenticationError, StaleManagerError } from '../base/errors';
import { type Link } from '../transport/link';
import { NONCE_BYTES, deriveTicketKey, readGreeting, readWelcome, writeAuth } from '../wire/auth';

/** The range of the process that started the manager. */
export const OWNER_RANGE = 1;
export const NODE_MAJOR = Number.parseInt(process.versions.node, 10);

export interface Identity {
  readonly manager: string;
  readonly incarnation: string;
}

/** What a client brings to the handshake. */
export interface Credentials {
  readonly address: string;
  /** The authkey; read when the connection is made, because a file may hold it. */
  readonly key: () => Buffer;
  /** Which manager is expected, where that is known. */
  readonly expected?: Identity;
  /** Only the process that started the manager has this: its ids and tokens exist at once. */
  readonly ownerSecret?: Buffer;
  /** Random: what this client's links to the manager have in common. */
  readonly session: Buffer;
}

/** What the handshake gives. */
export interface Admission {
  readonly identity: Identity;
  readonly range: number;
  readonly ticketKey: Buffer;
}

/** Takes the server's messages, gives the answers, and tells when it is over. */
export class Handshake {
  readonly #options: Credentials;
  readonly #isLane: boolean;
  #greeting: Buffer | undefined;
  #auth: Buffer | undefined;
  #transcript: Buffer = Buffer.alloc(0);

  constructor(options: Credentials, isLane: boolean) {
    this.#options = options;
    this.#isLane = isLane;
  }

  /** An answer to send, or what was gained. `binding` is the link's own secret, where it has one. Throws where the server is not the one that was meant. */
  receive(message: Buffer, binding?: Buffer): Buffer | Admission {
    return this.#greeting === undefined
      ? this.#greeted(message, binding)
      : this.#welcomed(this.#greeting, message);
  }

  #key(): Buffer {
    const { key, ownerSecret } = this.#options;
    return ownerSecret === undefined ? key() : Buffer.concat([key(), ownerSecret]);
  }

  #greeted(message: Buffer, binding: Buffer | undefined): Buffer {
    const { expected, address, ownerSecret, session } = this.#options;
    const greeting = readGreeting(message);
    // Before any secret is used: is this the manager that was meant?
    if (expected !== undefined && expected.manager !== greeting.manager) {
      throw new StaleManagerError(
        `The manager at ${address} is another one: the one that was meant has ended`,
      );
    }
    if (expected !== undefined && expected.incarnation !== greeting.incarnation) {
      throw new StaleManagerError(
        `The manager at ${address} was restarted: its objects from before are gone`,
      );
    }
    this.#greeting = message;
    this.#transcript = transcriptOf(message, binding);
    this.#auth = writeAuth(this.#key(), this.#transcript, {
      mode: ownerSecret === undefined ? 'client' : 'owner',
      isLane: this.#isLane,
      nodeMajor: NODE_MAJOR,
      session,
      nonce: randomBytes(NONCE_BYTES),
    });
    return this.#auth;
  }

  #welcomed(greetingMessage: Buffer, message: Buffer): Admission {
    const { address, session, key } = this.#options;
    if (this.#auth === undefined) throw new AuthenticationError('The handshake is out of order');
    const { range } = readWelcome(this.#key(), [this.#transcript, this.#auth], message, address);
    const { manager, incarnation } = readGreeting(greetingMessage);
    const name = `${manager}${incarnation}${String(range)}`;
    const ticketKey = deriveTicketKey(key(), session, name);
    return { identity: { manager, incarnation }, range, ticketKey };
  }
}

/** What a proof speaks of: the greeting, and over TLS the very link, so that nobody can pass it on. */
export function transcriptOf(greeting: Buffer, binding: Buffer | undefined): Buffer {
  return binding === undefined ? greeting : Buffer.concat([greeting, binding]);
}

/** A message of the handshake: one frame, outside of any outbox. */
export function sendMessage(link: Pick<Link, 'write'>, message: Buffer): void {
  const frame = Buffer.allocUnsafe(4 + message.length);
  frame.writeUInt32LE(message.length, 0);
  message.copy(frame, 4);
  link.write(frame);
}
