// What CPython asserts of conditions whose sleepers block: _TestCondition of
// Lib/test/_test_multiprocessing.py with six processes, each of which sleeps behind the face of the
// case. (Sleepers that are tasks of one process: locks.test.ts.)
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConditionProxy, type SemaphoreProxy } from '../../src/index';
import { until } from '../support/until';
import { expectNothingShared, onStage } from './stage';

jest.setTimeout(90_000);

const SLEEPERS = 6;
const TIMEOUT_MS = 100;
/** Enough for what must not happen to happen. */
const DELTA_MS = 50;

interface Sleep {
  readonly condition: ConditionProxy;
  readonly sleeping: SemaphoreProxy;
  readonly woken: SemaphoreProxy;
  readonly timeoutMs: number | null;
}

onStage(SLEEPERS, ({ face, shared, manager, inChild, inChildren }) => {
  afterEach(() => expectNothingShared(manager));

  /** Each of so many processes sleeps once; resolves when they do, with what they answer when they have woken. */
  async function asleep(count: number, sleepers: Sleep): Promise<{ done: Promise<boolean[]> }> {
    const done = inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        const held = await it.condition.acquire();
        await it.sleeping.release();
        const told = await it.condition.wait(
          it.timeoutMs === null ? {} : { timeoutMs: it.timeoutMs },
        );
        await it.woken.release();
        await held.release();
        return told;
      },
      sleepers,
      count,
    );
    await until(async () => (await sleepers.sleeping.value()) === count, 'all to sleep');
    for (let i = 0; i < count; i++) await sleepers.sleeping.acquire();
    return { done };
  }

  async function reaches(woken: SemaphoreProxy, value: number): Promise<void> {
    await until(async () => (await woken.value()) === value, `${String(value)} to be woken`);
    await sleep(DELTA_MS);
    expect(await woken.value()).toBe(value);
  }

  /** With the lock held, as `with cond:` in Python. */
  async function tell(
    condition: ConditionProxy,
    what: (condition: ConditionProxy) => Promise<void>,
  ): Promise<void> {
    const held = await condition.acquire();
    await what(condition);
    await held.release();
  }

  test('test_notify', async () => {
    using condition = shared.condition();
    using sleeping = shared.semaphore(0);
    using woken = shared.semaphore(0);
    const { done } = await asleep(2, { condition, sleeping, woken, timeoutMs: null });
    await reaches(woken, 0);
    await tell(condition, (it) => it.notify());
    await reaches(woken, 1);
    await tell(condition, (it) => it.notify());
    await reaches(woken, 2);
    expect(await done).toEqual([true, true]);
  });

  test('test_notify_all: six whose time runs out, then six that are told', async () => {
    using condition = shared.condition();
    using sleeping = shared.semaphore(0);
    using woken = shared.semaphore(0);
    const hasty = { condition, sleeping, woken, timeoutMs: TIMEOUT_MS };
    expect(await (await asleep(SLEEPERS, hasty)).done).toEqual(Array(SLEEPERS).fill(false));
    expect(await woken.value()).toBe(SLEEPERS);
    for (let i = 0; i < SLEEPERS; i++) await woken.acquire();

    const { done } = await asleep(SLEEPERS, { condition, sleeping, woken, timeoutMs: null });
    await reaches(woken, 0);
    await tell(condition, (it) => it.notifyAll());
    await reaches(woken, SLEEPERS);
    expect(await done).toEqual(Array(SLEEPERS).fill(true));
  });

  test('test_notify_n', async () => {
    using condition = shared.condition();
    using sleeping = shared.semaphore(0);
    using woken = shared.semaphore(0);
    const { done } = await asleep(SLEEPERS, { condition, sleeping, woken, timeoutMs: null });
    await reaches(woken, 0);
    await tell(condition, (it) => it.notify(2));
    await reaches(woken, 2);
    await tell(condition, (it) => it.notify(4));
    await reaches(woken, 6);
    await tell(condition, (it) => it.notify(3)); // nobody is there
    await reaches(woken, 6);
    expect(await done).toEqual(Array(SLEEPERS).fill(true));
  });

  test('test_waitfor', async () => {
    using condition = shared.condition();
    using state = shared.value(-1);
    const other = inChild(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        const held = await it.condition.acquire();
        await it.state.set(0);
        await it.condition.notify();
        // Asked here, with the lock held; behind the blocking face the answer is there at once.
        const isFour = (): boolean | Promise<boolean> => {
          const value = it.state.get() as unknown as number | Promise<number>;
          return typeof value === 'number' ? value === 4 : value.then((now) => now === 4);
        };
        const result = await it.condition.waitFor(isFour);
        await held.release();
        return result && (await it.state.get()) === 4;
      },
      { condition, state },
    );
    // Awaited, because a thread that blocks cannot hear of what fails in the other process.
    await until(async () => (await state.get()) === 0, 'the other to begin');
    for (let i = 0; i < 4; i++) {
      await sleep(10);
      await tell(condition, async (it) => {
        await state.increment();
        await it.notify();
      });
    }
    expect(await other).toBe(true);
  });

  test('test_waitfor here, told by another process', async () => {
    using condition = shared.condition();
    using state = shared.value(-1);
    const held = await condition.acquire();
    const other = inChild(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        const mine = await it.condition.acquire();
        await it.state.set(0);
        await it.condition.notify();
        await mine.release();
      },
      { condition, state },
    );
    const isZero = (): boolean => (state.get() as unknown) === 0;
    const isZeroLater = async (): Promise<boolean> => (await state.get()) === 0;
    expect(await condition.waitFor(face === 'sync' ? isZero : isZeroLater)).toBe(true);
    await held.release();
    await other;
  });

  test('test_waitfor_timeout', async () => {
    using condition = shared.condition();
    using state = shared.value(0);
    using waiting = shared.event();
    const other = inChild(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        const held = await it.condition.acquire();
        await it.waiting.set();
        const start = performance.now();
        const result = await it.condition.waitFor(() => false, { timeoutMs: 200 });
        const waited = performance.now() - start;
        await held.release();
        return [result, waited >= 198 && waited < 30_000];
      },
      { condition, state, waiting },
    );
    await waiting.wait();
    for (let i = 0; i < 3; i++) {
      await tell(condition, async (it) => {
        await state.increment();
        await it.notify();
      });
    }
    expect(await other).toEqual([false, true]);
  });

  test('test_wait_result', async () => {
    using condition = shared.condition();
    const held = await condition.acquire();
    expect(await condition.wait({ timeoutMs: 0 })).toBe(false);
    expect(await condition.wait({ timeoutMs: TIMEOUT_MS })).toBe(false);
    const other = inChild(
      async (_lib, { open }, argument) => {
        const it = open(argument).condition;
        const mine = await it.acquire(); // it has the lock when we sleep
        await it.notify();
        await mine.release();
      },
      { condition },
    );
    expect(await condition.wait({ timeoutMs: 60_000 })).toBe(true);
    await held.release();
    await other;
  });

  test('who does not hold the lock may neither wait nor notify', async () => {
    using condition = shared.condition();
    for (const call of [
      async () => condition.wait(),
      async () => condition.notify(),
      async () => condition.notifyAll(),
    ]) {
      await expect(call()).rejects.toMatchObject({ name: 'LockError' });
    }
  });
});
