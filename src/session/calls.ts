// The calls that wait for their answer, by number. A number is used again only after its answer
// came, so that a late answer can never settle another call.

import { type Place } from '../transport/outbox';

export interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Where the call stands in what was not yet written. */
  place: Place | undefined;
  /** Nobody waits any more: the answer is only taken apart. */
  abandoned: boolean;
  /** Ends what watches it: a timeout, a signal, a look at the lane. */
  cleanup: (() => void) | undefined;
}

export class Calls<C extends PendingCall> {
  readonly #slots: (C | undefined)[] = [];
  readonly #free: number[] = [];
  #count = 0;

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  add(call: C): number {
    this.#count++;
    const id = this.#free.pop() ?? this.#slots.length;
    this.#slots[id] = call;
    return id;
  }

  get(id: number): C | undefined {
    return this.#slots[id];
  }

  /** Nobody waits for it any more; its number stays taken until its answer comes. */
  abandon(id: number): void {
    const call = this.#slots[id];
    if (call === undefined || call.abandoned) return;
    call.abandoned = true;
    this.#count--;
  }

  /** The call, which no longer waits. `keep`: its number stays taken, because its answer is kept. */
  take(id: number, keep = false): C | undefined {
    const call = this.#slots[id];
    if (call === undefined) return undefined;
    this.#slots[id] = undefined;
    if (!call.abandoned) this.#count--;
    if (!keep) this.#free.push(id);
    return call;
  }

  free(id: number): void {
    this.#free.push(id);
  }

  takeAll(): C[] {
    const all = this.#slots.filter((call) => call !== undefined);
    this.#slots.length = 0;
    this.#free.length = 0;
    this.#count = 0;
    return all;
  }
}

/**
 * The answer as the caller sees it: an error gets the caller's stack, down through its awaits; the
 * stack of the other side stays in `remoteStack`.
 */
export async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error) Error.captureStackTrace(error, answered);
    throw error;
  }
}
