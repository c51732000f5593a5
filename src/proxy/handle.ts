// Control of a proxy by name: what a Remote cannot offer as members without taking their names.

import { UsageError } from '../base/errors';
import { type Lease } from '../refs/lease';
import { answered } from '../session/calls';
import { type Operation } from '../wire/frames';
import { BaseProxy } from './base-proxy';
import { calleeOf, describeHandle, idOf } from './handles';
import { type Late, lateOf, useOnce } from './late';
import { type CallOptions, mergeOptions, requireCallOptions } from './options';
import { optionsOf, purposeOf, requireLease } from './realm';
import { type Link, linkTo, send, superOf } from './remote';
import { type Loose, type Remote, type RemoteResult } from './remote-types';

/** Nobody listens. */
const GONE = Symbol('gone');

export class Handle<T = Loose> {
  readonly #proxy: object;
  /** A handle of a name has none: each use finds what it goes to. */
  readonly #link: Link | undefined;
  readonly #late: Late | undefined;

  constructor(proxy: object) {
    this.#proxy = proxy;
    this.#late = lateOf(proxy);
    if (this.#late !== undefined) return;
    this.#link = linkTo(proxy, () => ({
      lease: requireLease(proxy),
      options: optionsOf(proxy),
      purpose: purposeOf(proxy),
      failure: undefined,
    }));
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
  /** The same object by the members of the class above its own; `handle(…super).super` goes on. */
  get super(): Remote<T> {
    return superOf(this.#linked) as Remote<T>;
  }
  /** Deep by value, in the manager; a proxy stands for its referent. */
  equals(other: unknown): Promise<boolean> {
    return this.#send('equals', '', [other]) as Promise<boolean>;
  }
  /** Local: the text of the handle, not of the referent. */
  toString(): string {
    if (this.#late !== undefined) return this.#late.binding.describe();
    const name = this.#proxy instanceof BaseProxy ? this.#proxy.constructor.name : 'Remote';
    return describeHandle(name, this.#linked.state.lease);
  }
  get id(): string {
    if (this.#late !== undefined) {
      throw new UsageError(
        'The handle of a name has no id, because the name may stand for any object: manager.names.get(key) answers the one that it stands for now',
      );
    }
    return idOf(this.#root('id'));
  }
  get typeid(): string {
    return this.#late?.binding.typeid ?? this.#root('typeid').typeid;
  }
  get address(): string {
    return this.#late?.binding.address ?? calleeOf(this.#linked.state.lease).peer;
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

  get #linked(): Link {
    if (this.#link !== undefined) return this.#link;
    throw new UsageError(
      'A name may stand for any object: do that with the one that manager.names.get(key) answers',
    );
  }

  /** Of a member nothing is known here. */
  #root(what: string): Lease {
    const { from, path, state } = this.#linked;
    if (from === undefined && path.length === 0) return state.lease;
    throw new UsageError(`The ${what} of a member is not known here: await it first`);
  }

  #send(
    operation: Operation,
    name: string,
    args: readonly unknown[],
    options?: CallOptions,
  ): Promise<unknown> {
    const late = this.#late;
    if (late !== undefined) {
      const all = mergeOptions(late.options, options);
      return useOnce(late.binding, (_target, reached) => reached.send(operation, name, args, all));
    }
    const more = options === undefined ? undefined : requireCallOptions(options);
    return answered(send(this.#linked, operation, name, args, more));
  }
}

export function handle<T = Loose>(proxy: Remote<T>): Handle<T>;
export function handle(proxy: object): Handle;
export function handle(proxy: object): Handle {
  return new Handle(proxy);
}
