// Records of many processes come by many ways. They are held for a moment, and given out in the
// order of their time.
//
// Rule: what one speaker has said by one sender keeps its order, whatever its clock does.

import { type LogRecord } from './record';

/** More than this is not held: the earliest go before their moment is over. */
const HELD_MAX = 10_000;
const GIVEN_AT_ONCE = 1000;

/** By speaker, the time before which no later record of it is sorted. */
export type Spoken = Map<string, number>;
/** Beyond so many speakers of one sender they are forgotten. */
const SPEAKERS_MAX = 1000;

/** What a sorter needs of time; tests have their own. */
export interface SortClock {
  now(): number;
  /** Calls back once, later; keeps no process alive. Answers what stops it. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: SortClock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

interface Held {
  readonly key: number;
  readonly arrived: number;
  readonly record: LogRecord;
}

export class Sorter {
  readonly #sortMs: number;
  readonly #give: (record: LogRecord) => void;
  readonly #clock: SortClock;
  /** By key, the earliest first. */
  readonly #held: Held[] = [];
  #stopTimer: (() => void) | undefined;

  constructor(sortMs: number, give: (record: LogRecord) => void, clock: SortClock = systemClock) {
    this.#sortMs = sortMs;
    this.#give = give;
    this.#clock = clock;
  }

  /** `spoken` belongs to who has brought it. */
  add(record: LogRecord, spoken: Spoken): void {
    const key = keyOf(record, spoken);
    this.#held.splice(this.#placeOf(key), 0, { key, arrived: this.#clock.now(), record });
    if (this.#sortMs === 0) this.flush();
    else if (this.#held.length > HELD_MAX) this.#giveFirst(GIVEN_AT_ONCE);
    this.#startTimer();
  }

  /** Gives out all that is held. */
  flush(): void {
    this.#giveFirst(this.#held.length);
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** Behind those of the same time. */
  #placeOf(key: number): number {
    let [from, to] = [0, this.#held.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#held[middle] as Held).key <= key) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #startTimer(): void {
    if (this.#held.length === 0 || this.#stopTimer !== undefined) return;
    const first = this.#held.reduce((least, { arrived }) => Math.min(least, arrived), Infinity);
    const waitMs = Math.max(first + this.#sortMs - this.#clock.now(), 0);
    this.#stopTimer = this.#clock.after(waitMs, () => {
      this.#stopTimer = undefined;
      this.#giveDue();
      this.#startTimer();
    });
  }

  /** What has been held long enough, and with it all that is earlier. */
  #giveDue(): void {
    const latest = this.#clock.now() - this.#sortMs;
    let count = this.#held.length;
    while (count > 0 && (this.#held[count - 1] as Held).arrived > latest) count--;
    this.#giveFirst(count);
  }

  #giveFirst(count: number): void {
    for (const { record } of this.#held.splice(0, count)) this.#give(record);
  }
}

function keyOf({ host, process, thread, source, time }: LogRecord, spoken: Spoken): number {
  const speaker = `${host}\n${process}\n${thread}\n${source}`;
  const key = Math.max(spoken.get(speaker) ?? time, time);
  if (spoken.size >= SPEAKERS_MAX) spoken.clear();
  spoken.set(speaker, key);
  return key;
}
