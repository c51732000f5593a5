// One client of a host: first the handshake, then its session until it ends. What it held is given
// back at once when it said goodbye, and after `limits.lingerMs` when its connection just broke,
// so that what it sent to others can still be claimed.

import { randomBytes } from 'node:crypto';
import { ConnectionLostError, LimitError, ProtocolError, messageOf } from '../base/errors';
import { type Limits } from '../base/limits';
import { FrameReader, Outbox } from '../transport/framing';
import { type Link } from '../transport/link';
import {
  type Claimant,
  HANDSHAKE_BYTES,
  NONCE_BYTES,
  deriveTicketKey,
  readAuth,
  verifyAuth,
  writeGreeting,
  writeRefusal,
  writeWelcome,
} from '../wire/auth';
import { type ControlFrame } from '../wire/frames';
import { type Identity, NODE_MAJOR, OWNER_RANGE, sendMessage } from '../session/handshake';
import { type Translator } from '../session/parties';
import { Session } from '../session/session';
import { CONTROL_EXPOSURE, Control, type ControlParts } from './control';
import { HostParty, type HostParts } from './host-party';

/** No progress on this much for so long: the peer no longer reads. */
const STALLED_BYTES = 64 * 1024 * 1024;
const STALLED_MS = 10_000;

export interface HostSessionOptions {
  readonly link: Link;
  readonly identity: Identity;
  readonly key: Buffer;
  readonly ownerSecret: Buffer | undefined;
  readonly limits: Limits;
  readonly translator: Translator;
  readonly parts: HostParts;
  readonly control: Omit<ControlParts, 'newRange'>;
  /** The next free range, or undefined when there is no room for another session. */
  readonly nextRange: () => number | undefined;
  /** The session is there. */
  readonly onOpen: (session: HostSession) => void;
  /** The link has closed; what the session held may stay for a while. */
  readonly onClosed: (session: HostSession) => void;
  /** All of it is gone. */
  readonly onEnded: (session: HostSession) => void;
  readonly onFault: (error: Error) => void;
}

