// A method of a proxy that makes several calls is written once, as a generator that yields each call;
// it is run by awaiting what it yields, or, behind `sync`, by going on at once.

/** Steps of a method: yields what it waits for, returns what the method answers. */
export type Flow<R> = Generator<unknown, R, never>;

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

/** Fails at once: with an argument that needs no call to be found wrong. */
// eslint-disable-next-line require-yield -- it waits for nothing
export function* failing(error: Error): Flow<never> {
  throw error;
}
