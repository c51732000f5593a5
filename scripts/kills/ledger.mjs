// Keeps account of the items of a queue, which are numbered as they are put: nothing is got twice,
// nothing comes back unmarked, and in the end nothing is missing.
import assert from 'node:assert/strict';

export class Ledger {
  #queue;
  #totals;
  /** Those that nobody has for good, and whether somebody had them. */
  #open = new Map();
  #put = 0;

  constructor(queue, totals) {
    this.#queue = queue;
    this.#totals = totals;
  }

  async put(count) {
    for (let i = 0; i < count; i++) {
      const item = this.#put++;
      this.#totals.put++;
      this.#open.set(item, false);
      await this.#queue.put(item);
    }
  }

  /** Somebody has had it: if it comes again, it is marked. */
  given(item) {
    assert.ok(this.#open.has(item), `item ${item} was given out after it was done`);
    assert.ok(!this.#open.get(item), `item ${item} was given out twice`);
    this.#open.set(item, true);
  }

  /** Somebody has it for good. */
  done(item) {
    assert.ok(this.#open.delete(item), `item ${item} was got twice`);
  }

  /** Gets one: that one, where it is told. Answers whether it came back from somebody. */
  async take(expected) {
    const taken = await this.#queue.take({ timeoutMs: 2000 });
    const { item, redelivered } = taken;
    if (expected !== undefined) assert.equal(item, expected);
    assert.ok(redelivered || !this.#open.get(item), `item ${item} came back unmarked`);
    if (redelivered) this.#totals.redelivered++;
    await taken.ack();
    this.done(item);
    return redelivered;
  }

  /** The rest of the queue. Then all are accounted for; so many may be with somebody who had them. */
  async close({ kept = 0 } = {}) {
    while (!(await this.#queue.empty())) await this.take();
    const open = [...this.#open];
    const lost = open.filter(([, wasGiven]) => !wasGiven).map(([item]) => item);
    assert.deepEqual(lost, [], 'items were lost');
    assert.ok(open.length <= kept, `of ${open.length} items nobody knows who has them`);
  }
}
