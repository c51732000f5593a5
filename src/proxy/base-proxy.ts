// The base of every shared type's proxy: a method call becomes a call of the referent.

import { inspect } from 'node:util';
import { type Lease } from '../refs/lease';
import { answered } from '../session/calls';
import { type Purpose } from '../session/parties';
import { type Operation } from '../wire/frames';
import { TOKEN_KEY } from '../wire/token';
import { type Flow, runFlow } from './flow';
import { describeHandle, hold, idOf, letGo, sessionOf, tokenProperty, tokenValue } from './handles';
import { type CallOptions, mergeOptions } from './options';

// Set by the class below, which alone can see its private fields.
let leaseOfProxy: (value: object) => Lease | undefined;
let optionsOfProxy: (proxy: BaseProxy) => CallOptions | undefined;

/**
 * A proxy of an object that lives in a manager. It counts as a reference until it is released,
 * collected, or its process ends; it can be sent anywhere, and `revive` makes it a proxy again.
 */
export abstract class BaseProxy implements Disposable {
  readonly #lease: Lease;
  readonly #options: CallOptions | undefined;

  static {
    leaseOfProxy = (value) => (#lease in value ? value.#lease : undefined);
    optionsOfProxy = (proxy) => proxy.#options;
  }

  /** Takes the lease. Proxies are made by managers, by `revive` and by calls. */
  constructor(lease: Lease, options?: CallOptions) {
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
    return answered(this.#call('call', name, args, mergeOptions(this.#options, options)));
  }

  /** A copy of the referent, shared objects in it included. `RemoteError` where it cannot be copied. */
  _getValue(): Promise<unknown> {
    return answered(this.#call('value', '', [], { ...this.#options, returns: 'copy' }));
  }

  /** The text of the referent, as `util.inspect` gives it in the manager; never rejects. */
  async toStringRemote(): Promise<string> {
    try {
      return (await this.#call('text', '', [], this.#options)) as string;
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
    return answered(this.#call('call', name, args, options));
  }

  /**
   * A method of several calls: `yield` each call, and get what it answers. Never `await` in a method
   * of a proxy: behind `sync` a call answers at once.
   */
  protected flow<R>(steps: () => Flow<R>): Promise<R> {
    return runFlow(steps());
  }

  /** What arguments are for: a shared container takes data and shared objects only. */
  protected get purpose(): Purpose {
    return 'argument';
  }

  #call(
    operation: Operation,
    name: string,
    args: readonly unknown[],
    options: CallOptions | undefined,
  ): Promise<unknown> {
    return sessionOf(this.#lease).call({
      target: this.#lease,
      operation,
      path: HERE,
      name,
      args,
      purpose: this.purpose,
      held: this,
      ...options,
    });
  }
}

const HERE: readonly string[] = Object.freeze([]);

/** The lease of a `BaseProxy`; undefined for anything else. */
export function leaseOfBaseProxy(value: object): Lease | undefined {
  return leaseOfProxy(value);
}

export function optionsOf(proxy: BaseProxy): CallOptions | undefined {
  return optionsOfProxy(proxy);
}

const TOKEN = tokenProperty((handle) => {
  const lease = leaseOfProxy(handle);
  if (lease === undefined) throw new TypeError('Not a proxy');
  return lease;
});
