// One client of a host. It has a link, and beside it a lane while a thread of it makes calls for
// which it blocks; either may come first. What it held is given back at once when it said goodbye,
// and after `limits.lingerMs` when its connection just broke, so that what it sent to others can
// still be claimed. Its locks and waits end at once in any case.

import { ConnectionLostError, LimitError, ProtocolError } from '../base/errors';
import { type Limits } from '../base/limits';
import { Outbox } from '../transport/outbox';
import { type Link, keepAlive } from '../transport/link';
import { type Claimant, deriveTicketKey } from '../wire/auth';
import { type ControlFrame, readNumber } from '../wire/frames';
import { DEFAULT_SERIALIZER } from '../wire/serializers';
import { realm } from '../proxy/realm';
import { type Identity } from '../session/handshake';
import { Liveness } from '../session/liveness';
import { type Translator } from '../session/parties';
import { type Trust } from '../session/passing';
import { Session } from '../session/session';
import { CONTROL_EXPOSURE, Control, type ControlParts } from './control';
import { type Attachment } from './entrance';
import { HostParty, type HostParts } from './host-party';
import { type Counter, Inbox } from './inbox';

/** No progress on this much for so long: the peer no longer reads. */
const STALLED_BYTES = 64 * 1024 * 1024;
const STALLED_MS = 10_000;

export interface HostSessionOptions {
  readonly claimant: Claimant;
  /** The first range of the session: what it is called in tokens and snapshots. */
  readonly range: number;
  readonly peer: string;
  readonly identity: Identity;
  readonly key: Buffer;
  readonly ownerSecret: Buffer | undefined;
  readonly limits: Limits;
  /** Whether clients are told where errors were thrown. */
  readonly sendsStacks: boolean;
  /** What carries structured data; where it is not v8, none of v8 is taken from clients. */
  readonly serializer: string;
  readonly translator: Translator;
  readonly parts: HostParts;
  readonly control: Omit<ControlParts, 'newRange'>;
  /** The next free range, or undefined when there is no room for another session. */
  readonly nextRange: () => number | undefined;
  /** The session is there. */
  readonly onOpen: (session: HostSession) => void;
  /** All of it is gone. */
  readonly onEnded: (session: HostSession) => void;
  readonly onFault: (error: Error) => void;
}

export class HostSession {
  readonly #options: HostSessionOptions;
  readonly #session: Session;
  readonly #party: HostParty;
  readonly #inbox: Inbox;
  #state: 'new' | 'open' | 'lingering' | 'ended' = 'new';
  #link: Link | undefined;
  #lane: Link | undefined;
  #liveness: Liveness | undefined;
  #leaving = false;
  #lingerTimer: NodeJS.Timeout | undefined;
  #stalled: NodeJS.Timeout | undefined;

