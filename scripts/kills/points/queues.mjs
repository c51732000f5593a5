// Killed with items of a queue: in hand, on their way, or waited for.
//
// Nobody sees from outside who waits in a queue. So the client waits for an event too, sent behind
// what it does with the queue: when it is seen to wait, the rest has come; when it no longer is, the
// manager has taken its end.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { says } from '../until.mjs';

const waits = (end) => says(end, '1 wait');
const hasEnded = (end) => says(end, '0 wait');

function shareQueue(maxSize) {
  return (manager) => ({ queue: manager.queue(maxSize), end: manager.event() });
}

/** With so many items in it. */
function withItems(count) {
  return async ({ queue }, stage) => {
    const ledger = stage.ledger(queue);
    await ledger.put(count);
    return { ledger };
  };
}

/** A client that starts this, and waits. */
function doing(start) {
  return async ({ queue, end }, { there }) => {
    const started = start(queue);
    void end.wait();
    there();
    return started;
  };
}

async function stopBeforeItReads({ queue, end, ledger }, victim) {
  await waits(end);
  await victim.stop();
  await ledger.put(2);
  ledger.given(0);
  assert.equal(await queue.size(), 1); // the other one is on its way
  const next = ledger.take(); // 1, while 0 is away
  assert.equal(await next, false);
  const waiting = ledger.take(0);
  victim.kill();
  assert.equal(await waiting, true);
  await ledger.close();
}

export const queues = {
  'waiting in queue.get': {
    share: shareQueue(),
    before: withItems(0),
    client: doing((queue) => queue.get()),
    async check({ end, ledger }, victim) {
      await waits(end);
      victim.kill();
      await hasEnded(end);
      await ledger.put(2);
      assert.equal(await ledger.take(0), false);
      assert.equal(await ledger.take(1), false);
      await ledger.close();
    },
  },

  'an item on its way to queue.get': {
    share: shareQueue(),
    before: withItems(0),
    client: doing((queue) => queue.get()),
    check: stopBeforeItReads,
  },

  'an item on its way to queue.take': {
    share: shareQueue(),
    before: withItems(0),
    client: doing((queue) => queue.take()),
    check: stopBeforeItReads,
  },

  'items taken and not acknowledged': {
    share: shareQueue(),
    before: withItems(4),
    async client({ queue, end }, { there }) {
      const taken = [await queue.take(), await queue.take(), await queue.take()];
      await taken[1].ack();
      void end.wait();
      there();
      return taken;
    },
    async check({ end, ledger }, victim) {
      for (const item of [0, 1, 2]) ledger.given(item);
      ledger.done(1);
      await waits(end);
      victim.kill();
      await hasEnded(end);
      assert.deepEqual(
        [await ledger.take(0), await ledger.take(2), await ledger.take(3)],
        [true, true, false],
      );
      await ledger.close();
    },
  },

  'waiting in queue.put of a full queue': {
    share: shareQueue(2),
    before: withItems(2),
    client: doing((queue) => queue.put('never')),
    async check({ queue, end, ledger }, victim) {
      await waits(end);
      const behind = ledger.put(1);
      victim.kill();
      await hasEnded(end);
      assert.equal(await ledger.take(0), false);
      await behind;
      assert.deepEqual(await queue._getValue(), [1, 2]);
      await ledger.close();
    },
  },

  'at any moment of taking and acknowledging': {
    share: shareQueue(),
    before: withItems(200),
    async client({ queue, end }, { there }) {
      void end.wait();
      there();
      for (;;) {
        const taken = await queue.take();
        there({ taken: taken.item });
        await taken.ack();
        there({ done: taken.item });
      }
    },
    async check({ end, ledger }, victim) {
      await killAtAnyMoment(end, victim);
      for (const { taken, done } of victim.said) {
        if (done === undefined) ledger.given(taken);
        else ledger.done(done);
      }
      await ledger.close({ kept: 1 }); // the last may have been acknowledged, and it did not learn that
    },
  },

  'at any moment of getting': {
    share: shareQueue(),
    before: withItems(200),
    async client({ queue, end }, { there }) {
      void end.wait();
      there();
      for (;;) there({ got: await queue.get() });
    },
    async check({ end, ledger }, victim) {
      await killAtAnyMoment(end, victim);
      for (const { got } of victim.said) ledger.given(got);
      await ledger.close({ kept: victim.said.length }); // what it got died with it
    },
  },
};

async function killAtAnyMoment(end, victim) {
  await waits(end);
  await sleep(Math.random() * 8);
  victim.kill();
  await victim.gone();
  await hasEnded(end);
}
