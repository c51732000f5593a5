export class Counter {
  total = 0;
  #listeners: ((total: number) => unknown)[] = [];

  add(by: number): this {
    this.total += by;
    for (const listener of this.#listeners) listener(this.total);
    return this;
  }

  onChange(listener: (total: number) => unknown): void {
    this.#listeners.push(listener);
  }

  *countdown(): Generator<number> {
    for (let left = this.total; left > 0; left--) yield left;
  }

  _reset(): void {
    this.total = 0;
  }
}
