// Objects of this process, shared as they are: they stay here, and others call them through proxies.

import { types } from 'node:util';
import { UsageError, rethrow } from '../base/errors';
import { isDuration, isObject, isString, isStrings, option, resolveOptions } from '../base/options';
import { isProxy } from '../proxy/functions';
import { type WaitOptions } from '../proxy/options';
import { type LocalServer, realm } from '../proxy/realm';
import { type Remote } from '../proxy/remote-types';
import { type Lease } from '../refs/lease';
import { type Exposure } from '../session/exposure';
import { inTime } from './in-time';
import { Listener } from './listener';
import { ObjectGate } from './object-gate';
import { ownHost } from './own-host';

export interface ExposeOptions {
  /** auto (default): calls run as they come. manual: they wait for `listen()` and its like. */
  readonly mode?: 'auto' | 'manual' | undefined;
  /** concurrent (default): async calls run side by side. serial: one after another. */
  readonly concurrency?: 'concurrent' | 'serial' | undefined;
  /** What `close()` does with calls that wait. Default: fulfill. */
  readonly pending?: 'fulfill' | 'reject' | undefined;
  /** The only names that may be reached; may name `_x`. Default: all that do not begin with `_`. */
  readonly exposed?: readonly string[] | undefined;
  /**
   * Clients of a server of this process, and whoever knows its own address, reach it by that name,
   * as long as it is exposed.
   */
  readonly name?: string | undefined;
  /** What calls answer while nobody listens, as long as this process lives. A function is called. */
  readonly defaultValue?: unknown;
}

/** An object of this process that others may call, until it is closed. */
export interface Exposed<T> extends AsyncDisposable {
  /** Can be sent anywhere. Calls made in this process reach the object itself. */
  readonly proxy: Remote<T>;
  /** From `expose()` to `close()`. */
  readonly listening: boolean;
  /**
   * In mode 'manual': waits for a call, up to `timeoutMs` (default 200; 0: not at all), and handles
   * all that waits. Whether there was any. Once closed: false, at once.
   */
  listen(options?: WaitOptions): Promise<boolean>;
  /** In mode 'manual': handles all that waits; how many there were. */
  processPending(): Promise<number>;
  /** In mode 'manual': handles one call; whether there was one. */
  processOne(): Promise<boolean>;
  /** Answers all that waits with the `defaultValue`, or `NotListeningError`; how many there were. */
  rejectPending(): number;
  /** Nobody listens any more. Resolves when the calls that have come before were handled. Idempotent. */
  close(options?: { readonly pending?: 'fulfill' | 'reject' | undefined }): Promise<void>;
}

const isOneOf =
  (...words: readonly string[]) =>
  (value: unknown): boolean =>
    words.includes(value as string);

const PENDING = option<'fulfill' | 'reject' | undefined>(
  undefined,
  isOneOf('fulfill', 'reject'),
  "'fulfill' or 'reject'",
);
const RULES = {
  mode: option<'auto' | 'manual'>('auto', isOneOf('auto', 'manual'), "'auto' or 'manual'"),
  concurrency: option<'concurrent' | 'serial'>(
    'concurrent',
    isOneOf('concurrent', 'serial'),
    "'concurrent' or 'serial'",
  ),
  pending: PENDING,
  exposed: option<readonly string[] | undefined>(undefined, isStrings, 'an array of names'),
  name: option<string | undefined>(undefined, isString, 'a text'),
  defaultValue: option<unknown>(undefined, () => true, 'anything'),
};
const CLOSE_RULES = { pending: PENDING };
const LISTEN_RULES = {
  timeoutMs: option(200, isDuration, 'a number of milliseconds >= 0'),
  signal: option<AbortSignal | undefined>(
    undefined,
    (value) => value instanceof AbortSignal,
    'an AbortSignal',
  ),
};

/** Shares `object`, which stays where it is: processes that get the proxy call it here. */
export function expose<T extends object>(object: T, options?: ExposeOptions): Exposed<T> {
  if (!isObject(object) && typeof object !== 'function')
    throw new UsageError('Only an object or a function can be exposed');
  if (types.isPromise(object))
    throw new UsageError('A promise cannot be exposed: await it, and expose what it gives');
  if (isProxy(object))
    throw new UsageError(
      'A proxy cannot be exposed: send it as it is, its object is shared already',
    );
  return new OpenObject(object, options);
}

