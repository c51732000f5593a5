// What CPython's own tests assert of managers' locks, semaphores and conditions
// (Lib/test/_test_multiprocessing.py: _TestLock, _TestSemaphore, _TestCondition), case by case.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type LockHandle,
  LockError,
  Manager,
  NotOwnerError,
  type SemaphoreProxy,
  TimeoutError,
  release,
} from '../../src/index';
import { type Face, type Sleep, asyncFace, syncFace } from '../support/faces';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';

jest.setTimeout(60_000);

const TIMEOUT_MS = 100;
/** Enough for what must not happen to happen. */
const DELTA_MS = 50;

const manager = new Manager({ limits: SHORT_LIMITS });
const child = new Child();
let proxies: object[] = [];
function keep<P extends object>(proxy: P): P {
  proxies.push(proxy);
  return proxy;
}

afterEach(() => {
  for (const proxy of proxies) release(proxy);
  proxies = [];
});
afterAll(async () => {
  await child.kill();
  await until(async () => (await manager.inspect()).sessions.length === 1, 'the child to be gone');
  await endManager(manager);
});

const faces = [asyncFace(manager, keep), syncFace(manager, keep)];

describe.each<Face>(faces)('$name', (face) => {
  describe('_TestLock', () => {
    test('test_lock', async () => {
      const lock = face.lock();
      expect(await lock.acquire()).toBeDefined();
      expect(await lock.tryAcquire()).toBeUndefined();
      expect(await lock.release()).toBeUndefined();
      await refused(() => lock.release(), LockError);
    });

    test('test_rlock', async () => {
      const lock = face.rlock();
      const owner = 'this thread';
      for (let i = 0; i < 3; i++) expect(await lock.acquire({ owner })).toBeDefined();
      for (let i = 0; i < 3; i++) expect(await lock.release({ owner })).toBeUndefined();
      await refused(() => lock.release({ owner }), NotOwnerError);
    });

    test('test_lock_context', async () => {
      expect(await face.lock().use(() => 'inside')).toBe('inside');
    });
  });

  describe('_TestSemaphore', () => {
    async function countsDownAndUp(semaphore: SemaphoreProxy): Promise<void> {
      expect(await semaphore.value()).toBe(2);
      expect(await semaphore.acquire()).toBeDefined();
      expect(await semaphore.value()).toBe(1);
      expect(await semaphore.acquire()).toBeDefined();
      expect(await semaphore.value()).toBe(0);
      expect(await semaphore.tryAcquire()).toBeUndefined();
      expect(await semaphore.value()).toBe(0);
      expect(await semaphore.release()).toBeUndefined();
      expect(await semaphore.value()).toBe(1);
      expect(await semaphore.release()).toBeUndefined();
      expect(await semaphore.value()).toBe(2);
    }

    test('test_semaphore', async () => {
      const semaphore = face.semaphore(2);
      await countsDownAndUp(semaphore);
      expect(await semaphore.release()).toBeUndefined();
      expect(await semaphore.value()).toBe(3);
      expect(await semaphore.release()).toBeUndefined();
      expect(await semaphore.value()).toBe(4);
    });

    test('test_bounded_semaphore', async () => {
      const semaphore = face.boundedSemaphore(2);
      await countsDownAndUp(semaphore);
      await refused(() => semaphore.release(), LockError);
      expect(await semaphore.value()).toBe(2);
    });

    test('test_timeout', async () => {
      const semaphore = face.semaphore(0);
      expect(await semaphore.tryAcquire()).toBeUndefined();
      await refused(() => semaphore.acquire({ blocking: false }), TimeoutError);
      const start = performance.now();
      await refused(() => semaphore.acquire({ timeoutMs: TIMEOUT_MS }), TimeoutError);
      expect(performance.now() - start).toBeGreaterThanOrEqual(TIMEOUT_MS - 2);
    });
  });

  describe('_TestCondition', () => {
    test('test_timeout', async () => {
      const condition = face.condition();
      const handle: LockHandle = await condition.acquire();
      const start = performance.now();
      expect(await condition.wait({ timeoutMs: TIMEOUT_MS })).toBe(false);
      expect(performance.now() - start).toBeGreaterThanOrEqual(TIMEOUT_MS - 2);
      await handle.release();
    });
  });
});

