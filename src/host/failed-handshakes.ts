// Guessing a key is slow: over a network, a host is heard five failures a second, and no more.

/** A failure is answered after this, and remembered for the second. */
export const FAILURE_DELAY_MS = 200;
const WINDOW_MS = 1000;
const FAILURES_MAX = 5;

export class FailedHandshakes {
  /** When each host has failed; the one that failed last stands last. */
  readonly #failures = new Map<string, number[]>();

  /** How long the proof of a client at `host` has to wait; 0: not at all. */
  waitMs(host: string, now = performance.now()): number {
    const recent = (this.#failures.get(host) ?? []).filter((time) => time > now - WINDOW_MS);
    const oldest = recent.at(-FAILURES_MAX);
    return oldest === undefined ? 0 : oldest + WINDOW_MS - now;
  }

  add(host: string, now = performance.now()): void {
    const before = this.#failures.get(host) ?? [];
    this.#failures.delete(host);
    this.#failures.set(host, [...before, now].slice(-FAILURES_MAX));
    this.#forget(now - WINDOW_MS);
  }

  #forget(before: number): void {
    for (const [host, times] of this.#failures) {
      if ((times.at(-1) ?? 0) > before) return;
      this.#failures.delete(host);
    }
  }
}
