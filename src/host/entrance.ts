// Where a link comes in: nothing of it is read but its proof that it knows the key, until it has
// given it. Then it belongs to a session: a new one, or the one that it joins as a further link.

import { randomBytes } from 'node:crypto';
import { ProtocolError, messageOf } from '../base/errors';
import { type Limits } from '../base/limits';
import { FrameReader } from '../transport/frame-reader';
import { type Link, keepAlive } from '../transport/link';
import {
  type Claimant,
  HANDSHAKE_BYTES,
  NONCE_BYTES,
  type RefusalReason,
  readAuth,
  verifyAuth,
  writeGreeting,
  writeRefusal,
  writeWelcome,
} from '../wire/auth';
import { type Identity, NODE_MAJOR, sendMessage, transcriptOf } from '../session/handshake';
import { FAILURE_DELAY_MS, type FailedHandshakes } from './failed-handshakes';

/** What a session makes of one of its links. */
export interface Attachment {
  /** The session's first range: its name. */
  readonly range: number;
  /** The client knows that it is let in: from now on it may be written to. */
  open(): void;
  receive(buffer: Buffer, start: number, end: number): void;
  /** A chunk was read whole. */
  received(): void;
  drained(): void;
  /** The client broke the rules: nothing more is read of it. */
  fault(error: Error): void;
  closed(): void;
}

export interface EntranceOptions {
  readonly link: Link;
  readonly identity: Identity;
  readonly key: Buffer;
  readonly ownerSecret: Buffer | undefined;
  readonly limits: Limits;
  readonly failures: FailedHandshakes;
  /** Lets in who has proved itself, or says why not. */
  readonly admit: (claimant: Claimant, link: Link) => Attachment | RefusalReason;
  /** The link has found its session, or has closed before. */
  readonly onOver: (entrance: Entrance) => void;
  readonly onFault: (error: Error) => void;
}

export class Entrance {
  readonly #options: EntranceOptions;
  readonly #greeting: Buffer;
  readonly #reader: FrameReader;
  readonly #timer: NodeJS.Timeout;
  #attachment: Attachment | undefined;
  /** Nothing more is read of it. */
  #refused = false;
  #isClosed = false;

  constructor(options: EntranceOptions) {
    this.#options = options;
    const { link, identity, limits } = options;
    this.#greeting = writeGreeting({ ...identity, nonce: randomBytes(NONCE_BYTES) });
    this.#reader = new FrameReader((buffer, start, end) => {
      if (this.#attachment !== undefined) this.#attachment.receive(buffer, start, end);
      else if (!this.#refused) this.#waitInLine(Buffer.from(buffer.subarray(start, end)));
    }, HANDSHAKE_BYTES);
    this.#timer = setTimeout(() => {
      link.destroy();
    }, limits.handshakeMs).unref();
    link.listen({
      data: (chunk) => {
        this.#data(chunk);
      },
      drain: () => this.#attachment?.drained(),
      close: () => {
        this.#closed();
      },
    });
    sendMessage(link, this.#greeting);
  }

  close(): void {
    this.#options.link.destroy();
  }

  keepAlive(keep: boolean): void {
    keepAlive(this.#options.link, keep);
  }

  #data(chunk: Buffer): void {
    if (this.#refused) return;
    try {
      this.#reader.push(chunk);
      this.#attachment?.received();
    } catch (error) {
      const fault = error instanceof Error ? error : new ProtocolError(messageOf(error));
      this.#refused = true;
      this.#options.onFault(fault);
      if (this.#attachment === undefined) this.#options.link.end();
      else this.#attachment.fault(fault);
    }
  }

  #isWaiting = false;

  /** Who comes from where many have failed waits for its turn. */
  #waitInLine(message: Buffer): void {
    const { link, failures } = this.#options;
    if (this.#isWaiting) throw new ProtocolError('A client speaks once, and waits for the answer');
    const waitMs = link.network === undefined ? 0 : failures.waitMs(link.network.remote);
    if (waitMs === 0) {
      this.#authenticate(message);
      return;
    }
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      if (!this.#refused && !this.#isClosed) this.#waitInLine(message);
    }, waitMs).unref();
  }

  #authenticate(message: Buffer): void {
    const { link, key, ownerSecret, limits, onFault, admit } = this.#options;
    const transcript = transcriptOf(this.#greeting, link.network?.channelBinding);
    let sessionKey = key;
    let claimant: Claimant;
    try {
      claimant = readAuth(message);
      if (claimant.mode === 'owner' && ownerSecret !== undefined) {
        sessionKey = Buffer.concat([key, ownerSecret]);
      }
      verifyAuth(sessionKey, transcript, message);
    } catch (error) {
      onFault(error as Error);
      this.#fail();
      return;
    }
    const attachment = admit(claimant, link);
    if (typeof attachment === 'string') {
      this.#refuse(attachment);
      return;
    }
    this.#reader.messageBytes = limits.messageBytes;
    const welcome = { range: attachment.range, nodeMajor: NODE_MAJOR };
    sendMessage(link, writeWelcome(sessionKey, [transcript, message], welcome));
    this.#attachment = attachment;
    this.#over();
    attachment.open();
  }

  /** Over a network, guessing is slow. */
  #fail(): void {
    const { link, failures } = this.#options;
    this.#refused = true;
    if (link.network === undefined) {
      this.#refuse('key');
      return;
    }
    failures.add(link.network.remote);
    setTimeout(() => {
      this.#refuse('key');
    }, FAILURE_DELAY_MS).unref();
  }

  #refuse(reason: RefusalReason): void {
    const { link } = this.#options;
    this.#refused = true;
    sendMessage(link, writeRefusal(reason));
    link.end();
  }

  #over(): void {
    clearTimeout(this.#timer);
    this.#options.onOver(this);
  }

  #closed(): void {
    this.#isClosed = true;
    if (this.#attachment !== undefined) this.#attachment.closed();
    else this.#over();
  }
}
