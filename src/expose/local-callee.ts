// Calls of this thread to objects that it has given itself: no transport, no copies, the objects
// themselves. What may be reached, and when a call runs, is judged as for everybody else.

import { randomBytes } from 'node:crypto';
import { ObjectGoneError, TimeoutError, UsageError, rethrow } from '../base/errors';
import { DEFAULT_LIMITS } from '../base/limits';
import { type Host } from '../host/host';
import { Lease } from '../refs/lease';
import { Row } from '../refs/objects';
import { SessionReferences } from '../refs/session-references';
import { realm, translator } from '../proxy/realm';
import { hasDefault } from '../session/absence';
import { Callee, type Wish } from '../session/callee';
import { localCaller } from '../session/caller';
import { RunningCall, runAs } from '../session/current-call';
import { type Deed, type Exposure, openExposure, perform, subjectOf } from '../session/exposure';
import { OWNER_RANGE } from '../session/handshake';
import { Mint } from '../session/mint';
import { type CallRequest, type OpenCall } from '../session/outgoing';
import { NO_TRUST, type Trust, pass } from '../session/passing';
import { Super, exposureOfSuper } from '../session/super';
import { isData, isPlainObject } from '../wire/plain';
import { type Place } from '../wire/token';
import { packValue, unpackValue } from '../wire/values';
import { inTime } from './in-time';

const OBJECT = { typeid: 'object', exposure: openExposure('object'), owned: false };
const FUNCTION = { typeid: 'function', exposure: openExposure('function'), owned: false };
const KEY_BYTES = 32;
/** This thread's own code. */
const OWN: Trust = { ...NO_TRUST, admits: () => true };

export class LocalCallee extends Callee {
  readonly peer: string;
  readonly managerId: string;
  readonly ticketMs = DEFAULT_LIMITS.ticketMs;
  readonly freezes = false;
  readonly ended = undefined;
  readonly #host: Host;
  readonly #place: Place;
  readonly #references: SessionReferences<Exposure>;
  readonly #ticketKey = randomBytes(KEY_BYTES);
  readonly #mint: Mint;

