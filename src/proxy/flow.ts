// A method of a proxy that makes several calls is written once, as a generator that yields each call;
// it is run by awaiting what it yields, or, behind `sync`, by going on at once.

import { UsageError } from '../base/errors';

/** Steps of a method: yields what it waits for, returns what the method answers. */
export type Flow<R> = Generator<unknown, R, never>;

/** Runs the steps of a proxy whose calls have answered when they return. */
export function runFlowSync<R>(flow: Flow<R>): R {
  const steps = flow as Generator<unknown, R, unknown>;
  let step = steps.next();
  while (step.done !== true) {
    const promise = promiseIn(step.value);
    step = promise === undefined ? steps.next(step.value) : steps.throw(refused(promise));
  }
  return step.value;
}

function promiseIn(value: unknown): PromiseLike<unknown> | undefined {
  const isThenable =
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function';
  return isThenable ? (value as PromiseLike<unknown>) : undefined;
}

/** A function of the caller's may be a part of a flow: its promise cannot be kept by a blocked thread. */
function refused(promise: PromiseLike<unknown>): UsageError {
  promise.then(undefined, () => undefined); // told by the error here
  return new UsageError(
    'A function given to a sync() proxy answers a promise: give one that answers at once, or await the call of the proxy itself',
  );
}

/** Runs the steps, awaiting each. */
export async function runFlow<R>(flow: Flow<R>): Promise<R> {
  const steps = flow as Generator<unknown, R, unknown>;
  let step = steps.next();
  while (step.done !== true) {
    let value: unknown;
    try {
      value = await step.value;
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(value);
  }
  return step.value;
}
