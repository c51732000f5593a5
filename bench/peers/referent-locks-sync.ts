// The same lock, acquired and released by a thread that blocks: what Python's `with lock:` does.
import { blocking, expectEqual, runPeer } from '../measure';
import { loadReferent } from './library';

runPeer(async (sizes) => {
  const { Manager, sync } = loadReferent();
  await using manager = new Manager();
  const lock = sync(manager).lock();
  {
    using _held = lock.acquire();
    expectEqual(lock.tryAcquire(), undefined, 'tryAcquire() of what is held');
  }
  const lockSync = await blocking(sizes, () => {
    using handle = lock.acquire();
    return handle.fence;
  });
  expectEqual(lock.locked(), false, 'locked() in the end');
  return { measures: { lockSync } };
});
