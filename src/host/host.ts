// A host holds the referents of one manager and serves them: it listens, lets sessions in, and
// keeps what they share. It runs in the manager's child process, or in any process that serves.

import { inspect } from 'node:util';
import { EventEmitter } from 'node:events';
import { traceConnection } from '../base/diagnostics';
import { MethodNotExposedError, rethrow } from '../base/errors';
import { type Limits } from '../base/limits';
import { RANGE_SIZE, ObjectTable } from '../refs/objects';
import { TicketTable, gone } from '../refs/tickets';
import { isNetwork, parseAddress } from '../transport/address';
import { type Door, openDoor } from '../transport/fifo-door';
import { listen, type Listener } from '../transport/listen';
import { directoryOf } from '../process/runtime-directory';
import { type Link } from '../transport/link';
import { type TlsOptions } from '../transport/tls-options';
import { type Identity, OWNER_RANGE } from '../session/handshake';
import { type Exposure } from '../session/exposure';
import { toPlain } from '../session/plain-copy';
import { type LocalServer, realm, translator } from '../proxy/realm';
import { type Claimant, type RefusalReason } from '../wire/auth';
import { DEFAULT_SERIALIZER } from '../wire/serializers';
import { parseToken } from '../wire/token';
import { Control, type ControlParts, type Snapshot } from './control';
import { type Attachment, Entrance } from './entrance';
import { FailedHandshakes } from './failed-handshakes';
import { type HostParts } from './host-party';
import { HostSession } from './host-session';
import { type NameService } from './name-service';
import { type Registry } from './registry';

const SWEEP_MS = 1000;
const RANGES = 2 ** 53 / RANGE_SIZE;
const TEXT_LENGTH = 75;
/** How long a manager that ends gives its clients to read what they were answered. */
const DELIVER_MS = 500;

export interface HostOptions {
  readonly address: string;
  readonly key: Buffer;
  readonly identity: Identity;
  readonly ownerSecret?: Buffer | undefined;
  readonly limits: Limits;
  readonly registry: Registry;
  /** Makes the names of the host, over its objects. */
  readonly names: (objects: ObjectTable<Exposure>) => NameService;
  readonly tls?: TlsOptions | undefined;
  /** Whether a client can shut it down. Default true. */
  readonly endsWhenAsked?: boolean;
  /** Over a network, whether clients are told where errors were thrown. */
  readonly debug?: boolean;
  /** What carries structured data. Default v8; with any other, clients may not send v8. */
  readonly serializer?: string;
}

export interface SessionEvent {
  readonly id: number;
  readonly peer: string;
}

