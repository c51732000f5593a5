// A result that its caller confirms, because something was taken for it: an item out of a queue, a
// lock. Where the caller has given up meanwhile, or ends before it has read the result, it comes back.

export class Delivery {
  readonly value: unknown;
  readonly #settle: (received: boolean) => void;

  /** `settle` runs once: the caller has the value, or never will. */
  constructor(value: unknown, settle: (received: boolean) => void) {
    this.value = value;
    this.#settle = settle;
  }

  settle(received: boolean): void {
    this.#settle(received);
  }
}
