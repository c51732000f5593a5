// Over a network a log server reads nothing of who has not proved that it knows the key, and a sender
// tells nothing to who has not. The proofs are those of managers, with a key derived for logs alone,
// so that none of them can be played to a manager that has the same one.

import { createHmac, randomBytes } from 'node:crypto';
import { AuthenticationError } from '../base/errors';
import { type Link } from '../transport/link';
import {
  NONCE_BYTES,
  SESSION_BYTES,
  keyBytes,
  readAuth,
  readGreeting,
  readWelcome,
  verifyAuth,
  writeAuth,
  writeGreeting,
  writeWelcome,
} from '../wire/auth';

const NODE_MAJOR = Number.parseInt(process.versions.node, 10);
const ID_BYTES = 16;

export function logKey(authkey: string | Uint8Array): Buffer {
  return createHmac('sha256', keyBytes(authkey)).update('log').digest();
}

/** One message: its length, and its bytes. */
export function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(4 + message.length);
  frame.writeUInt32LE(message.length, 0);
  frame.set(message, 4);
  return frame;
}

/** The server's half. */
export class Doorkeeper {
  readonly #link: Link;
  readonly #key: Buffer;
  readonly #greeting: Buffer;

  constructor(link: Link, key: Buffer) {
    this.#link = link;
    this.#key = key;
    const id = randomBytes(ID_BYTES).toString('hex');
    const nonce = randomBytes(NONCE_BYTES);
    this.#greeting = writeGreeting({ manager: id, incarnation: id, nonce });
    link.write(frameOf(this.#greeting));
  }

  /** Throws `AuthenticationError` where the sender does not know the key. */
  letIn(auth: Buffer): void {
    readAuth(auth);
    const transcript = bound(this.#greeting, this.#link);
    verifyAuth(this.#key, transcript, auth);
    const welcome = { range: 0, nodeMajor: NODE_MAJOR };
    this.#link.write(frameOf(writeWelcome(this.#key, [transcript, auth], welcome)));
  }
}

/** The sender's half. */
export class Guest {
  readonly #link: Link;
  readonly #key: Buffer;
  #said: readonly [transcript: Buffer, auth: Buffer] | undefined;

  constructor(link: Link, key: Buffer) {
    this.#link = link;
    this.#key = key;
  }

  /** Answers whether it is in. Throws `AuthenticationError` where one side does not know the key. */
  receive(message: Buffer): boolean {
    if (this.#said !== undefined) {
      readWelcome(this.#key, this.#said, message, this.#link.peer);
      return true;
    }
    readGreeting(message);
    const transcript = bound(message, this.#link);
    const auth = writeAuth(this.#key, transcript, {
      mode: 'client',
      isLane: false,
      nodeMajor: NODE_MAJOR,
      session: randomBytes(SESSION_BYTES),
      nonce: randomBytes(NONCE_BYTES),
    });
    this.#said = [transcript, auth];
    this.#link.write(frameOf(auth));
    return false;
  }
}

/** A proof over TLS is one for that very link. */
function bound(greeting: Buffer, { network }: Link): Buffer {
  const binding = network?.channelBinding;
  return binding === undefined ? greeting : Buffer.concat([greeting, binding]);
}

export function refused(address: string): AuthenticationError {
  return new AuthenticationError(
    `Cannot log to ${address}: the log server closed the connection before it let this process in; give the authkey that it was started with`,
  );
}
