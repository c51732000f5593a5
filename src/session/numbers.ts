// The numbers of what a client creates: range by range, from 1 on in each. The first range is the
// session's name in tokens too. Before it is known, an object has its number within it.

import { LimitError } from '../base/errors';
import { Lease, type Lessor } from '../refs/lease';
import { RANGE_SIZE } from '../refs/objects';

interface NumbersOptions {
  /** Asks the manager for another range. */
  readonly newRange: () => Promise<number>;
  readonly warn: (warning: Error) => void;
}

export class Numbers {
  readonly #lessor: Lessor;
  readonly #options: NumbersOptions;
  #first = 0;
  /** The range that is used now; undefined: the first. */
  #current: number | undefined;
  #next: number | undefined;
  #created = 0;
  #asksNext = false;
  /** Created before the first range was known. */
  #unnumbered: Lease[] = [];

  constructor(lessor: Lessor, options: NumbersOptions) {
    this.#lessor = lessor;
    this.#options = options;
  }

  /** The first range; 0 while it is not known. */
  get range(): number {
    return this.#first;
  }

  /** The first range is known. */
  begin(range: number): void {
    this.#first = range;
    for (const lease of this.#unnumbered) lease.number(range * RANGE_SIZE + lease.relative);
    this.#unnumbered = [];
  }

  /** The lease of a new object. Throws `LimitError` when the numbers are used up. */
  lease(typeid: string, callable: boolean): Lease {
    if (this.#created === RANGE_SIZE - 1) this.#change();
    const number = ++this.#created;
    if (number > RANGE_SIZE / 2) this.#askNext();
    if (this.#current !== undefined) {
      return new Lease(this.#lessor, { id: this.#current * RANGE_SIZE + number, typeid, callable });
    }
    const id = this.#first === 0 ? 0 : this.#first * RANGE_SIZE + number;
    const lease = new Lease(this.#lessor, { id, relative: number, typeid, callable });
    if (id === 0) this.#unnumbered.push(lease);
    return lease;
  }

  #askNext(): void {
    if (this.#asksNext || this.#first === 0) return;
    this.#asksNext = true;
    this.#options.newRange().then(
      (range) => {
        this.#next = range;
      },
      (error: unknown) => {
        this.#options.warn(error as Error);
      },
    );
  }

  #change(): void {
    if (this.#next === undefined) {
      throw new LimitError(
        'Cannot create another object: the manager has not given new numbers yet',
      );
    }
    this.#current = this.#next;
    this.#next = undefined;
    this.#asksNext = false;
    this.#created = 0;
  }
}
