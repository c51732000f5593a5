// What a name is to stand for, while somebody makes it: who has the order, and who waits to see it
// carried out, or to get it.

import { type Caller } from '../session/caller';
import { Delivery } from '../session/delivery';
import { type Asked } from '../session/naming';
import { Wait, firstOf } from '../types/wait';

export class Making {
  readonly #nextOrder: () => number;
  readonly #over: () => void;
  /** The number of the order: who has lost it cannot carry it out. */
  #order: number;
  readonly #waits = new Set<Wait<Asked | Delivery>>();
  /** Its receiver's end no longer gives the order back. */
  #drop: (() => void) | undefined;

  /** `over` runs once, when nobody makes it any more. */
  constructor(nextOrder: () => number, over: () => void) {
    this.#nextOrder = nextOrder;
    this.#over = over;
    this.#order = nextOrder();
  }

  get order(): number {
    return this.#order;
  }

  /** The order for `caller`: it comes back where that never receives it, or ends. */
  give(caller: Caller): Delivery {
    const order = this.#order;
    const back = (): void => {
      if (this.#order === order) this.pass();
    };
    const holding = caller.hold(back);
    this.#drop = holding.drop;
    return new Delivery({ order }, (received) => {
      if (!received) back();
    });
  }

  /** Resolves with what it came to, or with the order. */
  wait(): Promise<Asked | Delivery> {
    const wait = new Wait<Asked | Delivery>(() => this.#waits.delete(wait));
    this.#waits.add(wait);
    return wait.promise;
  }

  /** Who had the order does not carry it out: the next one gets it. */
  pass(): void {
    this.#end();
    this.#order = 0;
    for (;;) {
      const next = firstOf(this.#waits);
      if (next === undefined) {
        this.#over();
        return;
      }
      this.#waits.delete(next);
      if (next.caller.ended) continue; // its wait ends with it
      this.#order = this.#nextOrder();
      next.wake(this.give(next.caller));
      return;
    }
  }

  /** It is there: whoever waits is told what it is, or why that is of no use. */
  done(typeid: () => string): void {
    this.#end();
    this.#order = 0;
    this.#over();
    for (const wait of this.#waits) tell(wait, typeid);
    this.#waits.clear();
  }

  #end(): void {
    this.#drop?.();
    this.#drop = undefined;
  }
}

function tell(wait: Wait<Asked | Delivery>, typeid: () => string): void {
  try {
    wait.wake(typeid());
  } catch (error) {
    wait.fail(error);
  }
}