  constructor(host: Host, place: Place) {
    super();
    this.#host = host;
    this.#place = place;
    this.peer = place.address;
    this.managerId = place.manager;
    this.#references = new SessionReferences(host.objects, Infinity);
    host.tickets.addMinter(OWNER_RANGE, this.#ticketKey, (id) => this.#references.has(id));
    this.#mint = new Mint(DEFAULT_LIMITS.tickets, (ticket) => {
      this.#addTicket(ticket);
      return { flush: () => undefined };
    });
  }

  // ---- references ------------------------------------------------------------------------------

  /** A lease of `object`, which has the same number each time. */
  lend(object: object): Lease {
    const row = this.rowOf(object);
    this.#references.add(row);
    const { id, typeid } = row;
    return new Lease(this, { id, typeid, callable: typeof object === 'function' });
  }

  /** The row of `object`; whoever asks for it pins it in the same turn. */
  rowOf(object: object): Row<Exposure> {
    const { objects } = this.#host;
    const known = objects.rowOf(object);
    if (known !== undefined && objects.get(known.id) === known) return known;
    return objects.add(known ?? new Row(objects.nextId(), object, kindOf(object)));
  }

  duplicate(lease: Lease): Lease {
    return this.lend(this.#rowFor(lease).referent);
  }

  giveBack(lease: Lease): void {
    this.#references.release(lease.id, 1);
  }

  mint(lease: Lease, wish: Wish): string {
    requireHeld(lease);
    const place = { place: this.#place, key: this.#ticketKey, minter: OWNER_RANGE };
    return this.#mint.token(lease, wish, place);
  }

  #addTicket(ticket: Parameters<ConstructorParameters<typeof Mint>[1]>[0]): void {
    const row = this.#host.objects.get(ticket.id);
    if (row === undefined) throw new ObjectGoneError('The object is gone');
    const callable = typeof row.referent === 'function';
    this.#host.tickets.mint({ ...ticket, typeid: row.typeid, callable, minter: OWNER_RANGE }, row);
  }

  /** All is handled when it is sent. */
  confirm(): Promise<void> {
    return Promise.resolve();
  }

  /** A thread does not outlive itself. */
  whenEnded(): () => void {
    return () => undefined;
  }

  #rowFor(lease: Lease): { readonly referent: object; readonly exposure: Exposure } {
    requireHeld(lease);
    const row = this.#host.objects.get(lease.id);
    if (row?.referent !== undefined) return { referent: row.referent, exposure: row.exposure };
    throw new ObjectGoneError(`Object ${String(lease.id)} is gone`);
  }

  // ---- calls -----------------------------------------------------------------------------------

  /** Never inside of whoever makes the call: it runs in a turn of its own, after those before it. */
  async call(request: CallRequest): Promise<unknown> {
    const { target, guard, signal } = request;
    const { referent, exposure } = this.#rowFor(target instanceof Lease ? target : target.root);
    if (guard !== undefined) throw notOurs();
    signal?.throwIfAborted();
    const running = new RunningCall(localCaller);
    const answer = this.#run(request, referent, exposure, running);
    const result = await inTime(answer, request, (reason = tooSlow(request)) => {
      running.abort(reason);
      rethrow(reason);
    });
    return this.#landed(result, request, referent);
  }

  async #run(
    request: CallRequest,
    referent: object,
    exposure: Exposure,
    running: RunningCall,
  ): Promise<unknown> {
    const { operation, path, name, args: given } = request;
    await LATER;
    const args: unknown[] = [];
    for (const argument of given)
      args.push(isMember(argument) ? await argument : this.#own(argument));
    running.throwIfAborted();
    const deed = { operation, path, name, args };
    const body = (): unknown => runAs(running, () => this.#do(referent, deed, exposure));
    const { gate } = exposure;
    return await (gate === undefined
      ? body()
      : gate.enter({ operation, running, hasDefault: hasDefault(request) }, body));
  }

  #do(referent: object, deed: Deed, exposure: Exposure): unknown {
    return deed.operation === 'passTo'
      ? pass(subjectOf(referent, deed, exposure, this.#exposureOf), deed.args, OWN)
      : perform(referent, deed, exposure, this.#exposureOf);
  }

  readonly #exposureOf = (value: object): Exposure | undefined =>
    this.#host.objects.rowOf(value)?.exposure;

  /** A proxy of an object of this thread stands for the object. */
  #own(argument: unknown): unknown {
    const lease = isObject(argument) ? translator.leaseOf(argument) : undefined;
    return lease?.lessor === this ? this.#rowFor(lease).referent : argument;
  }

  /** The value itself; a proxy or a copy only where that was asked for. */
  #landed(value: unknown, { returns, held }: CallRequest, referent: object): unknown {
    if (returns === 'copy') return unpackValue(packValue(value));
    if (value === referent && (!isData(value) || isPlainObject(value))) return held ?? value;
    const isProxied = returns === 'proxy' || value instanceof Super;
    return isProxied && isObject(value) ? realm.makeHandle(this.lend(value)) : value;
  }

  /** Calls on its answer wait for it: there is nothing to save. */
  open(request: CallRequest): OpenCall {
    const root = request.target instanceof Lease ? request.target : request.target.root;
    return { callId: -1, root, promise: this.call(request), place: undefined };
  }

  callBlocking(): never {
    throw new UsageError('Cannot block for an object of this very thread: await the call');
  }
  post(): never {
    return this.callBlocking();
  }
  make(): never {
    throw new UsageError('Only a client of a manager can make objects in it');
  }
  patch(): boolean {
    return false;
  }
  forget(): void {
    // nothing is kept
  }
}

const LATER = Promise.resolve();

function kindOf(object: object): ConstructorParameters<typeof Row<Exposure>>[2] {
  if (typeof object === 'function') return FUNCTION;
  return { ...OBJECT, exposure: exposureOfSuper(object) ?? OBJECT.exposure };
}

function requireHeld({ released, typeid }: Lease): void {
  if (!released) return;
  throw new UsageError(`Cannot use the proxy of '${typeid}': it was released`, {
    code: 'ERR_REFERENT_RELEASED',
  });
}

function notOurs(): UsageError {
  return new UsageError(
    'Option "guard" must be the handle of a lock of the same manager: no other can check it in the same turn',
  );
}

function tooSlow({ name, timeoutMs }: CallRequest): TimeoutError {
  return new TimeoutError(`Call of "${name}" was not answered within ${String(timeoutMs)} ms`);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** A lazy member that nobody has awaited: it stands for its value. */
function isMember(value: unknown): boolean {
  return isObject(value) && translator.pathOf(value) !== undefined;
}
