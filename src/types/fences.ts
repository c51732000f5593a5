// Fences: a number for each grant of a lock or permit, greater than all before. They go on growing when
// a manager starts anew, because they begin at the clock: whoever keeps the greatest one that it has
// seen can refuse what a paused holder sends too late.

/** As many grants may be made in a millisecond before the numbers run ahead of the clock. */
const PER_MS = 2048;

export class Fences {
  readonly #now: () => number;
  #last = 0;

  /** `now` in milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  next(): number {
    this.#last = Math.max(this.#last + 1, this.#now() * PER_MS);
    return this.#last;
  }

  /** By the same clock. */
  now(): number {
    return this.#now();
  }
}

/** Of all locks and semaphores of a manager, so that what two of them guard can be ordered too. */
export const managerFences = new Fences();
