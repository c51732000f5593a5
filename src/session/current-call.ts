// The call that is running: who makes it, and how a method learns that its caller no longer waits.

import { UsageError, rethrow } from '../base/errors';
import { type Caller, localCaller } from './caller';

/** One call that runs here. Its signal is made only when somebody asks for it. */
export class RunningCall {
  readonly caller: Caller;
  #controller: AbortController | undefined;
  #reason: unknown;
  #aborted = false;
  #onAbort: ((reason: unknown) => void) | undefined;

  constructor(caller: Caller) {
    this.caller = caller;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** The same for the one wait inside of a call, without the price of a signal. */
  set onAbort(onAbort: ((reason: unknown) => void) | undefined) {
    this.#onAbort = onAbort;
  }

  /** Throws its reason where nobody waits any more: it was held back, and given up meanwhile. */
  throwIfAborted(): void {
    if (this.#aborted) rethrow(this.#reason);
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#onAbort?.(reason);
    this.#controller?.abort(reason);
  }
}

let current: RunningCall | undefined;

/** Runs the synchronous part of a call. */
export function runAs<T>(call: RunningCall, body: () => T): T {
  const before = current;
  current = call;
  try {
    return body();
  } finally {
    current = before;
  }
}

/** The call whose synchronous part is running; undefined where a referent is called in its own process. */
export function currentCall(): RunningCall | undefined {
  return current;
}

/** Who makes the call whose synchronous part is running. */
export function currentCaller(): Caller {
  return current?.caller ?? localCaller;
}

/**
 * Inside a method of a referent: aborts when the caller cancels, times out or dies, with its
 * reason. Ask for it before the first `await`, and keep it.
 */
export function currentSignal(): AbortSignal {
  if (current === undefined) {
    throw new UsageError(
      'currentSignal() is for the synchronous part of a remote call: call it before the first await',
    );
  }
  return current.signal;
}