class OpenObject<T extends object> implements Exposed<T> {
  readonly proxy: Remote<T>;
  readonly #isManual: boolean;
  readonly #pending: 'fulfill' | 'reject';
  readonly #listener: Listener;
  readonly #gate: ObjectGate;
  /** Keeps the object, also where nobody has a proxy of it. */
  readonly #lease: Lease;
  /** The process may end without this one. */
  readonly #letGo: (() => void) | undefined;
  /** It has a name as long as it listens. */
  readonly #unpublish: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(object: T, given: ExposeOptions = {}) {
    const { mode, concurrency, pending, exposed, name } = resolveOptions('expose', RULES, given);
    const own = ownHost();
    this.#isManual = mode === 'manual';
    this.#pending = pending ?? 'fulfill';
    this.#listener = new Listener({
      isManual: this.#isManual,
      isSerial: concurrency === 'serial',
    });
    this.#lease = own.callee.lend(object);
    this.proxy = own.proxyOf(object) as Remote<T>;
    this.#gate = ObjectGate.of(own.callee.rowOf(object), own.host.manager);
    const names = exposed === undefined ? undefined : new Set(exposed);
    const absence =
      'defaultValue' in given ? { absence: { defaultValue: given.defaultValue } } : {};
    this.#gate.open(this.#listener, { names, ...absence });
    this.#unpublish = name === undefined ? undefined : publish(name, object, this.#gate.exposure);
    this.#letGo = this.#isManual ? undefined : own.keepAlive();
  }

  get listening(): boolean {
    return this.#closing === undefined;
  }

  async listen(options?: WaitOptions): Promise<boolean> {
    this.#requireManual('listen');
    const { timeoutMs, signal } = resolveOptions('listen', LISTEN_RULES, options);
    signal?.throwIfAborted();
    await aTurn();
    if (this.listening && this.#listener.waiting === 0 && timeoutMs > 0)
      await inTime(this.#listener.arrival, { timeoutMs, signal }, nothingCame);
    return (await this.#listener.handleAll()) > 0;
  }

  async processPending(): Promise<number> {
    this.#requireManual('processPending');
    await aTurn();
    return await this.#listener.handleAll();
  }

  async processOne(): Promise<boolean> {
    this.#requireManual('processOne');
    await aTurn();
    return await this.#listener.handleOne();
  }

  #requireManual(name: string): void {
    if (this.#isManual) return;
    throw new UsageError(
      `Cannot ${name}(): calls run by themselves; expose the object with mode: 'manual' to take them`,
    );
  }

  rejectPending(): number {
    return this.#listener.refuseAll((call) => this.#gate.absent(call));
  }

  async close(options?: { readonly pending?: 'fulfill' | 'reject' | undefined }): Promise<void> {
    const { pending = this.#pending } = resolveOptions('close', CLOSE_RULES, options);
    await (this.#closing ??= this.#close(pending));
  }

  async #close(pending: 'fulfill' | 'reject'): Promise<void> {
    const idle = this.#listener.idler(); // asked at once: it may be inside of a call
    if (pending === 'fulfill') await aTurn();
    this.#unpublish?.();
    this.#gate.close(this.#listener);
    this.#listener.tell();
    try {
      if (pending === 'reject') this.rejectPending();
      else await idle();
    } finally {
      this.#lease.release();
      this.#letGo?.();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** By every server that is in this process now. Answers what takes the name away again. */
function publish(name: string, object: object, exposure: Exposure): () => void {
  const servers = [...realm.servers];
  for (const { names } of servers) names.publish(name, object, exposure);
  return () => {
    for (const { names } of servers) if (stands(names, name, object)) names.delete(name);
  };
}

/** Whether the name has not been given to something else meanwhile. */
function stands(names: LocalServer['names'], name: string, object: object): boolean {
  try {
    return names.get(name) === object;
  } catch {
    return false; // nothing has the name
  }
}

/** What was called before has come then: from this process, and what lies in the sockets. */
function aTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function nothingCame(reason?: unknown): undefined {
  if (reason !== undefined) rethrow(reason);
}
