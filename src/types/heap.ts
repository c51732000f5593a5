// A binary heap: what goes before all others is found at once, and taken in steps that grow with the
// logarithm of the size.

export class Heap<T> {
  readonly #isBefore: (a: T, b: T) => boolean;
  #items: T[] = [];

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    let hole = this.#items.push(item) - 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = this.#items[parent] as T;
      if (!this.#isBefore(item, above)) break;
      this.#items[hole] = above;
      hole = parent;
    }
    this.#items[hole] = item;
  }

  pop(): T | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) this.#sink(last);
    return first;
  }

  /** All, in the order in which `pop` would give them. */
  sorted(): T[] {
    return this.#items.slice().sort((a, b) => (this.#isBefore(a, b) ? -1 : 1));
  }

  clear(): void {
    this.#items = [];
  }

  /** Finds the place of `item`, starting with a hole at the top. */
  #sink(item: T): void {
    let hole = 0;
    for (;;) {
      const child = this.#firstChild(hole);
      if (child === undefined || !this.#isBefore(this.#items[child] as T, item)) break;
      this.#items[hole] = this.#items[child] as T;
      hole = child;
    }
    this.#items[hole] = item;
  }

  #firstChild(parent: number): number | undefined {
    const left = 2 * parent + 1;
    const right = left + 1;
    if (left >= this.#items.length) return undefined;
    if (right >= this.#items.length) return left;
    return this.#isBefore(this.#items[right] as T, this.#items[left] as T) ? right : left;
  }
}