  constructor(options: HostSessionOptions) {
    this.#options = options;
    this.#party = this.#makeParty();
    this.#session = this.#makeSession();
    this.#inbox = new Inbox((buffer, start, end) => {
      if (this.#state === 'open') this.#session.receive(buffer, start, end);
    });
    options.parts.tickets.addMinter(options.range, this.#ticketKey(), (id) =>
      this.#party.references.has(id),
    );
  }

  get id(): number {
    return this.#options.range;
  }
  get peer(): string {
    return this.#options.peer;
  }
  get isOpen(): boolean {
    return this.#state === 'new' || this.#state === 'open';
  }
  get references(): number {
    return this.#party.references.size;
  }
  /** Locks and permits that its calls have acquired. */
  get locks(): number {
    return this.#session.caller.locks;
  }
  get runningCalls(): number {
    return this.#session.runningCalls;
  }
  get callsIn(): number {
    return this.#session.callsIn;
  }

  /** Whether that claimant is this client, with a link that is still missing. */
  isJoinedBy({ session, mode, isLane }: Claimant): boolean {
    const own = this.#options.claimant;
    const isFree = isLane || this.#link === undefined;
    return this.isOpen && isFree && own.mode === mode && own.session.equals(session);
  }

  /** A link of this client, which has proved that it is one. */
  attach(link: Link, isLane: boolean): Attachment {
    const before = isLane ? this.#lane : undefined;
    if (isLane) this.#lane = link;
    else this.#link = link;
    before?.destroy(); // given up by the client: it has made a new one
    const counter: Counter = { next: 1 };
    return {
      range: this.#options.range,
      open: () => {
        this.#opened(link, isLane);
      },
      receive: (buffer, start, end) => {
        this.#receive(counter, buffer, start, end);
      },
      received: () => {
        this.#session.flush();
        this.#watchProgress();
      },
      drained: () => {
        this.#session.flush();
        this.#session.resume();
      },
      fault: (error) => {
        this.#session.announce({ kind: 'goaway', reason: error.message });
        this.#session.flush();
        // All of them: what the broken one should have brought does not come by another.
        this.#link?.end();
        this.#lane?.end();
      },
      closed: () => {
        this.#linkClosed(link, isLane);
      },
    };
  }

  /** Tells the client that the manager is ending. */
  sayGoodbye(reason: string): void {
    this.#session.announce({ kind: 'goaway', reason });
    this.#session.flush();
  }

  /** What its client has still to read; nothing of one that is gone, or has only a thread that blocks. */
  get unsentBytes(): number {
    const { outbox } = this.#session;
    return this.isOpen && outbox.isOpen ? outbox.buffered : 0;
  }

  /** Ends the connection after what was written. */
  close(): void {
    this.#leaving = true;
    this.#session.flush();
    this.#sendRestByLane();
    this.#link?.end();
    this.#lane?.end();
    if (this.#state === 'lingering') this.#end();
  }

  /** A client that has blocked ever since it came has no link yet, and answers that wait for one. */
  #sendRestByLane(): void {
    const { outbox } = this.#session;
    const lane = this.#lane;
    if (lane === undefined || outbox.isOpen) return;
    const write = (bytes: Buffer): void => {
      lane.write(Buffer.from(bytes)); // they are lent
    };
    outbox.writeTo({ write }, 1);
  }

  /** Whether its links keep the process alive. */
  keepAlive(keep: boolean): void {
    for (const link of [this.#link, this.#lane]) if (link !== undefined) keepAlive(link, keep);
  }

  #opened(link: Link, isLane: boolean): void {
    const isNew = this.#state === 'new';
    this.#state = 'open';
    if (isLane) this.#session.openLane(link);
    else this.#openLink(link);
    if (isNew) this.#options.onOpen(this);
  }

  #openLink(link: Link): void {
    this.#session.outbox.open(link);
    this.#liveness = Liveness.watch(link, this.#session, this.#options.limits.leaseMs);
  }

  #receive(counter: Counter, buffer: Buffer, start: number, end: number): void {
    const next = readNumber(buffer, start, end);
    if (next === undefined) this.#inbox.receive(counter, buffer, start, end);
    else counter.next = next;
  }

  #linkClosed(link: Link, isLane: boolean): void {
    if (!isLane) {
      this.#closed();
      return;
    }
    if (this.#lane !== link) return; // another one has taken its place
    this.#lane = undefined;
    this.#session.closeLane();
    if (this.#link === undefined) this.#closed();
  }

  #ticketKey(): Buffer {
    const { claimant, key, ownerSecret, identity, range } = this.#options;
    if (claimant.mode === 'owner' && ownerSecret !== undefined) return ownerSecret;
    const name = `${identity.manager}${identity.incarnation}${String(range)}`;
    return deriveTicketKey(key, claimant.session, name);
  }

  #makeSession(): Session {
    const { limits, parts, peer, translator, serializer, onFault } = this.#options;
    const session = new Session({
      outbox: new Outbox(),
      party: this.#party,
      translator,
      limits,
      peer,
      canRelease: () => this.#state === 'open',
      identifiesFunctions: true,
      sendsStacks: this.#options.sendsStacks,
      serializer,
      takesV8: serializer === DEFAULT_SERIALIZER,
      isContainer: (typeid) => parts.registry.isContainer(typeid),
      exposureOf: (value) => parts.objects.rowOf(value)?.exposure,
      trust: this.#trust(),
      onControl: (frame) => {
        this.#onControl(frame as ControlFrame);
      },
    });
    // What one client's callback does must not end the manager of all the others.
    session.reportsFailures = true;
    session.onWarning = onFault;
    return session;
  }

  /** Who has started this process may do here what it likes, and so may whoever it has spawned. */
  #trust(): Trust {
    const { claimant, ownerSecret, parts } = this.#options;
    const isOwner = claimant.mode === 'owner' && ownerSecret !== undefined;
    return {
      admits: (code, proofs) => isOwner || realm.kin.accepts(code, proofs),
      requireModule: parts.requireModule,
    };
  }

  #makeParty(): HostParty {
    const { parts, limits, control, nextRange, range } = this.#options;
    const newRange = (): number => {
      const next = nextRange();
      if (next === undefined) throw new LimitError('The manager has no more numbers to give');
      this.#party.addRange(next);
      return next;
    };
    return new HostParty(parts, {
      range,
      references: limits.references,
      control: new Control({ ...control, newRange }),
      controlExposure: CONTROL_EXPOSURE,
      tellFailure: (id, error) => {
        this.#session.sendFailed(id, error);
      },
    });
  }

  #onControl(frame: ControlFrame): void {
    switch (frame.kind) {
      case 'bye':
        this.#leaving = true;
        this.#link?.end();
        this.#closed();
        return;
      case 'ping':
        if (this.#liveness !== undefined) this.#liveness.answer(frame.number);
        else this.#session.control({ kind: 'pong', number: frame.number, time: Date.now() });
        return;
      case 'pong':
        this.#liveness?.answered(frame.number);
        return;
      default:
        throw new ProtocolError(`A client does not send "${frame.kind}"`);
    }
  }

  #watchProgress(): void {
    const { buffered } = this.#session.outbox;
    if (buffered < STALLED_BYTES || this.#stalled !== undefined) return;
    this.#stalled = setTimeout(() => {
      this.#stalled = undefined;
      if (this.#session.outbox.buffered >= buffered) this.#link?.destroy();
    }, STALLED_MS).unref();
  }

  #closed(): void {
    if (!this.isOpen) return;
    clearTimeout(this.#stalled);
    this.#state = 'lingering';
    this.#session.end(new ConnectionLostError(`The client at ${this.peer} is gone`));
    this.#lane?.end();
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
    this.#options.parts.tickets.endMinter(this.#options.range);
    this.#party.references.releaseAll();
    this.#options.onEnded(this);
  }
}
