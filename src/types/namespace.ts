// The shared namespace: named attributes. A Map and no object, so that a name is only ever data.

import { inspect } from 'node:util';
import { UsageError } from '../base/errors';
import { BaseProxy, ELEMENTS, type Elements } from '../proxy/base-proxy';
import { ELEMENT, type Element, type HasElements } from '../session/elements';
import { type Purpose } from '../session/parties';
import { type Copyable, TO_PLAIN, toPlain } from '../session/plain-copy';
import { increment } from './increment';
import { type SharedType } from './shared-type';

export class NamespaceReferent implements Copyable, HasElements {
  readonly #attributes = new Map<string, unknown>();

  constructor(attributes: Iterable<readonly [unknown, unknown]> = []) {
    for (const [name, value] of attributes) this.set(name, value);
  }

  get(name: unknown): unknown {
    return this.#attributes.get(requireName(name));
  }
  set(name: unknown, value: unknown): void {
    this.#attributes.set(requireName(name), value);
  }
  has(name: unknown): boolean {
    return this.#attributes.has(name as string);
  }
  delete(name: unknown): boolean {
    return this.#attributes.delete(requireName(name));
  }
  keys(): string[] {
    return [...this.#attributes.keys()];
  }
  increment(name: unknown, by?: number | bigint): number | bigint {
    const sum = increment(this.get(name), by);
    this.set(name, sum);
    return sum;
  }
  entries(): [string, unknown][] {
    return [...this.#attributes];
  }

  [ELEMENT](name: string): Element | undefined {
    if (!isName(name)) return undefined;
    return {
      get: () => this.get(name),
      set: (value) => {
        this.set(name, value);
      },
      delete: () => this.delete(name),
    };
  }

  [TO_PLAIN](seen: Map<object, unknown>): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    seen.set(this, copy);
    for (const [name, value] of this.#attributes) copy[name] = toPlain(value, seen);
    return copy;
  }

  [inspect.custom](depth: number, options: object): string {
    return inspect(toPlain(this), { ...options, depth });
  }
}

export class NamespaceProxy<T extends object = Record<string, unknown>> extends BaseProxy {
  /** Undefined where there is no such attribute. */
  get<K extends keyof T & string>(name: K): Promise<T[K]> {
    return this.#named('get', [name]) as Promise<T[K]>;
  }
  /** `UsageError` for a name that begins with `_`. */
  set<K extends keyof T & string>(name: K, value: T[K]): Promise<void> {
    return this.#named('set', [name, value]) as Promise<void>;
  }
  has(name: string): Promise<boolean> {
    return this.call('has', [name]) as Promise<boolean>;
  }
  /** Whether it was there. */
  delete(name: keyof T & string): Promise<boolean> {
    return this.#named('delete', [name]) as Promise<boolean>;
  }
  /** In the order in which they were first set. */
  keys(): Promise<string[]> {
    return this.call('keys', []) as Promise<string[]>;
  }
  /** Adds in one step; absent counts as 0. Answers the sum. */
  increment(name: keyof T & string, by?: number | bigint): Promise<number | bigint> {
    return this.#named('increment', [name, by]) as Promise<number | bigint>;
  }

  /** A method whose first argument is a name. */
  #named(name: string, args: readonly unknown[]): Promise<unknown> {
    return isName(args[0]) ? this.call(name, args) : this.refuse(badName(args[0]));
  }

  get [ELEMENTS](): Elements {
    return 'name';
  }

  protected override get purpose(): Purpose {
    return 'container';
  }
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && !name.startsWith('_');
}

function badName(name: unknown): UsageError {
  return new UsageError(
    typeof name === 'string'
      ? `Cannot share an attribute "${name}": names that begin with "_" are private and cannot be reached from another process; choose another, or use a dict`
      : `An attribute of a namespace has a text as its name, not ${typeof name}`,
  );
}

function requireName(name: unknown): string {
  if (isName(name)) return name;
  throw badName(name);
}

/** What a namespace is made of, to be sent: checked attributes, or the namespace that has them. */
export function attributesOf(members: object): unknown {
  if (members instanceof BaseProxy) return members;
  if (typeof (members as unknown) !== 'object' || (members as unknown) === null)
    throw new UsageError('A namespace is made of an object, whose fields are its attributes');
  const entries = Object.entries(members);
  for (const [name] of entries) requireName(name);
  return entries;
}

function readAttributes(members: unknown): Iterable<readonly [unknown, unknown]> {
  if (members === undefined) return [];
  if (members instanceof NamespaceReferent) return members.entries();
  if (Array.isArray(members)) return members as [unknown, unknown][];
  return attributesOf(members as object) as [string, unknown][];
}

export const namespaceType: SharedType = {
  typeid: 'namespace',
  create: (members?: unknown) => new NamespaceReferent(readAttributes(members)),
  referentType: NamespaceReferent,
  exposed: ['get', 'set', 'has', 'delete', 'keys', 'increment'],
  isContainer: true,
  proxyType: NamespaceProxy,
};
