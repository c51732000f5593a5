/** How a call ended. A tag and not a truth value: anything can be thrown or returned. */
export interface Outcome {
  readonly kind: 'return' | 'throw';
  readonly value: unknown;
  /** Of an object that lends what it answers: what is reached of the value does so too. */
  readonly lends?: boolean;
}

export async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { kind: 'return', value: await run() };
  } catch (error) {
    return { kind: 'throw', value: error };
  }
}

/** What a callback answers is a function too: a member of a remote object, to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && typeof (value as { then?: unknown }).then === 'function';
}
