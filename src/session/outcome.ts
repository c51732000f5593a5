/** How a call ended. A tag and not a truth value: anything can be thrown or returned. */
export interface Outcome {
  readonly kind: 'return' | 'throw';
  readonly value: unknown;
}

export async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { kind: 'return', value: await run() };
  } catch (error) {
    return { kind: 'throw', value: error };
  }
}
