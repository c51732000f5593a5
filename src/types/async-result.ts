// What applyAsync and mapAsync answer: a result that is asked for later, by whoever has the proxy.

import { inspect } from 'node:util';
import { UsageError } from '../base/errors';
import { BaseProxy } from '../proxy/base-proxy';
import { type WaitOptions } from '../proxy/options';
import { waitFor } from './pool-job';
import { type SharedType } from './shared-type';
import { waitingTime } from './wait';

export class AsyncResultReferent {
  readonly #result: Promise<unknown>;
  #state: 'waiting' | 'done' | 'failed' = 'waiting';

  constructor(result: Promise<unknown>) {
    this.#result = result;
    result.then(
      () => (this.#state = 'done'),
      () => (this.#state = 'failed'),
    );
  }

  get(timeoutMs?: number): Promise<unknown> {
    return waitFor(this.#result, waitingTime(true, timeoutMs));
  }

  async wait(timeoutMs?: number): Promise<boolean> {
    const waiting = waitFor(this.#result, waitingTime(true, timeoutMs));
    await waiting.catch(() => undefined); // its error is for get()
    return this.ready();
  }

  ready(): boolean {
    return this.#state !== 'waiting';
  }

  successful(): boolean {
    if (this.ready()) return this.#state === 'done';
    throw new UsageError('The result is not there yet: wait() for it first');
  }

  [inspect.custom](): string {
    return `<AsyncResult: ${this.#state}>`;
  }
}

/** A result that may not be there yet. Releasing it gives up nothing but the result. */
export interface AsyncResult<R = unknown> extends Disposable {
  /** The result, or its error. `TimeoutError` after `timeoutMs`, which leaves the task alone. */
  get(options?: WaitOptions): Promise<R>;
  /** Whether the result is there, good or bad, at the latest after `timeoutMs`. */
  wait(options?: WaitOptions): Promise<boolean>;
  ready(): Promise<boolean>;
  /** Whether there was no error; `UsageError` before the result is there. */
  successful(): Promise<boolean>;
}

export class AsyncResultProxy<R = unknown> extends BaseProxy implements AsyncResult<R> {
  get(options?: WaitOptions): Promise<R> {
    return this.#wait('get', options) as Promise<R>;
  }
  wait(options?: WaitOptions): Promise<boolean> {
    return this.#wait('wait', options) as Promise<boolean>;
  }
  ready(): Promise<boolean> {
    return this.call('ready', []) as Promise<boolean>;
  }
  successful(): Promise<boolean> {
    return this.call('successful', []) as Promise<boolean>;
  }

  /** Time runs in the manager: a result that is taken out too late is still there for the next. */
  #wait(name: string, { timeoutMs, signal }: WaitOptions = {}): Promise<unknown> {
    return this.call(name, [timeoutMs], signal);
  }
}

export const asyncResultType: SharedType = {
  typeid: 'asyncResult',
  create: () => {
    throw new UsageError('A result is made by applyAsync() or mapAsync() of a pool');
  },
  referentType: AsyncResultReferent,
  exposed: ['get', 'wait', 'ready', 'successful'],
  proxyType: AsyncResultProxy,
};
