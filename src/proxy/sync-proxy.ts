// What `sync(proxy)` gives for a shared type: the same class, whose calls block the thread, behind a
// JS Proxy that lets the language's own operators through: `list[0]`, `list.length`, `for … of`, `in`.

import { type BaseProxy, ELEMENTS, type Elements, standBefore } from './base-proxy';

const INDEX = /^(0|[1-9]\d*)$/;

/** The members of proxies that reach elements; which of them there are, `elements` tells. */
interface Container {
  readonly length: number;
  at(index: number): unknown;
  get(key: string): unknown;
  set(key: string | number, value: unknown): void;
  has(key: string): boolean;
  delete(key: string): boolean;
  keys(): Iterable<string | number>;
}

/** A JS Proxy before `proxy`, whose calls block. */
export function blockingFront(proxy: BaseProxy): BaseProxy {
  // Not before the proxy itself: its token property is not one of the elements.
  const shape = Object.create(Object.getPrototypeOf(proxy) as object) as BaseProxy;
  const front = new Proxy(shape, new Traps(proxy));
  standBefore(front, proxy);
  return front;
}

class Traps implements ProxyHandler<BaseProxy> {
  readonly #proxy: BaseProxy;
  readonly #elements: Elements | undefined;

  constructor(proxy: BaseProxy) {
    this.#proxy = proxy;
    this.#elements = (proxy as { [ELEMENTS]?: Elements })[ELEMENTS];
  }

  get #container(): Container {
    return this.#proxy as unknown as Container;
  }

  get(_shape: BaseProxy, name: string | symbol, front: unknown): unknown {
    if (typeof name === 'string' && this.#isElement(name)) return this.#read(name);
    const proxy = this.#proxy;
    const member: unknown = Reflect.get(proxy, nameBehind(name), proxy);
    if (typeof member !== 'function' || name === 'constructor') return member;
    return (...args: unknown[]): unknown => {
      const answer: unknown = Reflect.apply(member, proxy, args);
      return answer === proxy ? front : answer; // a method that answers its own proxy
    };
  }

  set(_shape: BaseProxy, name: string | symbol, value: unknown): boolean {
    if (typeof name === 'symbol' || !this.#isElement(name) || this.#elements === 'key')
      return false;
    this.#container.set(this.#elements === 'index' ? Number(name) : name, value);
    return true;
  }

  has(_shape: BaseProxy, name: string | symbol): boolean {
    if (typeof name === 'symbol' || this.#elements === undefined) return name in this.#proxy;
    if (this.#elements !== 'index') return this.#container.has(name) || name in this.#proxy;
    return INDEX.test(name) ? Number(name) < this.#container.length : name in this.#proxy;
  }

  deleteProperty(_shape: BaseProxy, name: string | symbol): boolean {
    if (typeof name === 'symbol') return false;
    if (this.#elements !== 'name' && this.#elements !== 'key') return false;
    this.#container.delete(name);
    return true;
  }

  ownKeys(): string[] {
    if (this.#elements === undefined) return [];
    if (this.#elements === 'index') {
      return Array.from({ length: this.#container.length }, (_, index) => String(index));
    }
    return [...this.#container.keys()].filter((key) => typeof key === 'string');
  }

  getOwnPropertyDescriptor(
    _shape: BaseProxy,
    name: string | symbol,
  ): PropertyDescriptor | undefined {
    if (typeof name === 'symbol' || this.#elements === undefined) return undefined;
    if (this.#elements === 'index' && !INDEX.test(name)) return undefined;
    if (!this.has(_shape, name)) return undefined;
    const get = (): unknown => this.#read(name); // not read by who only lists names
    return { get, enumerable: true, configurable: true };
  }

  /** Methods of the proxy come before attributes: those are reached by `get(name)` too. */
  #isElement(name: string): boolean {
    if (this.#elements === 'index') return INDEX.test(name);
    return this.#elements !== undefined && !(name in this.#proxy) && name !== 'then';
  }

  #read(name: string): unknown {
    return this.#elements === 'index'
      ? this.#container.at(Number(name))
      : this.#container.get(name);
  }
}

/** What is asynchronous in the class is there under the name of what is synchronous. */
function nameBehind(name: string | symbol): string | symbol {
  if (name === Symbol.iterator) return Symbol.asyncIterator;
  return name === Symbol.asyncIterator ? Symbol.iterator : name;
}