export class HostSession {
  readonly #options: HostSessionOptions;
  readonly #greeting: Buffer;
  readonly #nonce = randomBytes(NONCE_BYTES);
  readonly #reader: FrameReader;
  readonly #timer: NodeJS.Timeout;
  #state: 'handshake' | 'open' | 'lingering' | 'ended' = 'handshake';
  #session: Session | undefined;
  #party: HostParty | undefined;
  #range = 0;
  #leaving = false;
  /** The peer broke the rules: nothing more is read of it. */
  #faulty = false;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(options: HostSessionOptions) {
    this.#options = options;
    const { link, identity, limits } = options;
    this.#greeting = writeGreeting({ ...identity, nonce: this.#nonce });
    this.#reader = new FrameReader((buffer, start, end) => {
      this.#receive(buffer, start, end);
    }, HANDSHAKE_BYTES);
    this.#timer = setTimeout(() => {
      link.destroy();
    }, limits.handshakeMs).unref();
    link.listen({
      data: (chunk) => {
        this.#data(chunk);
      },
      drain: () => {
        this.#session?.outbox.flush();
        this.#session?.resume();
      },
      close: () => {
        this.#closed();
      },
    });
    sendMessage(link, this.#greeting);
  }

  get authenticated(): boolean {
    return this.#state !== 'handshake';
  }
  /** The first range of the session: what it is called in tokens and snapshots. */
  get id(): number {
    return this.#range;
  }
  get peer(): string {
    return this.#options.link.peer;
  }
  get references(): number {
    return this.#party?.references.size ?? 0;
  }
  /** Locks and permits that its calls have acquired. */
  get locks(): number {
    return this.#session?.caller.holdings ?? 0;
  }
  get runningCalls(): number {
    return this.#session?.runningCalls ?? 0;
  }
  get callsIn(): number {
    return this.#session?.callsIn ?? 0;
  }

  /** Tells the client that the manager is ending. */
  sayGoodbye(reason: string): void {
    this.#session?.control({ kind: 'goaway', reason });
    this.#session?.outbox.flush();
  }

  /** Ends the connection after what was written. */
  close(): void {
    this.#leaving = true;
    this.#session?.outbox.flush();
    this.#options.link.end();
    if (this.#state === 'lingering') this.#end();
  }

  #data(chunk: Buffer): void {
    const { link } = this.#options;
    if (this.#faulty) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      const fault = error instanceof Error ? error : new ProtocolError(messageOf(error));
      this.#faulty = true;
      this.#options.onFault(fault);
      this.#session?.control({ kind: 'goaway', reason: fault.message });
      this.#session?.outbox.flush();
      link.end();
      return;
    }
    this.#session?.outbox.flush();
    this.#watchProgress();
  }

  #receive(buffer: Buffer, start: number, end: number): void {
    if (this.#session !== undefined) {
      if (this.#state === 'open') this.#session.receive(buffer, start, end);
      return;
    }
    this.#authenticate(Buffer.from(buffer.subarray(start, end)));
  }

  #authenticate(message: Buffer): void {
    const { link, key, ownerSecret } = this.#options;
    let claimant: Claimant;
    let sessionKey = key;
    let isOwner: boolean;
    try {
      claimant = readAuth(message);
      isOwner = claimant.mode === 'owner' && ownerSecret !== undefined;
      if (isOwner && ownerSecret !== undefined) sessionKey = Buffer.concat([key, ownerSecret]);
      verifyAuth(sessionKey, this.#greeting, message);
    } catch (error) {
      this.#faulty = true;
      sendMessage(link, writeRefusal('key'));
      link.end();
      this.#options.onFault(error as Error);
      return;
    }
    const range = isOwner ? OWNER_RANGE : this.#options.nextRange();
    if (range === undefined) {
      this.#faulty = true;
      sendMessage(link, writeRefusal('full'));
      link.end();
      return;
    }
    this.#open(claimant, range);
    const welcome = writeWelcome(sessionKey, [this.#greeting, message], {
      range,
      nodeMajor: NODE_MAJOR,
    });
    sendMessage(link, welcome);
    this.#session?.outbox.open(link);
    this.#options.onOpen(this);
  }

  #open(claimant: Claimant, range: number): void {
    const { link, key, ownerSecret, limits, parts, identity } = this.#options;
    clearTimeout(this.#timer);
    this.#state = 'open';
    this.#range = range;
    this.#reader.messageBytes = limits.messageBytes;
    const nonces = { server: this.#nonce, client: claimant.nonce };
    const name = `${identity.manager}${identity.incarnation}${String(range)}`;
    const isOwner = claimant.mode === 'owner' && ownerSecret !== undefined;
    const ticketKey = isOwner ? ownerSecret : deriveTicketKey(key, nonces, name);
    parts.tickets.addMinter(range, ticketKey, (id) => this.#party?.references.has(id) ?? false);
    const party = this.#makeParty(range);
    this.#party = party;
    const session = new Session({
      outbox: new Outbox(),
      party,
      translator: this.#options.translator,
      limits,
      peer: link.peer,
      canRelease: () => this.#state === 'open',
      identifiesFunctions: true,
      isContainer: (typeid) => parts.registry.isContainer(typeid),
      exposureOf: (value) => parts.objects.rowOf(value)?.exposure,
      onControl: (frame) => {
        this.#onControl(frame as ControlFrame);
      },
    });
    // What one client's callback does must not end the manager of all the others.
    session.reportsFailures = true;
    session.onWarning = this.#options.onFault;
    this.#session = session;
  }

  #makeParty(range: number): HostParty {
    const { parts, limits, control, nextRange } = this.#options;
    const newRange = (): number => {
      const next = nextRange();
      if (next === undefined) throw new LimitError('The manager has no more numbers to give');
      this.#party?.addRange(next);
      return next;
    };
    return new HostParty(parts, {
      range,
      references: limits.references,
      control: new Control({ ...control, newRange }),
      controlExposure: CONTROL_EXPOSURE,
      tellFailure: (id, error) => this.#session?.sendFailed(id, error),
    });
  }

  #onControl(frame: ControlFrame): void {
    switch (frame.kind) {
      case 'bye':
        this.#leaving = true;
        this.#options.link.end();
        this.#closed();
        return;
      case 'ping':
        this.#session?.control({ kind: 'pong', number: frame.number, time: Date.now() });
        return;
      case 'pong':
        return;
      default:
        throw new ProtocolError(`A client does not send "${frame.kind}"`);
    }
  }

  #stalled: NodeJS.Timeout | undefined;

  #watchProgress(): void {
    const buffered = this.#session?.outbox.buffered ?? 0;
    if (buffered < STALLED_BYTES || this.#stalled !== undefined) return;
    this.#stalled = setTimeout(() => {
      this.#stalled = undefined;
      if ((this.#session?.outbox.buffered ?? 0) >= buffered) this.#options.link.destroy();
    }, STALLED_MS).unref();
  }

  #closed(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#stalled);
    if (this.#state === 'handshake') {
      this.#state = 'ended';
      this.#options.onClosed(this);
      return;
    }
    if (this.#state !== 'open') return;
    this.#state = 'lingering';
    this.#session?.end(new ConnectionLostError(`The client at ${this.peer} is gone`));
    this.#options.onClosed(this);
    if (this.#leaving) {
      this.#end();
      return;
    }
    this.#lingerTimer = setTimeout(() => {
      this.#end();
    }, this.#options.limits.lingerMs).unref();
  }

  #end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#lingerTimer);
    this.#options.parts.tickets.endMinter(this.#range);
    this.#party?.references.releaseAll();
    this.#options.onEnded(this);
  }
}
