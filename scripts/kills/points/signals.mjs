// Killed in a condition, an event or a barrier, for which others wait too.
import assert from 'node:assert/strict';
import { says } from '../until.mjs';

const shareCondition = (manager) => ({ condition: manager.condition() });

async function sleepInCondition({ condition }, { there }) {
  there();
  await condition.use(() => condition.wait());
}

/** The parent sleeps too, behind the client. */
async function sleepBehind(condition) {
  await says(condition, '1 asleep');
  let abandoned;
  const woken = condition.use(async (handle) => {
    const answer = await condition.wait();
    ({ abandoned } = handle);
    return answer;
  });
  await says(condition, '2 asleep');
  return async () => ({ answer: await woken, abandoned });
}

export const signals = {
  'waiting in a condition': {
    share: shareCondition,
    client: sleepInCondition,
    async check({ condition }, victim) {
      const woken = await sleepBehind(condition);
      victim.kill();
      await says(condition, '1 asleep');
      await condition.use(() => condition.notify());
      assert.deepEqual(await woken(), { answer: true, abandoned: undefined });
    },
  },

  'notified, and waiting for the lock': {
    share: shareCondition,
    client: sleepInCondition,
    async check({ condition }, victim) {
      const woken = await sleepBehind(condition);
      await condition.use(async () => {
        await condition.notify();
        await says(condition, '1 waiting), 1 asleep');
        victim.kill();
        await says(condition, '1 waiting), 0 asleep'); // it was passed on
      });
      assert.deepEqual(await woken(), { answer: true, abandoned: undefined });
    },
  },

  'notified and given the lock, which it has not read': {
    share: shareCondition,
    client: sleepInCondition,
    async check({ condition }, victim) {
      const woken = await sleepBehind(condition);
      await victim.stop();
      await condition.use(() => condition.notify());
      await says(condition, '(held), 1 asleep');
      victim.kill();
      const { answer, abandoned } = await woken();
      assert.ok(answer && abandoned);
    },
  },

  'woken, and holding the lock': {
    share: shareCondition,
    async client({ condition }, { there }) {
      there();
      await condition.use(async () => {
        await condition.wait();
        there('woken');
        await new Promise(() => undefined);
      });
    },
    async check({ condition }, victim) {
      const woken = await sleepBehind(condition);
      await condition.use(() => condition.notify());
      assert.equal(await victim.says(), 'woken');
      victim.kill();
      const { answer, abandoned } = await woken();
      assert.ok(answer && abandoned);
    },
  },

  'waiting for an event': {
    share: (manager) => ({ event: manager.event() }),
    async client({ event }, { there }) {
      there();
      await event.wait();
    },
    async check({ event }, victim) {
      await says(event, '1 wait');
      const here = event.wait();
      await says(event, '2 wait');
      victim.kill();
      await says(event, '1 wait');
      await event.set();
      assert.equal(await here, true);
    },
  },

  'waiting in a barrier, the fourth of five': {
    share: (manager) => ({ barrier: manager.barrier(5) }),
    async client({ barrier }, { there }) {
      there();
      await barrier.wait();
    },
    async check({ barrier }, victim) {
      const here = Array.from({ length: 3 }, () => barrier.wait());
      const broken = here.map((wait) => assert.rejects(wait, { name: 'BrokenBarrierError' }));
      await says(barrier, '4 of 5 wait');
      victim.kill();
      await Promise.all(broken);
      assert.equal(await barrier.broken, true);
      await barrier.reset();
      await says(barrier, '0 of 5 wait');
    },
  },
};
