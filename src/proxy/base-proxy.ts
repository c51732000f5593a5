// The base of every shared type's proxy: a method call becomes a call of the referent.

import { inspect } from 'node:util';
import { type Lease } from '../refs/lease';
import { orDefault, orDefaultNow } from '../session/absence';
import { answered } from '../session/calls';
import { type CallRequest } from '../session/outgoing';
import { type Purpose } from '../session/parties';
import { type Operation } from '../wire/frames';
import { TOKEN_KEY } from '../wire/token';
import { type Flow, runFlow, runFlowSync } from './flow';
import { describeHandle, hold, idOf, letGo, calleeOf, tokenProperty, tokenValue } from './handles';
import { LazyPromise } from './lazy-promise';
import { type CallOptions, type HandleOptions, SYNC, mergeOptions } from './options';

// Set by the class below, which alone can see its private fields.
let leaseOfProxy: (value: object) => Lease | undefined;
let optionsOfProxy: (proxy: BaseProxy) => HandleOptions | undefined;
let purposeOfProxy: (proxy: BaseProxy) => Purpose;

/**
 * A proxy of an object that lives in a manager. It counts as a reference until it is released,
 * collected, or its process ends; it can be sent anywhere, and `revive` makes it a proxy again.
 */
export abstract class BaseProxy implements Disposable {
  readonly #lease: Lease;
  readonly #options: HandleOptions | undefined;

  static {
    leaseOfProxy = (value) => {
      const proxy = targetOf(value);
      return #lease in proxy ? proxy.#lease : undefined;
    };
    optionsOfProxy = (proxy) => (targetOf(proxy) as BaseProxy).#options;
    purposeOfProxy = (proxy) => (targetOf(proxy) as BaseProxy).purpose;
  }

  /** Takes the lease. Proxies are made by managers, by `revive` and by calls. */
  constructor(lease: Lease, options?: HandleOptions) {
    this.#lease = lease;
    this.#options = options;
    Object.defineProperty(this, TOKEN_KEY, TOKEN);
    hold(this, lease);
  }

  get typeid(): string {
    return this.#lease.typeid;
  }

  /** The same for every proxy of this referent, and for no other of its manager. */
  get id(): string {
    return idOf(this.#lease);
  }

  /** Calls any exposed method by its name. */
  _callMethod(
    name: string,
    args: readonly unknown[] = [],
    options?: CallOptions,
  ): Promise<unknown> {
    return this.#call('call', name, args, mergeOptions(this.#options, options));
  }

  /** A copy of the referent, shared objects in it included. `RemoteError` where it cannot be copied. */
  _getValue(): Promise<unknown> {
    return this.#call('value', '', [], { ...this.#options, returns: 'copy' });
  }

  /** The text of the referent, as `util.inspect` gives it in the manager; never rejects. */
  toStringRemote(): Promise<string> {
    return this.flow(() => this.#text());
  }

  *#text(): Flow<string> {
    try {
      return yield this.#call('text', '', [], this.#options);
    } catch (error) {
      const name = error instanceof Error ? error.name : 'error';
      return `${describeHandle(this.constructor.name, this.#lease)} (${name})`;
    }
  }

  /** A token, from which `revive` makes a proxy again. */
  toJSON(): object {
    return tokenValue(this.#lease);
  }

  toString(): string {
    return describeHandle(this.constructor.name, this.#lease);
  }

  /** Gives the reference back now. Calls through this proxy then reject. */
  [Symbol.dispose](): void {
    letGo(this, this.#lease);
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /** The call of a method, for subclasses. `signal` cancels it; the time of a wait runs in the manager. */
  protected call(name: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const options = signal === undefined ? this.#options : { ...this.#options, signal };
    return this.#call('call', name, args, options);
  }

  /** A property of the referent: asked for when awaited. */
  protected property(name: string): Promise<unknown> {
    const ask = (): Promise<unknown> => this.call(name, []);
    return this.isSync ? ask() : new LazyPromise(ask);
  }

  /** Whether calls answer at once, with the thread blocked: `sync(proxy)`. */
  protected get isSync(): boolean {
    return this.#options?.[SYNC] === true;
  }

  /**
   * A method of several calls: `yield` each call, and get what it answers. Never `await` in a method
   * of a proxy: behind `sync` a call answers at once.
   */
  protected flow<R>(steps: () => Flow<R>): Promise<R> {
    return this.isSync ? (runFlowSync(steps()) as Promise<R>) : runFlow(steps());
  }

  /** What is wrong with an argument: rejects, or, behind `sync`, is thrown. */
  protected refuse(error: Error): Promise<never> {
    if (this.isSync) throw error;
    return Promise.reject(error);
  }

  /** Whether `other` is reached by the same session, so that a call can name it. */
  protected isNear(other: BaseProxy): boolean {
    return leaseOfProxy(other)?.lessor === this.#lease.lessor;
  }

  /** Whether what it answers is the caller's own from then on, as the items of a queue. */
  protected get takes(): boolean {
    return false;
  }

  /** What arguments are for: a shared container takes data and shared objects only. */
  protected get purpose(): Purpose {
    return 'argument';
  }

  /**
   * A call of which nobody needs the answer: behind `sync` it is on its way when this returns, before
   * whatever comes next, and an error of it is a warning of the manager.
   */
  protected post(name: string, args: readonly unknown[]): Promise<void> {
    if (!this.isSync) return this.call(name, args) as Promise<void>;
    calleeOf(this.#lease).post(this.#request('call', name, args, this.#options));
    return undefined as never; // nothing to wait for
  }

  #call(
    operation: Operation,
    name: string,
    args: readonly unknown[],
    options: HandleOptions | undefined,
  ): Promise<unknown> {
    const callee = calleeOf(this.#lease);
    const request = this.#request(operation, name, args, options);
    // What a blocking call answers stands where its promise would.
    if (options?.[SYNC] === true)
      return orDefaultNow(request, () => callee.callBlocking(request)) as Promise<unknown>;
    return answered(orDefault(request, callee.call(request)));
  }

  #request(
    operation: Operation,
    name: string,
    args: readonly unknown[],
    options: HandleOptions | undefined,
  ): CallRequest & { readonly target: Lease } {
    return {
      target: this.#lease,
      operation,
      path: HERE,
      name,
      args,
      purpose: this.purpose,
      held: this,
      lane: options?.[SYNC],
      takes: this.takes,
      ...options,
    };
  }
}

const HERE: readonly string[] = Object.freeze([]);

/** The lease of a `BaseProxy`; undefined for anything else. */
export function leaseOfBaseProxy(value: object): Lease | undefined {
  return leaseOfProxy(value);
}

export function optionsOfBaseProxy(proxy: BaseProxy): HandleOptions | undefined {
  return optionsOfProxy(proxy);
}

/** How the language's own operators reach what is in the referent: by position, by name or by key. */
export const ELEMENTS = Symbol('elements');
export type Elements = 'index' | 'name' | 'key';

/** A JS Proxy stands before each proxy whose calls block: `sync.ts` makes it. */
const targets = new WeakMap<object, BaseProxy>();

/** From now on `front` is known for `proxy`. */
export function standBefore(front: object, proxy: BaseProxy): void {
  targets.set(front, proxy);
}

function targetOf(value: object): object {
  return targets.get(value) ?? value;
}

export function purposeOfBaseProxy(proxy: BaseProxy): Purpose {
  return purposeOfProxy(proxy);
}

const TOKEN = tokenProperty((handle) => {
  const lease = leaseOfProxy(handle);
  if (lease === undefined) throw new TypeError('Not a proxy');
  return lease;
});
