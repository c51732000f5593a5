// The shared value: one cell that holds anything a list can hold.

import { inspect } from 'node:util';
import { BaseProxy } from '../proxy/base-proxy';
import { equals } from '../session/exposure';
import { makeBeside } from '../proxy/functions';
import { type Purpose } from '../session/parties';
import { type LockProxy } from './lock';
import { type Copyable, TO_PLAIN, toPlain } from '../session/plain-copy';
import { increment } from './increment';
import { type SharedType } from './shared-type';

export class ValueReferent implements Copyable {
  #value: unknown;

  constructor(initial?: unknown) {
    this.#value = initial;
  }

  get(): unknown {
    return this.#value;
  }
  set(value: unknown): void {
    this.#value = value;
  }
  increment(by?: number | bigint): number | bigint {
    const sum = increment(this.#value, by);
    this.#value = sum;
    return sum;
  }
  compareAndSet(expected: unknown, value: unknown): boolean {
    if (!equals(this.#value, expected)) return false;
    this.#value = value;
    return true;
  }

  /** The copy of a value is the copy of what it holds, and it may hold another value. */
  [TO_PLAIN](seen: Map<object, unknown>): unknown {
    return toPlain(this.#content(), seen);
  }

  /** What a row of values that hold each other ends in; undefined where it is a ring. */
  #content(): unknown {
    const met = new Set<unknown>();
    let content: unknown = this.#value;
    while (content instanceof ValueReferent && !met.has(content)) {
      met.add(content);
      content = content.#value;
    }
    return content instanceof ValueReferent ? undefined : content;
  }

  [inspect.custom](depth: number, options: object): string {
    return inspect(toPlain(this), { ...options, depth });
  }
}

export class ValueProxy<T = unknown> extends BaseProxy {
  get(): Promise<T> {
    return this.call('get', []) as Promise<T>;
  }
  set(value: T): Promise<void> {
    return this.call('set', [value]) as Promise<void>;
  }
  /** Adds in one step; undefined counts as 0. Answers the sum. */
  increment(by?: number | bigint): Promise<T> {
    return this.#atomic('increment', [by]) as Promise<T>;
  }
  /** Sets if the value equals `expected`; answers whether it did. */
  compareAndSet(expected: T, value: T): Promise<boolean> {
    return this.#atomic('compareAndSet', [expected, value]) as Promise<boolean>;
  }

  /** In one step in the manager. (A private member: types of the same shape stay apart.) */
  #atomic(name: string, args: readonly unknown[]): Promise<unknown> {
    return this.call(name, args);
  }

  /** The one lock of this object, re-entrant, in whatever process it is asked for. */
  getLock(): LockProxy {
    return makeBeside(this, 'rlock', [undefined, this]) as LockProxy;
  }

  protected override get purpose(): Purpose {
    return 'container';
  }
}

export const valueType: SharedType = {
  typeid: 'value',
  create: (initial?: unknown) => new ValueReferent(initial),
  referentType: ValueReferent,
  exposed: ['get', 'set', 'increment', 'compareAndSet'],
  isContainer: true,
  proxyType: ValueProxy,
};
