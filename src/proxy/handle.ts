// Control of a proxy by name: what a Remote cannot offer as members without taking their names.

import { UsageError } from '../base/errors';
import { Lease } from '../refs/lease';
import { orDefault } from '../session/absence';
import { answered } from '../session/calls';
import { type CallRequest } from '../session/outgoing';
import { type Operation } from '../wire/frames';
import { BaseProxy } from './base-proxy';
import { calleeOf, describeHandle, idOf } from './handles';
import { type Late, lateOf, useOnce } from './late';
import { type CallOptions, mergeOptions } from './options';
import { optionsOf, purposeOf, requireLease } from './realm';
import { type Loose, type RemoteResult } from './remote-types';

/** Nobody listens. */
const GONE = Symbol('gone');

// eslint-disable-next-line @typescript-eslint/no-unused-vars -- tells apart the handles of two types
export class Handle<T = Loose> {
  readonly #proxy: object;
  /** A handle of a name has none of its own. */
  readonly #lease: Lease | Late;
  readonly #options: CallOptions | undefined;

  constructor(proxy: object) {
    this.#proxy = proxy;
    this.#lease = lateOf(proxy) ?? requireLease(proxy);
    this.#options = optionsOf(proxy);
  }

  /** A member's value. */
  get(name: string, options?: CallOptions): Promise<unknown> {
    return this.#send('get', name, [], options);
  }
  set(name: string, value: unknown): Promise<void> {
    return this.#send('set', name, [value]) as Promise<void>;
  }
  delete(name: string): Promise<boolean> {
    return this.#send('delete', name, []) as Promise<boolean>;
  }
  /** Python's `in`: a value of a list, array or iterable, a key of a dict or Map, else a member's name. */
  has(name: unknown): Promise<boolean> {
    return this.#send('has', '', [name]) as Promise<boolean>;
  }
  keys(): Promise<string[]> {
    return this.#send('keys', '', []) as Promise<string[]>;
  }
  length(): Promise<number> {
    return this.#send('length', '', []) as Promise<number>;
  }
  construct(...args: unknown[]): Promise<unknown> {
    return this.#send('construct', '', args);
  }
  /** Any exposed method by name, also one that a Remote answers locally, `toString` for example. */
  call(name: string, args: readonly unknown[] = [], options?: CallOptions): Promise<unknown> {
    return this.#send('call', name, args, options);
  }
  /** A copy of the referent. */
  value(): Promise<unknown> {
    return this.#send('value', '', [], { returns: 'copy' });
  }
  /** The text of the referent; never rejects. */
  async toStringRemote(): Promise<string> {
    try {
      return (await this.#send('text', '', [])) as string;
    } catch (error) {
      return `${this.toString()} (${error instanceof Error ? error.name : 'error'})`;
    }
  }
  /** The member at the end of `names`, each of which is split at its dots. */
  path<P = Loose>(...names: string[]): RemoteResult<P> {
    let here = this.#proxy as Record<string, unknown>;
    for (const name of names.flatMap((part) => part.split('.')))
      here = here[name] as Record<string, unknown>;
    return here as unknown as RemoteResult<P>;
  }
  /** Deep by value, in the manager; a proxy stands for its referent. */
  equals(other: unknown): Promise<boolean> {
    return this.#send('equals', '', [other]) as Promise<boolean>;
  }
  /** Local: the text of the handle, not of the referent. */
  toString(): string {
    if (!(this.#lease instanceof Lease)) return this.#lease.binding.describe();
    const name = this.#proxy instanceof BaseProxy ? this.#proxy.constructor.name : 'Remote';
    return describeHandle(name, this.#lease);
  }
  get id(): string {
    if (this.#lease instanceof Lease) return idOf(this.#lease);
    throw new UsageError(
      'The handle of a name has no id, because the name may stand for any object: manager.names.get(key) answers the one that it stands for now',
    );
  }
  get typeid(): string {
    return this.#lease instanceof Lease ? this.#lease.typeid : this.#lease.binding.typeid;
  }
  get address(): string {
    return this.#lease instanceof Lease ? calleeOf(this.#lease).peer : this.#lease.binding.address;
  }
  /** Whether the referent is there, and whoever has it answers and listens. */
  async alive(): Promise<boolean> {
    try {
      const answer = await this.#send('has', '', [''], { fallback: undefined, defaultValue: GONE });
      return answer !== GONE;
    } catch {
      return false;
    }
  }

  #send(
    operation: Operation,
    name: string,
    args: readonly unknown[],
    options?: CallOptions,
  ): Promise<unknown> {
    const lease = this.#lease;
    const more = mergeOptions(this.#options, options);
    if (!(lease instanceof Lease)) {
      return useOnce(lease.binding, (_target, { send }) => send(operation, name, args, more));
    }
    const request: CallRequest = {
      target: lease,
      operation,
      path: [],
      name,
      args,
      purpose: purposeOf(this.#proxy),
      held: this.#proxy,
      ...more,
    };
    return answered(orDefault(request, calleeOf(lease).call(request)));
  }
}

export function handle<T = Loose>(proxy: object): Handle<T> {
  return new Handle<T>(proxy);
}
