// Control of a proxy by name: what a Remote cannot offer as members without taking their names.

import { UsageError } from '../base/errors';
import { type Lease } from '../refs/lease';
import { answered } from '../session/calls';
import { type Operation } from '../wire/frames';
import { BaseProxy } from './base-proxy';
import { calleeOf, describeHandle, idOf } from './handles';
import { type Late, lateOf, useOnce } from './late';
import { type CallOptions, mergeOptions, requireCallOptions } from './options';
import { type PassedTask, keepFunction } from '../session/passing';
import { type ModuleRef, resolveModule } from '../process/modules';
import { optionsOf, purposeOf, realm, requireLease } from './realm';
import { type Link, linkTo, send, superOf } from './remote';
import { type Loose, type Remote, type RemoteResult } from './remote-types';

/** Nobody listens. */
const GONE = Symbol('gone');

export class Handle<T = Loose> {
  readonly #proxy: object;
  /** What stands somewhere, or what a name stands for when it is used. */
  readonly #aim: Link | Late;

  constructor(proxy: object) {
    this.#proxy = proxy;
    this.#aim = lateOf(proxy) ?? linkOf(proxy);
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
    if ('binding' in this.#aim) throw standsForAny('super');
    return superOf(this.#aim) as Remote<T>;
  }
  /**
   * Calls `task` with the object and `args`, where the object lives. A function goes as its text,
   * without what it closes over, and only to a process that was started by this one, or has started
   * it; a module only where the manager's `imports` allow it. `MethodNotExposedError` otherwise.
   */
  async passTo(
    task: ModuleRef | ((object: never, ...args: never[]) => unknown),
    ...args: unknown[]
  ): Promise<unknown> {
    return await this.#send('passTo', '', [passedTask(task), ...args]);
  }
  /** Deep by value, in the manager; a proxy stands for its referent. */
  equals(other: unknown): Promise<boolean> {
    return this.#send('equals', '', [other]) as Promise<boolean>;
  }
  /** Local: the text of the handle, not of the referent. */
  toString(): string {
    if ('binding' in this.#aim) return this.#aim.binding.describe();
    const name = this.#proxy instanceof BaseProxy ? this.#proxy.constructor.name : 'Remote';
    return describeHandle(name, this.#aim.state.lease);
  }
  get id(): string {
    return idOf(this.#root('id'));
  }
  get typeid(): string {
    return 'binding' in this.#aim ? this.#aim.binding.typeid : this.#root('typeid').typeid;
  }
  get address(): string {
    if ('binding' in this.#aim) return this.#aim.binding.address;
    return calleeOf(this.#aim.state.lease).peer;
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

  /** Of a member nothing is known here. */
  #root(what: string): Lease {
    if ('binding' in this.#aim) throw standsForAny(what);
    const { from, path, state } = this.#aim;
    if (from === undefined && path.length === 0) return state.lease;
    throw new UsageError(`The ${what} of a member is not known here: await it first`);
  }

  #send(
    operation: Operation,
    name: string,
    args: readonly unknown[],
    options?: CallOptions,
  ): Promise<unknown> {
    const aim = this.#aim;
    if ('binding' in aim) {
      const more = mergeOptions(optionsOf(this.#proxy), options);
      return useOnce(aim.binding, (_target, used) => used.send(operation, name, args, more));
    }
    const more = options === undefined ? undefined : requireCallOptions(options);
    return answered(send(aim, operation, name, args, more));
  }
}

function linkOf(proxy: object): Link {
  return linkTo(proxy, () => ({
    lease: requireLease(proxy),
    options: optionsOf(proxy),
    purpose: purposeOf(proxy),
    failure: undefined,
  }));
}

function standsForAny(what: string): UsageError {
  return new UsageError(
    `The handle of a name has no ${what}, because the name may stand for any object: manager.names.get(key) answers the one that it stands for now`,
  );
}

function passedTask(task: ModuleRef | ((object: never, ...args: never[]) => unknown)): PassedTask {
  if (typeof task !== 'function') {
    const module = resolveModule(task);
    return { ...module, proofs: realm.kin.prove(module.url) };
  }
  const text = Function.prototype.toString.call(task);
  return keepFunction({ text, proofs: realm.kin.prove(text) }, task as never);
}

export function handle<T = Loose>(proxy: Remote<T>): Handle<T>;
export function handle(proxy: object): Handle;
export function handle(proxy: object): Handle {
  return new Handle(proxy);
}
