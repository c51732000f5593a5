// Turns: calls of an object that was registered as `serialized` run one after another, whoever makes
// them, in the order in which they came. One that fails ends its turn like any other.

import { type Operation } from '../wire/frames';
import { type RunningCall } from './current-call';
import { isThenable } from './outcome';

/** By object, the end of the last turn; absent where nothing runs. */
const lastTurns = new WeakMap<object, Promise<void>>();

/** They only look, and wait for nobody. */
const LOOKS: ReadonlySet<Operation> = new Set(['has', 'keys', 'text', 'super']);

export function needsTurn(operation: Operation): boolean {
  return !LOOKS.has(operation);
}

/** Runs `body` in its turn: at once where nothing runs. One that was cancelled till then never runs. */
export function inTurn(object: object, call: RunningCall, body: () => unknown): unknown {
  const before = lastTurns.get(object);
  const result = before === undefined ? body() : waitFor(before, call, body);
  if (!isThenable(result)) return result;
  const turn = over(result).then(() => {
    if (lastTurns.get(object) === turn) lastTurns.delete(object);
  });
  lastTurns.set(object, turn);
  return result;
}

async function waitFor(
  before: Promise<void>,
  call: RunningCall,
  body: () => unknown,
): Promise<unknown> {
  await before;
  call.throwIfAborted();
  return await body();
}

async function over(result: PromiseLike<unknown>): Promise<void> {
  try {
    await result;
  } catch {
    // told to its caller
  }
}
