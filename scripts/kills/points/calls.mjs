// Killed in the middle of a call: half sent, blocked, iterating, or itself being called.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { sync } from 'referent';
import { says, until } from '../until.mjs';

const BIG_BYTES = 8 * 2 ** 20;
const TASK = { module: fileURLToPath(new URL('../tasks.mjs', import.meta.url)), export: 'endless' };

export const calls = {
  'in the middle of a message of 8 MiB': {
    share: (manager) => ({ list: manager.list() }),
    async client({ list }, { there, hears }) {
      await list.length;
      void list.push(Buffer.alloc(BIG_BYTES));
      setImmediate(() => {
        there(); // what the socket took has left, and the rest never does
        hears();
      });
    },
    async check({ list }, victim) {
      victim.kill();
      await victim.gone();
      assert.equal(await list.length, 0);
    },
  },

  'in the middle of an answer of 8 MiB': {
    share: (manager) => ({ list: manager.list() }),
    before: async ({ list }) => void (await list.push(Buffer.alloc(BIG_BYTES))),
    async client({ list }, { there, hears }) {
      await list.length;
      void list.get(0);
      setImmediate(() => {
        there();
        hears();
      });
    },
    async check({ list }, victim) {
      assert.equal(await list.length, 1);
      victim.kill();
      await victim.gone();
      assert.equal(await list.length, 1);
    },
  },

  'inside of a function that the manager called': {
    share: (manager) => ({ caller: manager.create('Caller') }),
    async client({ caller }, { there, hears }) {
      await caller.keep(() => {
        there();
        hears();
      });
      void caller.run();
    },
    async check({ caller }, victim) {
      const calling = async () => void (await caller.run());
      const called = assert.rejects(calling(), { code: 'ERR_REFERENT_CONNECTION_LOST' });
      victim.kill();
      await called;
      await assert.rejects(calling());
    },
  },

  'in a sync call that waits, over FIFOs': {
    share: (manager) => ({ event: manager.event() }),
    async client({ event }, { there }) {
      there();
      sync(event).wait();
    },
    async check({ event }, victim, stage) {
      await says(event, '1 wait');
      assert.ok(victim.hasFifoIn(stage.directory));
      victim.kill();
      await says(event, '0 wait');
    },
  },

  'in a sync call, with a lock held by using': {
    share: (manager) => ({ lock: manager.lock(), event: manager.event() }),
    async client({ lock, event }, { there }) {
      there();
      // What `using handle = …` does, for a Node that does not know it.
      const handle = sync(lock).acquire();
      try {
        sync(event).wait();
      } finally {
        handle[Symbol.dispose]();
      }
    },
    async check({ lock, event }, victim) {
      await says(event, '1 wait');
      const next = lock.acquire();
      await says(lock, '1 waiting');
      victim.kill();
      const handle = await next;
      assert.ok(handle.abandoned);
      await handle.release();
      await says(event, '0 wait');
    },
  },

  'in the middle of iterating': {
    isLate: true,
    share: (manager) => ({ list: manager.list(Array.from({ length: 5000 }, (_, i) => i)) }),
    async client({ list }, { there, hears }) {
      for await (const item of list.values({ batch: 10 })) {
        if (item < 20) continue;
        there();
        hears();
      }
    },
    async check({ list }, victim, stage) {
      await stage.holds(2); // the list, and the iterator
      victim.kill();
      await stage.holds(1);
      assert.equal(await list.length, 5000);
    },
  },

  'while a task of its pool runs': {
    isLate: true,
    async client(shared, { there, connect }) {
      const pool = (await connect()).pool(1);
      void pool.apply(TASK, [() => there()]);
      return pool;
    },
    async check(shared, victim, stage) {
      assert.equal(stage.workers.length, 1);
      victim.kill();
      await until(() => stage.workers.length === 0, 'its worker to end');
    },
  },

  'while a task of its runs in a pool of ours': {
    share: (manager) => ({ pool: manager.pool(1) }),
    async client({ pool }, { there }) {
      void pool.apply(TASK, [() => there()]);
    },
    async check({ pool }, victim) {
      const next = pool.apply({ ...TASK, export: 'short' }, [7]);
      victim.kill();
      assert.equal(await next, 7); // the task was told that nobody waits
    },
  },
};
