// What this process holds of locks and permits, by session and fence. Several handles may stand for
// one holding, the levels of a re-entrant lock; they share what stands here, and so all of them know
// when a condition has released it meanwhile and acquired it again, under a new fence.

import { type Lessor } from '../refs/lease';
import { type Abandoned } from './lock-handle';

/** What a manager answers to `acquire`: the fence, and of an abandoned lock its last fence and when. */
export type GrantValues =
  readonly [fence: number] | readonly [fence: number, lastFence: number, at: number];

export class Held {
  fence = 0;
  abandoned: Abandoned | undefined;
  /** How often it was acquired and not released. */
  levels = 0;

  renew([fence, lastFence, at]: GrantValues): void {
    this.fence = fence;
    if (lastFence !== undefined && at !== undefined) this.abandoned = { fence: lastFence, at };
  }
}

const bySession = new WeakMap<Lessor, Map<number, Held>>();

function holdingsOf(session: Lessor): Map<number, Held> {
  let holdings = bySession.get(session);
  if (holdings === undefined) bySession.set(session, (holdings = new Map<number, Held>()));
  return holdings;
}

/** It was granted, or once more. */
export function acquired(session: Lessor, grant: GrantValues): Held {
  const holdings = holdingsOf(session);
  let held = holdings.get(grant[0]);
  if (held === undefined) {
    held = new Held();
    held.renew(grant);
    holdings.set(held.fence, held);
  }
  held.levels++;
  return held;
}

/** It is given back, or one level of it. */
export function released(session: Lessor, fence: number): void {
  const holdings = holdingsOf(session);
  const held = holdings.get(fence);
  if (held !== undefined && --held.levels === 0) holdings.delete(fence);
}

/** It was released whole and acquired again. */
export function renewed(session: Lessor, before: number, grant: GrantValues): void {
  const holdings = holdingsOf(session);
  const held = holdings.get(before);
  if (held === undefined) return;
  holdings.delete(before);
  held.renew(grant);
  holdings.set(held.fence, held);
}
