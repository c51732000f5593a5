// A proxy with methods that wait in the manager: their options are checked here, before anything is
// sent. What travels of them is one number, for the signal stays here and cancels the call.

import { isBoolean, isDuration, option, resolveOptions } from '../base/options';
import { BaseProxy } from '../proxy/base-proxy';
import { type Flow } from '../proxy/flow';
import { type WaitOptions } from '../proxy/options';
import { waitingTime } from './wait';

export interface BlockingOptions extends WaitOptions {
  /** `false` answers at once; it cannot be combined with `timeoutMs`. */
  readonly blocking?: boolean | undefined;
}

export const WAIT_RULES = {
  timeoutMs: option<number | undefined>(undefined, isDuration, 'a number of milliseconds >= 0'),
  signal: option<AbortSignal | undefined>(
    undefined,
    (value) => value instanceof AbortSignal,
    'an AbortSignal',
  ),
};
export const BLOCKING_RULES = { ...WAIT_RULES, blocking: option(true, isBoolean, 'true or false') };

export abstract class WaitingProxy extends BaseProxy {
  /** Calls a method whose last argument is how long it may wait. */
  protected waitUpTo(
    name: string,
    args: readonly unknown[],
    options?: WaitOptions,
  ): Promise<unknown> {
    if (options === undefined) return this.call(name, args);
    return this.flow(() => this.#waitUpTo(name, args, options));
  }

  /** The same for one that can be told not to wait. */
  protected block(
    name: string,
    args: readonly unknown[],
    options?: BlockingOptions,
  ): Promise<unknown> {
    if (options === undefined) return this.call(name, args);
    return this.flow(() => this.#block(name, args, options));
  }

  *#waitUpTo(name: string, args: readonly unknown[], options: WaitOptions): Flow<unknown> {
    const { timeoutMs, signal } = resolveOptions(titleOf(name), WAIT_RULES, options);
    return yield this.call(name, [...args, timeoutMs], signal);
  }

  *#block(name: string, args: readonly unknown[], options: BlockingOptions): Flow<unknown> {
    const given = resolveOptions(titleOf(name), BLOCKING_RULES, options);
    const timeMs = waitingTime(given.blocking, given.timeoutMs);
    return yield this.call(name, [...args, timeMs], given.signal);
  }
}

/** The public name of a method: some have a hidden one in the manager. */
function titleOf(name: string): string {
  return `${name.replace(/^_/, '')}()`;
}
