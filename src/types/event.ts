// The shared event: a flag that can be waited for. One `set` wakes all who wait.

import { inspect } from 'node:util';
import { type WaitOptions } from '../proxy/options';
import { type SharedType } from './shared-type';
import { Wait, waitingTime } from './wait';
import { WaitingProxy } from './waiting-proxy';

export class EventReferent {
  readonly #waits = new Set<Wait<boolean>>();
  #isSet = false;

  isSet(): boolean {
    return this.#isSet;
  }
  set(): void {
    this.#isSet = true;
    for (const wait of this.#waits) wait.wake(true);
    this.#waits.clear();
  }
  clear(): void {
    this.#isSet = false;
  }
  wait(timeMs?: number): Promise<boolean> | boolean {
    const limitMs = waitingTime(true, timeMs);
    if (this.#isSet || limitMs === 0) return this.#isSet;
    const wait = new Wait<boolean>(() => this.#waits.delete(wait));
    this.#waits.add(wait);
    wait.limit(limitMs, () => {
      this.#waits.delete(wait);
      wait.wake(false);
    });
    return wait.promise;
  }

  [inspect.custom](): string {
    return `event (${this.#isSet ? 'set' : 'clear'}, ${String(this.#waits.size)} wait)`;
  }
}

export class EventProxy extends WaitingProxy {
  isSet(): Promise<boolean> {
    return this.call('isSet', []) as Promise<boolean>;
  }
  /** Wakes all who wait; who comes later does not wait, until it is cleared. */
  set(): Promise<void> {
    return this.call('set', []) as Promise<void>;
  }
  clear(): Promise<void> {
    return this.call('clear', []) as Promise<void>;
  }
  /** Waits until it is set. False where the time ran out. */
  wait(options?: WaitOptions): Promise<boolean> {
    return this.waitUpTo('wait', [], options) as Promise<boolean>;
  }
}

export const eventType: SharedType = {
  typeid: 'event',
  create: () => new EventReferent(),
  referentType: EventReferent,
  exposed: ['isSet', 'set', 'clear', 'wait'],
  proxyType: EventProxy,
};
