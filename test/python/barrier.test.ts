// What CPython asserts of barriers: _TestBarrier of Lib/test/_test_multiprocessing.py, for managers.
// Five processes run the same lines.
import { type BarrierProxy, type ListProxy, type Manager, release } from '../../src/index';
import { expectNothingShared, onStage } from './stage';

const N = 5;

jest.setTimeout(60_000);

onStage(N, ({ manager, inChildren }) => {
  const made: object[] = [];

  function mine<T extends object>(proxy: T): T {
    made.push(proxy);
    return proxy;
  }
  const list = (): ListProxy<boolean> => mine(manager.list<boolean>());
  const barrierOf = (...args: Parameters<Manager['barrier']>): BarrierProxy =>
    mine(manager.barrier(...args));

  afterEach(async () => {
    for (const proxy of made.splice(0)) release(proxy);
    await expectNothingShared(manager);
  });

  test.each([1, 10])('all pass it in step, %d times', async (passes) => {
    const faults = await inChildren(
      async (_lib, { open }, argument) => {
        const { barrier, before, after, times } = open(argument);
        const wrong: string[] = [];
        const parties = await barrier.parties;
        for (let i = 0; i < times; i++) {
          await before.push(true);
          if ((await after.length) !== i * parties) wrong.push(`after, pass ${i}`);
          await barrier.wait();
          await after.push(true);
          if ((await before.length) !== (i + 1) * parties) wrong.push(`before, pass ${i}`);
          await barrier.wait();
        }
        if ((await barrier.nWaiting) !== 0) wrong.push('some wait');
        if (await barrier.broken) wrong.push('it is broken');
        return wrong;
      },
      { barrier: barrierOf(N), before: list(), after: list(), times: passes },
    );
    expect(faults.flat()).toEqual([]);
  });

  test('wait answers a different number to each', async () => {
    const indices = await inChildren((_lib, { open }, argument) => open(argument).barrier.wait(), {
      barrier: barrierOf(N),
    });
    expect([...indices].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  test('action: it has run once when they go on', async () => {
    const results = list();
    const barrier = barrierOf(N, { action: () => results.push(true) });
    const lengths = await inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        await it.barrier.wait();
        return await it.results.length;
      },
      { barrier, results },
    );
    expect(lengths).toEqual([1, 1, 1, 1, 1]);
  });

  test('abort: the others get BrokenBarrierError', async () => {
    const barrier = barrierOf(N);
    const fates = await inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        try {
          if ((await it.barrier.wait()) === 2) {
            await it.barrier.abort();
            return 'aborted';
          }
          await it.barrier.wait();
          return 'passed';
        } catch (error) {
          return (error as Error).name;
        }
      },
      { barrier },
    );
    expect([...fates].sort()).toEqual([...Array(4).fill('BrokenBarrierError'), 'aborted']);
    await expect(barrier.broken).resolves.toBe(true);
  });

  test('reset: those who wait get BrokenBarrierError, and then all pass it', async () => {
    const barrier = barrierOf(N);
    const fates = await inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        let fate = 'reset it';
        if ((await it.barrier.wait()) === 2) {
          while ((await it.barrier.nWaiting) < 4)
            await new Promise((resolve) => setImmediate(resolve));
          await it.barrier.reset();
        } else {
          try {
            await it.barrier.wait();
            fate = 'passed';
          } catch (error) {
            fate = (error as Error).name;
          }
        }
        await it.barrier.wait();
        return fate;
      },
      { barrier },
    );
    expect([...fates].sort()).toEqual([...Array(4).fill('BrokenBarrierError'), 'reset it']);
    await expect(barrier.broken).resolves.toBe(false);
  });

  test('abort and reset: a broken barrier can be used again', async () => {
    const fates = await inChildren(
      async (_lib, { open }, argument) => {
        const { barrier, other } = open(argument);
        let fate = 'aborted';
        try {
          if ((await barrier.wait()) === 2) await barrier.abort();
          else {
            await barrier.wait();
            fate = 'passed';
          }
        } catch (error) {
          fate = (error as Error).name;
        }
        // All have left it when it is reset, and none comes before.
        if ((await other.wait()) === 2) await barrier.reset();
        await other.wait();
        await barrier.wait();
        return fate;
      },
      { barrier: barrierOf(N), other: barrierOf(N) },
    );
    expect([...fates].sort()).toEqual([...Array(4).fill('BrokenBarrierError'), 'aborted']);
  });

  test.each([
    ['of wait()', undefined, 50],
    ['of the barrier', 50, undefined],
  ])('the timeout %s: one is late, all get BrokenBarrierError', async (_name, own, given) => {
    const barrier = barrierOf(N, { timeoutMs: own });
    const fates = await inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        const index = await it.barrier.wait({ timeoutMs: 30_000 });
        if (index === 2) {
          while (!(await it.barrier.broken)) await new Promise((resolve) => setTimeout(resolve, 5));
        }
        try {
          await it.barrier.wait(it.given === null ? {} : { timeoutMs: it.given });
          return 'passed';
        } catch (error) {
          return (error as Error).name;
        }
      },
      { barrier, given: given ?? null },
    );
    expect(fates).toEqual(Array(5).fill('BrokenBarrierError'));
  });

  test('a single party passes at once', async () => {
    const barrier = barrierOf(1);
    await expect(barrier.wait()).resolves.toBe(0);
    await expect(barrier.wait()).resolves.toBe(0);
  });

  test('a thousand passes', async () => {
    await inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        for (let i = 0; i < 1000; i++) await it.barrier.wait();
      },
      { barrier: barrierOf(N) },
    );
  });
});
