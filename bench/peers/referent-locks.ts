// A lock that nobody else wants, acquired and released, by each face that a lock has.
import { blocking, expectEqual, runPeer, sequential } from '../measure';
import { loadReferent } from './library';

const nothing = (): void => undefined;

runPeer(async (sizes) => {
  const { Manager, sync } = loadReferent();
  await using manager = new Manager();
  await manager.start();
  const lock = manager.lock();
  const blockingLock = sync(lock);
  await lock.use(async () => {
    expectEqual(await lock.tryAcquire(), undefined, 'tryAcquire() of what is held');
  });
  const measures = {
    lock: await sequential(sizes, async () => {
      const handle = await lock.acquire();
      await handle.release();
    }),
    lockUse: await sequential(sizes, () => lock.use(nothing)),
    lockSync: await blocking(sizes, () => {
      using handle = blockingLock.acquire();
      return handle.fence;
    }),
  };
  expectEqual(await lock.locked(), false, 'locked() in the end');
  return { measures };
});
