// Late-bound handles whose calls block the thread: what `sync()` gives for one. Each operation of the
// language is one use.

import { inspect } from 'node:util';
import { TOKEN_KEY } from '../wire/token';
import { type Late, construct, invoke, makeLate, read, standFor } from './late';
import { LockHandle, whenReleased } from './lock-handle';
import { SYNC } from './options';
import { isLocalName } from './remote';
import { isRetargeted } from '../session/naming';
import { type Binding, type Reached, TRIES_MAX, refused, restless, standsAlone } from './use';

/** A handle of the kind that its options ask for. */
export function makeLateLike(late: Late): object {
  if (late.options?.[SYNC] !== true) return makeLate(late);
  const handle = new Proxy(shapeOf(late.binding), new Traps(late.binding, []));
  standFor(handle, late);
  return handle;
}

/** `util.inspect` asks the target of a JS Proxy. */
function shapeOf(binding: Binding): object {
  const described = { [inspect.custom]: () => binding.describe() };
  return Object.create(Object.setPrototypeOf(described, null) as object) as object;
}

class Traps implements ProxyHandler<object> {
  readonly #binding: Binding;
  readonly #path: readonly string[];

  constructor(binding: Binding, path: readonly string[]) {
    this.#binding = binding;
    this.#path = path;
  }

  get(_shape: object, name: string | symbol): unknown {
    if (this.#path.length === 0 && name === 'typeid') return this.#binding.typeid;
    if (name === inspect.custom || name === 'toString') return () => this.#binding.describe();
    if (name === 'toJSON') return () => ({ [TOKEN_KEY]: this.#binding.token() });
    if (name === Symbol.dispose) return () => this.#binding.release();
    if (name === Symbol.iterator) return () => this.#iterate();
    if (typeof name === 'symbol' || name === TOKEN_KEY || isLocalName(name)) return undefined;
    const path = [...this.#path, name];
    const value = this.#use((target) => read(target, path));
    if (typeof value !== 'function') return value;
    return new Proxy(nothing.bind(undefined), new Traps(this.#binding, path));
  }

  set(_shape: object, name: string | symbol, value: unknown): boolean {
    if (typeof name === 'symbol') return false;
    return this.#use((target) => Reflect.set(this.#owner(target), name, value));
  }

  has(_shape: object, name: string | symbol): boolean {
    return this.#use((target) => Reflect.has(this.#owner(target), name));
  }

  deleteProperty(_shape: object, name: string | symbol): boolean {
    return this.#use((target) => Reflect.deleteProperty(this.#owner(target), name));
  }

  ownKeys(): (string | symbol)[] {
    return this.#use((target) => Reflect.ownKeys(this.#owner(target)));
  }

  getOwnPropertyDescriptor(shape: object, name: string | symbol): PropertyDescriptor | undefined {
    if (typeof name === 'symbol' || !this.ownKeys().includes(name)) return undefined;
    const get = (): unknown => this.get(shape, name); // not read by who only lists names
    return { get, enumerable: true, configurable: true };
  }

  apply(_shape: object, _self: unknown, args: unknown[]): unknown {
    return this.#use((target) => invoke(target, this.#path, args));
  }

  construct(_shape: object, args: unknown[]): object {
    return this.#use((target) => construct(target, this.#path, args)) as object;
  }

  #owner(target: object): object {
    return read(target, this.#path) as object;
  }

  #use<R>(act: (target: object) => R): R {
    for (let tries = 1; ; tries++) {
      const reached = this.#binding.reachNow();
      let value: R;
      try {
        value = confirmed(reached, act);
      } catch (error) {
        reached.giveBack();
        this.#again(error, reached, tries);
        continue;
      }
      if (value instanceof LockHandle) whenReleased(value, reached.giveBack);
      else if (standsAlone(value)) reached.giveBack();
      return value;
    }
  }

  *#iterate(): Generator<unknown, void, undefined> {
    for (let tries = 1, begun = false; ; tries++) {
      const reached = this.#binding.reachNow();
      try {
        for (const item of this.#owner(reached.target) as Iterable<unknown>) {
          begun = true;
          yield item;
        }
        return;
      } catch (error) {
        if (begun) throw error;
        this.#again(error, reached, tries);
      } finally {
        reached.giveBack();
      }
    }
  }

  /** Throws `error` where the use is not done again. */
  #again(error: unknown, { lease }: Reached, tries: number): void {
    if (!isRetargeted(error, lease.id)) throw error;
    if (tries > TRIES_MAX) throw restless(this.#binding);
    this.#binding.missed();
  }
}

/** That nothing was found in the class that the handle believes in is told when that belief is right. */
function confirmed<R>({ target, lease, send }: Reached, act: (target: object) => R): R {
  let value: R | undefined;
  try {
    value = act(target);
    if (value !== undefined || lease.calls > 0) return value;
  } catch (error) {
    if (lease.calls > 0) throw error;
  }
  try {
    void send('length', '', []);
  } catch (error) {
    refused(error);
  }
  return value ?? act(target);
}

function nothing(): undefined {
  return undefined;
}
