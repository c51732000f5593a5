// A line: in at the back, out at the front, both in constant time however long it is. An array's own
// `shift` moves all that stand behind.

export class Fifo<T> {
  #items: T[] = [];
  /** Those before it have left. */
  #front = 0;

  get size(): number {
    return this.#items.length - this.#front;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  take(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#front];
    this.#items[this.#front++] = undefined as T; // not kept alive
    // Half of the array is empty: those who stay move once for each who left.
    if (this.#front * 2 > this.#items.length) this.#compact();
    return item;
  }

  toArray(): T[] {
    return this.#items.slice(this.#front);
  }

  clear(): void {
    this.#items = [];
    this.#front = 0;
  }

  #compact(): void {
    this.#items = this.toArray();
    this.#front = 0;
  }
}
