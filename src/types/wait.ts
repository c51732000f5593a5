// One call that waits inside of a shared object: for a lock, an item, an event. It ends once: by
// what it waited for, by its time, or because its caller gave up or is gone.
//
// Rule 1: what wakes a wait does so in the same turn in which it takes it out of its queue, so that
//         nothing is given to a wait that has ended.
// Rule 2: times run on the clock of the manager.

import { TimeoutError, UsageError } from '../base/errors';
import { type Deferred, deferred } from '../base/deferred';
import { isDuration } from '../base/options';
import { type Caller } from '../session/caller';
import { type RunningCall, currentCall, currentCaller } from '../session/current-call';

/** Longer than this no timer of Node's runs: it is without end. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class Wait<T> {
  readonly caller: Caller;
  readonly #call: RunningCall | undefined;
  readonly #done: Deferred<T> = deferred();
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  /**
   * Of the call that is running. `gone` runs when its caller cancels it or ends: take the wait out
   * of its queue there; it is rejected by itself. Throws `LimitError` beyond `limits.waiters`, and
   * the reason of a call that was given up before it could run.
   */
  constructor(gone: () => void) {
    this.caller = currentCaller();
    this.#call = currentCall();
    this.#call?.throwIfAborted();
    this.caller.startWaiting();
    if (this.#call === undefined) return;
    this.#call.onAbort = (reason) => {
      if (this.#ended) return;
      this.fail(reason);
      gone();
    };
  }

  get promise(): Promise<T> {
    return this.#done.promise;
  }
  get ended(): boolean {
    return this.#ended;
  }

  /** `expired` runs after that time, if the wait has not ended. Undefined: without end. */
  limit(timeoutMs: number | undefined, expired: () => void): this {
    if (timeoutMs !== undefined && timeoutMs <= TIMER_MS_MAX) {
      this.#timer = setTimeout(expired, timeoutMs);
    }
    return this;
  }

  /** From now on it waits without end: what it waited for has come, but for a lock. */
  unlimit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  wake(value: T): void {
    if (this.#end()) this.#done.resolve(value);
  }

  fail(error: unknown): void {
    if (this.#end()) this.#done.reject(error);
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    clearTimeout(this.#timer);
    if (this.#call !== undefined) this.#call.onAbort = undefined;
    this.caller.stopWaiting();
    return true;
  }
}

/** Who has waited longest. */
export function firstOf<W>(waits: Iterable<W>): W | undefined {
  for (const wait of waits) return wait;
  return undefined;
}

/**
 * How long a blocking method may wait: 0 where it must not, undefined without end. Throws
 * `UsageError` for a negative time, and for a time together with `blocking: false`.
 */
export function waitingTime(blocking: boolean, timeoutMs: number | undefined): number | undefined {
  if (timeoutMs !== undefined && !isDuration(timeoutMs)) {
    throw new UsageError('Option "timeoutMs" must be a number of milliseconds >= 0');
  }
  if (blocking) return timeoutMs;
  if (timeoutMs === undefined) return 0;
  throw new UsageError('A call that does not block has no "timeoutMs": leave one of both out');
}

export function timedOut(what: string, timeoutMs: number): TimeoutError {
  const when = timeoutMs === 0 ? 'at once' : `within ${String(timeoutMs)} ms`;
  return new TimeoutError(`${what} ${when}`);
}
