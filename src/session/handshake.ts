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
}

export type OnWelcome = (
  identity: Identity,
  welcome: { readonly range: number; readonly ticketKey: Buffer },
) => void;

export class Handshake {
  readonly #options: Credentials;
  readonly #onWelcome: OnWelcome;
  readonly #nonce = randomBytes(NONCE_BYTES);
  #greeting: Buffer | undefined;
  #auth: Buffer | undefined;

  constructor(options: Credentials, onWelcome: OnWelcome) {
    this.#options = options;
    this.#onWelcome = onWelcome;
  }

  receive(message: Buffer, link: Link): void {
    if (this.#greeting === undefined) this.#greeted(message, link);
    else this.#welcomed(this.#greeting, message);
  }

  #key(): Buffer {
    const { key, ownerSecret } = this.#options;
    return ownerSecret === undefined ? key() : Buffer.concat([key(), ownerSecret]);
  }

  #greeted(message: Buffer, link: Link): void {
    const { expected, address, ownerSecret } = this.#options;
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
    const mode = ownerSecret === undefined ? 'client' : 'owner';
    this.#auth = writeAuth(this.#key(), message, {
      mode,
      nodeMajor: NODE_MAJOR,
      nonce: this.#nonce,
    });
    sendMessage(link, this.#auth);
  }

  #welcomed(greetingMessage: Buffer, message: Buffer): void {
    const { address } = this.#options;
    if (this.#auth === undefined) throw new AuthenticationError('The handshake is out of order');
    const welcome = readWelcome(this.#key(), [greetingMessage, this.#auth], message, address);
    const greeting = readGreeting(greetingMessage);
    const nonces = { server: greeting.nonce, client: this.#nonce };
    const session = `${greeting.manager}${greeting.incarnation}${String(welcome.range)}`;
    const ticketKey = deriveTicketKey(this.#options.key(), nonces, session);
    this.#onWelcome(greeting, { range: welcome.range, ticketKey });
  }
}

/** A message of the handshake: one frame, outside of any outbox. */
export function sendMessage(link: Link, message: Buffer): void {
  const frame = Buffer.allocUnsafe(4 + message.length);
  frame.writeUInt32LE(message.length, 0);
  message.copy(frame, 4);
  link.write(frame);
}
