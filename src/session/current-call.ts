// The call that is running: how a method learns that its caller no longer waits.

import { UsageError } from '../base/errors';

/** One call that runs here. Its signal is made only when somebody asks for it. */
export class RunningCall {
  #controller: AbortController | undefined;
  #reason: unknown;
  #aborted = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted = true;
    this.#reason = reason;
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