describe('_TestCondition with others', () => {
  const face = asyncFace(manager, keep);

  interface Sleepers extends Sleep {
    readonly done: Promise<unknown>;
  }

  /** So many in this process and so many in another one, all asleep when it resolves. */
  async function asleep(each: number, before?: Sleep, timeoutMs?: number): Promise<Sleepers> {
    const condition = before?.condition ?? face.condition();
    const sleeping = before?.sleeping ?? face.semaphore(0);
    const woken = before?.woken ?? face.semaphore(0);
    const sleep = {
      condition,
      sleeping,
      woken,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    const done: Promise<void>[] = [];
    for (let i = 0; i < each; i++) {
      done.push(face.sleepInChild(child, sleep), face.sleepHere(sleep));
    }
    for (let i = 0; i < 2 * each; i++) await sleeping.acquire();
    return { ...sleep, done: Promise.all(done) };
  }

  async function reaches(woken: SemaphoreProxy, value: number): Promise<void> {
    await until(async () => (await woken.value()) === value, `${value} to be woken`);
    await sleep(DELTA_MS);
    expect(await woken.value()).toBe(value);
  }

  test('test_notify', async () => {
    const { condition, woken, done } = await asleep(1);
    await reaches(woken, 0);
    await condition.use(() => condition.notify());
    await reaches(woken, 1);
    await condition.use(() => condition.notify());
    await reaches(woken, 2);
    await done;
  });

  test('test_notify_all', async () => {
    const first = await asleep(3, undefined, TIMEOUT_MS);
    for (let i = 0; i < 6; i++) await first.woken.acquire();
    expect(await first.woken.value()).toBe(0);
    await first.done;
    const { condition, woken, done } = await asleep(3, { ...first });
    await reaches(woken, 0);
    await condition.use(() => condition.notifyAll());
    await reaches(woken, 6);
    await done;
  });

  test('test_notify_n', async () => {
    const { condition, woken, done } = await asleep(3);
    await reaches(woken, 0);
    await condition.use(() => condition.notify(2));
    await reaches(woken, 2);
    await condition.use(() => condition.notify(4));
    await reaches(woken, 6);
    await condition.use(() => condition.notify(3));
    expect(await woken.value()).toBe(6);
    await done;
  });

  test('test_waitfor', async () => {
    const condition = face.condition();
    const state = face.list([-1]);
    const other = condition.use(async () => {
      await state.set(0, 0);
      await condition.notify();
      return await condition.waitFor(async () => (await state.get(0)) === 4);
    });
    await condition.use(async () => {
      expect(await condition.waitFor(async () => (await state.get(0)) === 0)).toBe(true);
    });
    for (let i = 0; i < 4; i++) {
      await condition.use(async () => {
        await state.increment(0);
        await condition.notify();
      });
    }
    expect(await other).toBe(true);
    expect(await state.get(0)).toBe(4);
  });

  test('test_waitfor_timeout', async () => {
    const condition = face.condition();
    const state = face.list([0]);
    const start = performance.now();
    const other = condition.use(() =>
      condition.waitFor(async () => (await state.get(0)) === 4, { timeoutMs: TIMEOUT_MS }),
    );
    for (let i = 0; i < 3; i++) {
      await condition.use(async () => {
        await state.increment(0);
        await condition.notify();
      });
    }
    expect(await other).toBe(false);
    expect(performance.now() - start).toBeGreaterThanOrEqual(TIMEOUT_MS - 2);
  });

  test('test_wait_result', async () => {
    const condition = face.condition();
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const other = begun.then(() => condition.use(() => condition.notify()));
    await condition.use(async () => {
      expect(await condition.wait({ timeoutMs: 0 })).toBe(false);
      expect(await condition.wait({ timeoutMs: TIMEOUT_MS })).toBe(false);
      begin(); // it notifies when it has the lock: when we wait
      expect(await condition.wait({ timeoutMs: 60_000 })).toBe(true);
    });
    await other;
  });
});

/** By an error of that class, whether it comes at once or later. */
async function refused(call: () => unknown, type: new (text: string) => Error): Promise<void> {
  await expect((async () => await call())()).rejects.toBeInstanceOf(type);
}
