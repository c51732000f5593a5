// Killed with a lock or permits, while waiting for them, and in between.
import assert from 'node:assert/strict';
import { says } from '../until.mjs';

const shareLock = (manager) => ({ lock: manager.lock() });
const shareSemaphore = (manager) => ({ semaphore: manager.boundedSemaphore(5) });

async function waitForLock({ lock }, { there }) {
  there();
  return lock.acquire();
}

/** The parent has it first. */
const holdLock = async ({ lock }) => ({ handle: await lock.acquire() });

async function nextHasIt(lock, victim) {
  const next = lock.acquire();
  await says(lock, '1 waiting');
  victim.kill();
  const handle = await next;
  assert.ok(handle.abandoned);
  await handle.release();
  assert.equal(await lock.locked(), false);
}

export const locks = {
  'holding a lock': {
    share: shareLock,
    async client({ lock }, { there }) {
      const handle = await lock.acquire();
      there(handle.fence);
      return handle;
    },
    check: ({ lock }, victim) => nextHasIt(lock, victim),
  },

  'holding an rlock three times': {
    share: (manager) => ({ lock: manager.rlock() }),
    async client({ lock }, { there }) {
      const handles = [];
      for (let level = 1; level <= 3; level++) handles.push(await lock.acquire({ owner: 'me' }));
      there();
      return handles;
    },
    async check({ lock }, victim) {
      await says(lock, 'held 3 times');
      await nextHasIt(lock, victim);
    },
  },

  'waiting for a lock': {
    share: shareLock,
    before: holdLock,
    client: waitForLock,
    async check({ lock, handle }, victim) {
      await says(lock, '1 waiting');
      victim.kill();
      await says(lock, 'Lock (held)');
      await handle.release();
      assert.equal(await lock.locked(), false);
    },
  },

  'waiting for a lock between two others': {
    share: shareLock,
    async before({ lock }) {
      const handle = await lock.acquire();
      return { handle, first: lock.acquire() };
    },
    client: waitForLock,
    async check({ lock, handle, first }, victim) {
      await says(lock, '2 waiting');
      const last = lock.acquire();
      await says(lock, '3 waiting');
      victim.kill();
      await says(lock, '2 waiting');
      for (const turn of [handle, first, last]) {
        assert.equal((await turn).abandoned, undefined);
        await (await turn).release();
      }
    },
  },

  'granted a lock, which it has not read': {
    share: shareLock,
    before: holdLock,
    client: waitForLock,
    async check({ lock, handle }, victim) {
      await says(lock, '1 waiting');
      await victim.stop();
      await handle.release();
      await nextHasIt(lock, victim);
    },
  },

  'holding three of five permits': {
    share: shareSemaphore,
    async client({ semaphore }, { there }) {
      const handles = [];
      for (let i = 0; i < 3; i++) handles.push(await semaphore.acquire());
      there();
      return handles;
    },
    async check({ semaphore }, victim) {
      assert.equal(await semaphore.value(), 2);
      const all = Array.from({ length: 5 }, () => semaphore.acquire());
      await says(semaphore, '3 waiting');
      victim.kill();
      const handles = await Promise.all(all);
      assert.equal(handles.filter(({ abandoned }) => abandoned).length, 3);
      for (const handle of handles) await handle.release();
      assert.equal(await semaphore.value(), 5);
    },
  },

  'waiting for a semaphore': {
    share: shareSemaphore,
    async before({ semaphore }) {
      const handles = [];
      for (let i = 0; i < 5; i++) handles.push(await semaphore.acquire());
      return { handles };
    },
    async client({ semaphore }, { there }) {
      there();
      return semaphore.acquire();
    },
    async check({ semaphore, handles }, victim) {
      await says(semaphore, '1 waiting');
      victim.kill();
      await says(semaphore, '(0 free)');
      for (const handle of handles) await handle.release();
      assert.equal(await semaphore.value(), 5);
    },
  },
};
