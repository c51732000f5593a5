// A lock that nobody else wants, acquired and released by promises.
import { expectEqual, runPeer, sequential } from '../measure';
import { loadReferent } from './library';

const nothing = (): void => undefined;

runPeer(async (sizes) => {
  const { Manager } = loadReferent();
  await using manager = new Manager();
  await manager.start();
  const lock = manager.lock();
  await lock.use(async () => {
    expectEqual(await lock.tryAcquire(), undefined, 'tryAcquire() of what is held');
  });
  const measures = {
    lock: await sequential(sizes, async () => {
      const handle = await lock.acquire();
      await handle.release();
    }),
    lockUse: await sequential(sizes, () => lock.use(nothing)),
  };
  expectEqual(await lock.locked(), false, 'locked() in the end');
  return { measures };
});
