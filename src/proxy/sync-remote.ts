// Remote objects whose calls block the thread: `sync(remote)`. A member is asked for when it is read:
// data comes as a copy, an object with methods as a further sync handle. A method is a function that
// calls it, and its members are reached in the same way.

import { inspect } from 'node:util';
import { type Lease } from '../refs/lease';
import { orDefaultNow } from '../session/absence';
import { type Purpose } from '../session/parties';
import { type Operation } from '../wire/frames';
import { TOKEN_KEY } from '../wire/token';
import { describeHandle, hold, letGo, calleeOf, tokenValue } from './handles';
import { type HandleOptions, SYNC } from './options';
import { isLocalName } from './remote';

interface Root {
  readonly lease: Lease;
  readonly options: HandleOptions | undefined;
  readonly purpose: Purpose;
  /** Paths at which a function was met: they are called without asking again. */
  readonly functions: Set<string>;
  /** The handle itself: its members keep it alive. */
  front: object | undefined;
}

const roots = new WeakMap<object, Root>();

export function leaseOfSyncRemote(value: object): Lease | undefined {
  return roots.get(value)?.lease;
}
export function optionsOfSyncRemote(value: object): HandleOptions | undefined {
  return roots.get(value)?.options;
}

export function purposeOfSyncRemote(value: object): Purpose | undefined {
  return roots.get(value)?.purpose;
}

/** Takes the lease. */
export function makeSyncRemote(
  lease: Lease,
  options: HandleOptions | undefined,
  purpose: Purpose = 'argument',
): object {
  const root: Root = {
    lease,
    options: { ...options, [SYNC]: true },
    purpose,
    functions: new Set(),
    front: undefined,
  };
  const front = new Proxy(shapeOf(lease.callable), new Traps(root, []));
  root.front = front;
  roots.set(front, root);
  hold(front, lease);
  return front;
}

/** A bound function where it can be called: the one kind of target with which every trap works. */
function shapeOf(isCallable: boolean): object {
  return isCallable ? nothing.bind(undefined) : (Object.create(SHAPE) as object);
}

/** `util.inspect` asks the target of a JS Proxy, in the name of the proxy. */
const SHAPE: object = Object.assign(Object.create(null) as object, {
  [inspect.custom](this: object): string {
    const lease = leaseOfSyncRemote(this);
    return lease === undefined ? 'SyncRemote' : describeHandle('SyncRemote', lease);
  },
});

function nothing(): undefined {
  return undefined;
}

/** By its `next`: an iterator, asked for its iterator, would answer itself again and again. */
function steps(iterator: Iterator<unknown>): IterableIterator<unknown> {
  return {
    next: () => iterator.next(),
    return: (value?: unknown) => iterator.return?.(value) ?? { done: true, value },
    [Symbol.iterator]() {
      return this;
    },
  };
}

class Traps implements ProxyHandler<object> {
  readonly #root: Root;
  readonly #path: readonly string[];

  constructor(root: Root, path: readonly string[]) {
    this.#root = root;
    this.#path = path;
  }

  get(_shape: object, name: string | symbol, front: object): unknown {
    if (typeof name === 'symbol') return this.#symbolMember(name, front);
    const isRoot = this.#path.length === 0;
    if (isRoot && name === 'toJSON') return () => tokenValue(this.#root.lease);
    if (name === 'toString') return () => this.#describe();
    if (name === TOKEN_KEY || isLocalName(name)) return undefined;
    const path = [...this.#path, name];
    const key = path.join('.');
    if (this.#root.functions.has(key)) return this.#function(path);
    const answer = this.#send('peek', name, []) as readonly [isFunction: boolean, value?: unknown];
    if (!answer[0]) return answer[1];
    this.#root.functions.add(key);
    return this.#function(path);
  }

  set(_shape: object, name: string | symbol, value: unknown): boolean {
    if (typeof name === 'symbol') return false;
    this.#send('set', name, [value]);
    return true;
  }

  has(_shape: object, name: string | symbol): boolean {
    return typeof name === 'string' && this.#keys().includes(name);
  }

  deleteProperty(_shape: object, name: string | symbol): boolean {
    return typeof name === 'string' && (this.#send('delete', name, []) as boolean);
  }

  ownKeys(): string[] {
    return this.#keys();
  }

  getOwnPropertyDescriptor(shape: object, name: string | symbol): PropertyDescriptor | undefined {
    if (typeof name === 'symbol' || !this.has(shape, name)) return undefined;
    const get = (): unknown => this.get(shape, name, shape); // not read by who only lists names
    return { get, enumerable: true, configurable: true };
  }

  apply(_shape: object, _self: unknown, args: unknown[]): unknown {
    return this.#send('call', undefined, args);
  }

  construct(_shape: object, args: unknown[]): object {
    return this.#send('construct', undefined, args) as object;
  }

  #symbolMember(name: symbol, front: object): unknown {
    if (name === inspect.custom) return () => this.#describe();
    if (name === Symbol.dispose && this.#path.length === 0) {
      return () => {
        letGo(front, this.#root.lease);
      };
    }
    if (name === Symbol.iterator) return () => this.#iterate();
    return undefined;
  }

  #iterate(): unknown {
    const iterator = this.#send('iterate', undefined, []) as IterableIterator<unknown>;
    return roots.has(iterator) ? steps(iterator) : iterator[Symbol.iterator]();
  }

  #function(path: readonly string[]): object {
    return new Proxy(shapeOf(true), new Traps(this.#root, path));
  }

  #keys(): string[] {
    return this.#send('keys', undefined, []) as string[];
  }

  #describe(): string {
    const handle = describeHandle('SyncRemote', this.#root.lease);
    return this.#path.length === 0 ? handle : `<member ${this.#path.join('.')} of ${handle}>`;
  }

  /** Of the member `name` of what stands here, or of that itself. */
  #send(operation: Operation, name: string | undefined, args: readonly unknown[]): unknown {
    const { lease, options, purpose, front } = this.#root;
    const request = {
      target: lease,
      operation,
      path: name === undefined ? this.#path.slice(0, -1) : this.#path,
      name: name ?? this.#path.at(-1) ?? '',
      args,
      purpose,
      held: front,
      lane: true,
      ...options,
    };
    return orDefaultNow(request, () => calleeOf(lease).callBlocking(request));
  }
}