export class Host
  extends EventEmitter<{
    session: [SessionEvent];
    sessionEnd: [SessionEvent];
    fault: [Error];
    closed: [];
  }>
  implements LocalServer
{
  readonly manager: string;
  readonly objects: ObjectTable<Exposure>;
  readonly tickets: TicketTable;
  readonly names: NameService;
  readonly #options: HostOptions;
  readonly #parts: HostParts;
  /** Links that have not proved themselves. */
  readonly #entrances = new Set<Entrance>();
  #address: string;
  readonly #sessions = new Set<HostSession>();
  readonly #failures = new FailedHandshakes();
  /** Referents of registered classes: disposed at the end, newest first. */
  readonly #resources: WeakRef<object>[] = [];
  /** Disposed with their last reference already. */
  readonly #disposed = new WeakSet();
  #listener: Listener | undefined;
  #door: Door | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #ranges = OWNER_RANGE;
  #callsOfEnded = 0;
  #closing: Promise<void> | undefined;
  #keepsAlive = true;
  /** Claims that wait for what has not come. */
  #arrivals: (() => void)[] = [];

  readonly #controlParts: Omit<ControlParts, 'newRange'>;
  readonly #control: Control;

  constructor(options: HostOptions) {
    super();
    this.#options = options;
    this.#address = options.address;
    this.manager = options.identity.manager;
    this.objects = new ObjectTable<Exposure>((referent) => {
      this.#disposed.add(referent);
      disposeNow(referent).catch((error: unknown) => this.emit('fault', error as Error));
    });
    this.tickets = new TicketTable(this.objects, options.limits);
    this.names = options.names(this.objects);
    this.#parts = {
      objects: this.objects,
      tickets: this.tickets,
      registry: options.registry,
      lendsInstances: !isNetwork(options.address),
      requireModule: (url) => {
        options.registry.requireModule(url);
      },
      arrived: () => {
        this.#arrived();
      },
      made: (referent) => {
        this.#keepForDisposal(referent);
      },
      names: this.names,
    };
    this.#controlParts = this.#makeControlParts();
    this.#control = new Control({ ...this.#controlParts, newRange: () => 0 });
    realm.addServer(this);
  }

  /** With the port that the system has chosen, once `listen()` has resolved. */
  get address(): string {
    return this.#address;
  }

  /** What every session may ask of the manager. */
  #makeControlParts(): Omit<ControlParts, 'newRange'> {
    return {
      numberOfObjects: () => this.numberOfObjects(),
      snapshot: () => this.snapshot(),
      debugInfo: () => this.#debugInfo(),
      shutdown: (drainMs) => {
        if (this.#options.endsWhenAsked === false) throw keepsServing();
        setImmediate(() => void this.close(drainMs));
      },
      claim: (text) => this.#claim(text),
      nextArrival: (signal) => this.#nextArrival(signal),
      claimMs: this.#options.limits.handshakeMs,
      names: this.names.desk,
    };
  }

  /** Resolves when clients can connect. */
  async listen(): Promise<void> {
    const accept = (link: Link): void => {
      this.accept(link);
    };
    const directory = directoryOf(this.address);
    // Before the socket: whoever finds that one knows whether there is a door.
    if (directory !== undefined) this.#door = openDoor(directory, accept);
    this.#listener = await listen(parseAddress(this.#address), accept, {
      tls: this.#options.tls,
      handshakeMs: this.#options.limits.handshakeMs,
      onFault: (fault) => this.emit('fault', fault),
    });
    this.#address = this.#listener.address;
    this.#listener.keepAlive(this.#keepsAlive);
    this.#sweeper = setInterval(() => {
      this.tickets.sweep();
      this.names.sweep();
      this.#door?.sweep(this.#options.limits.handshakeMs);
    }, SWEEP_MS).unref();
  }

  /** Whether listening, and clients that are there, keep the process alive: at first they do. */
  keepAlive(keep: boolean): void {
    this.#keepsAlive = keep;
    this.#listener?.keepAlive(keep);
    for (const client of [...this.#entrances, ...this.#sessions]) client.keepAlive(keep);
  }

  /** Lets a client in that came by `link`. */
  accept(link: Link): void {
    const { limits, identity, key, ownerSecret } = this.#options;
    if (this.#closing !== undefined) {
      link.destroy();
      return;
    }
    if (!this.#keepsAlive) link.unref();
    if (this.#entrances.size >= limits.handshakes) this.#turnAway();
    const entrance = new Entrance({
      link,
      identity,
      key,
      ownerSecret,
      limits,
      failures: this.#failures,
      admit: (claimant, from) => this.#admit(claimant, from),
      onOver: () => this.#entrances.delete(entrance),
      onFault: (error) => this.emit('fault', error),
    });
    this.#entrances.add(entrance);
  }

  /** The stranger that has been silent for longest makes room: many silent ones keep nobody out. */
  #turnAway(): void {
    for (const entrance of this.#entrances) {
      this.#entrances.delete(entrance);
      entrance.close();
      return;
    }
  }

  /** The session to which a link belongs whose claimant knows the key. */
  #admit(claimant: Claimant, link: Link): Attachment | RefusalReason {
    const joined = [...this.#sessions].find((session) => session.isJoinedBy(claimant));
    if (joined !== undefined) return joined.attach(link, claimant.isLane);
    const { ownerSecret } = this.#options;
    const isOwner = claimant.mode === 'owner' && ownerSecret !== undefined;
    const range = isOwner ? OWNER_RANGE : this.#nextRange();
    if (range === undefined) return 'full';
    const session = this.#makeSession(claimant, range, link.peer);
    this.#sessions.add(session);
    return session.attach(link, claimant.isLane);
  }

  #makeSession(claimant: Claimant, range: number, peer: string): HostSession {
    const { limits, identity, key, ownerSecret } = this.#options;
    return new HostSession({
      claimant,
      range,
      peer,
      identity,
      key,
      ownerSecret,
      limits,
      sendsStacks: !isNetwork(this.#address) || this.#options.debug === true,
      serializer: this.#options.serializer ?? DEFAULT_SERIALIZER,
      translator,
      parts: this.#parts,
      control: this.#controlParts,
      nextRange: () => this.#nextRange(),
      onOpen: (session) => {
        traceConnection('open', peer);
        this.emit('session', { id: session.id, peer });
        this.#arrived();
      },
      onEnded: (session) => {
        this.#callsOfEnded += session.callsIn;
        this.#sessions.delete(session);
        traceConnection('closed', peer);
        this.emit('sessionEnd', { id: session.id, peer });
        this.#arrived();
      },
      onFault: (error) => {
        this.emit('fault', error);
      },
    });
  }

  #keepForDisposal(referent: object): void {
    if (!(Symbol.asyncDispose in referent) && !(Symbol.dispose in referent)) return;
    const alive = this.#resources.filter((resource) => resource.deref() !== undefined);
    this.#resources.splice(0, Infinity, ...alive, new WeakRef(referent));
  }

  #nextRange(): number | undefined {
    const full = this.#sessions.size >= this.#options.limits.sessions || this.#ranges + 1 >= RANGES;
    return full ? undefined : ++this.#ranges;
  }

  /** A token of one of our objects, in our own process: the object itself, now or soon. */
  open(text: string): object | Promise<object> {
    return this.#control.claim(text);
  }

  #claim(text: string): object | 'later' {
    const token = parseToken(text);
    const { manager, incarnation } = this.#options.identity;
    if (token.manager !== manager || token.incarnation !== incarnation) throw gone();
    const row = this.tickets.claim(token);
    if (row === 'later') return 'later';
    if (row.failure !== undefined) rethrow(row.failure);
    return row.referent ?? 'later';
  }

  #arrived(): void {
    for (const tell of this.#arrivals.splice(0)) tell();
  }

  #nextArrival(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const give = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const stop = (): void => {
        this.#arrivals = this.#arrivals.filter((waiting) => waiting !== give);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#arrivals.push(give);
    });
  }

  // ---- looking in ------------------------------------------------------------------------------

  snapshot(): Snapshot {
    const objects = [...this.objects]
      .filter((row) => row.pinned || row.referent !== undefined)
      .map((row) => ({
        id: row.id,
        typeid: row.typeid,
        sessions: row.sessions,
        names: row.names,
        tickets: row.tickets,
        unpinned: !row.pinned,
        text: textOf(row.referent),
      }));
    const sessions = [...this.#sessions].map(({ id, peer, references, runningCalls, locks }) => ({
      id,
      peer,
      references,
      pendingCalls: runningCalls,
      locks,
    }));
    const live = [...this.#sessions];
    const total = this.#callsOfEnded + live.reduce((sum, { callsIn }) => sum + callsIn, 0);
    const running = live.reduce((sum, { runningCalls }) => sum + runningCalls, 0);
    return { objects, sessions, calls: { total, running } };
  }

  numberOfObjects(): number {
    return this.objects.held;
  }

  #debugInfo(): string {
    return this.snapshot()
      .objects.map(({ id, typeid, sessions, tickets, names, text }) => {
        const held = `${String(sessions)} sessions, ${String(tickets)} tickets, ${String(names)} names`;
        return `  ${String(id)}: '${typeid}' held by ${held}\n    ${text}`;
      })
      .join('\n');
  }

  // ---- the end ---------------------------------------------------------------------------------

  /** Once: tells the clients, waits for what runs and for answers on their way, disposes the referents, closes. */
  close(drainMs = 0): Promise<void> {
    return (this.#closing ??= this.#close(drainMs));
  }

  async #close(drainMs: number): Promise<void> {
    this.#door?.close();
    await this.#listener?.close();
    for (const session of this.#sessions) session.sayGoodbye('it was shut down');
    await this.#until(({ runningCalls }) => runningCalls === 0, drainMs);
    await this.#disposeResources();
    await this.#until(({ unsentBytes }) => unsentBytes === 0, Math.max(drainMs, DELIVER_MS));
    for (const session of this.#sessions) session.close();
    for (const entrance of this.#entrances) entrance.close();
    clearInterval(this.#sweeper);
    this.tickets.clear();
    this.names.clear();
    realm.removeServer(this);
    this.emit('closed');
  }

  /** Waits until that is so for every session that still is there, or until the time has run out. */
  async #until(isOver: (session: HostSession) => boolean, timeMs: number): Promise<void> {
    const end = performance.now() + timeMs;
    while (performance.now() < end && ![...this.#sessions].every(isOver))
      await new Promise((resolve) => setTimeout(resolve, 2));
  }

  async #disposeResources(): Promise<void> {
    for (const resource of this.#resources.reverse()) {
      const referent = resource.deref();
      if (referent === undefined || this.#disposed.has(referent)) continue;
      try {
        await disposeNow(referent);
      } catch (error) {
        this.emit('fault', error as Error);
      }
    }
    this.#resources.length = 0;
  }
}

function keepsServing(): MethodNotExposedError {
  return new MethodNotExposedError(
    'Cannot shut down: it is a process that serves its own objects, and ends by itself',
    { remoteName: 'MethodNotExposedError' },
  );
}

/** Gives up what a referent holds: an iterator is closed, anything else disposed. */
async function disposeNow(referent: object): Promise<void> {
  const holder = referent as {
    [Symbol.asyncDispose]?: () => PromiseLike<void>;
    [Symbol.dispose]?: () => void;
    next?: unknown;
    return?: () => unknown;
  };
  if (typeof holder[Symbol.asyncDispose] === 'function') await holder[Symbol.asyncDispose]?.();
  else if (typeof holder[Symbol.dispose] === 'function') holder[Symbol.dispose]?.();
  else if (typeof holder.next === 'function' && typeof holder.return === 'function')
    await holder.return();
}

function textOf(referent: object | undefined): string {
  try {
    return inspect(toPlain(referent), { depth: 1, breakLength: Infinity }).slice(0, TEXT_LENGTH);
  } catch {
    return '(its inspection throws)';
  }
}
