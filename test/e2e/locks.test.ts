// What a process held, or waited for, is given on when it is killed or leaves.
import {
  type ConditionProxy,
  LockError,
  type LockProxy,
  Manager,
  type SemaphoreProxy,
  release,
  tokenOf,
} from '../../src/index';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';

jest.setTimeout(30_000);

/** From the death of a holder to the next grant; the aim is 100. */
const AT_ONCE_MS = 300;

let manager: Manager;
let children: Child[];
let proxies: object[];

beforeEach(async () => {
  manager = new Manager({ limits: SHORT_LIMITS });
  children = [];
  proxies = [];
  await manager.start();
});

afterEach(async () => {
  for (const child of children) await child.kill();
  const held = async (): Promise<number> =>
    (await manager.inspect()).sessions.reduce((sum, { locks }) => sum + locks, 0);
  await until(async () => (await held()) === 0, 'no lock to be held');
  for (const proxy of proxies) release(proxy);
  await endManager(manager);
});

function shared<P extends object>(proxy: P): P {
  proxies.push(proxy);
  return proxy;
}

/** A process that has the object as `state.it`. */
async function childWith(proxy: object): Promise<Child> {
  const child = new Child();
  children.push(child);
  const token = await tokenOf(proxy);
  await child.run(({ revive }, state, text) => {
    state.it = revive({ '@referent': text });
  }, token);
  return child;
}

async function acquireIn(child: Child): Promise<number> {
  return child.run(async (_library, state) => {
    state.handle = await (state.it as LockProxy).acquire();
    return state.handle.fence as number;
  });
}

/** Starts to acquire; the answer is kept in the child. */
async function waitIn(
  child: Child,
  lock: LockProxy | SemaphoreProxy | ConditionProxy,
): Promise<void> {
  const waiting = /, (\d+) waiting/;
  const before = Number(waiting.exec(await lock.toStringRemote())?.[1] ?? 0);
  await child.run((_library, state) => {
    (state.it as LockProxy).acquire().then((handle) => (state.handle = handle), String);
  });
  await until(
    async () => Number(waiting.exec(await lock.toStringRemote())?.[1] ?? 0) > before,
    'the child to wait',
  );
}

test.each(['lock', 'rlock'] as const)(
  'a killed holder of a %s is followed at once',
  async (kind) => {
    const lock = shared(manager[kind]());
    const first = await childWith(lock);
    const fence = await acquireIn(first);
    const waiting = lock.acquire();
    await until(async () => (await lock.toStringRemote()).includes('1 waiting'), 'us to wait');
    const start = performance.now();
    await first.kill();
    const handle = await waiting;
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
    expect(handle.abandoned).toEqual({ fence, at: expect.any(Number) as number });
    expect(Math.abs(handle.abandoned!.at - Date.now())).toBeLessThan(5000);
    expect(handle.fence).toBeGreaterThan(fence);
    await handle.release();
    const next = await lock.acquire();
    expect(next.abandoned).toBeUndefined(); // it is told once
    await next.release();
  },
);

test('a killed waiter does not take its turn', async () => {
  const lock = shared(manager.lock());
  const [first, second] = [await childWith(lock), await childWith(lock)];
  const handle = await lock.acquire();
  await waitIn(first, lock);
  await waitIn(second, lock);
  await first.kill();
  await until(async () => (await lock.toStringRemote()).includes('1 waiting'), 'it to be gone');
  await handle.release();
  await until(
    () => second.run((_library, state) => state.handle !== undefined),
    'the other to have the lock',
  );
  expect(await second.run((_library, state) => state.handle.abandoned as unknown)).toBeUndefined();
  expect(await lock.tryAcquire()).toBeUndefined();
});

test.each(['semaphore', 'boundedSemaphore'] as const)(
  'the permits of a killed holder of a %s come back, once',
  async (kind) => {
    const semaphore = shared(manager[kind](3));
    const first = await childWith(semaphore);
    await first.run(async (_library, state) => {
      const it = state.it as SemaphoreProxy;
      state.kept = [await it.acquire(), await it.acquire(), await it.acquire()];
      await it.release(); // one of the three is no longer its own
    });
    expect(await semaphore.value()).toBe(1);
    await first.kill();
    await until(async () => (await semaphore.value()) === 3, 'the permits to be back', AT_ONCE_MS);
    const handle = await semaphore.acquire();
    expect(handle.abandoned).toBeDefined();
    await handle.release();
  },
);

test('a notified waiter that is killed passes the notification on', async () => {
  const condition = shared(manager.condition());
  const first = await childWith(condition);
  await first.run((_library, state) => {
    const it = state.it as ConditionProxy;
    void it.use(() => it.wait());
  });
  const asleep = async (count: number): Promise<unknown> =>
    until(async () => (await condition.toStringRemote()).includes(`${count} asleep`), 'sleep');
  await asleep(1);
  const woken = condition.use(() => condition.wait());
  await asleep(2);
  await condition.use(async () => {
    await condition.notify();
    await asleep(1);
    await first.kill(); // before it could have the lock
    await asleep(0);
  });
  expect(await woken).toBe(true);
});

test('one that has woken and is killed holding the lock passes it on too', async () => {
  const condition = shared(manager.condition());
  const first = await childWith(condition);
  await first.run((_library, state) => {
    const it = state.it as ConditionProxy;
    state.use = it.use(async () => {
      await it.wait();
      state.woken = true;
      await new Promise(() => undefined);
    });
  });
  const text = (part: string): Promise<unknown> =>
    until(async () => (await condition.toStringRemote()).includes(part), part);
  await text('1 asleep');
  let abandoned: unknown;
  const woken = condition.use(async (handle) => {
    const answer = await condition.wait();
    ({ abandoned } = handle);
    return answer;
  });
  await text('2 asleep');
  await condition.use(() => condition.notify());
  await until(
    () => first.run((_library, state) => state.woken === true),
    'the first to have woken',
  );
  await first.kill();
  expect(await woken).toBe(true);
  expect(abandoned).toBeDefined();
});

test("abandoned: 'reject' refuses what was left, until somebody asks for it", async () => {
  const lock = shared(manager.lock({ abandoned: 'reject' }));
  const first = await childWith(lock);
  const fence = await acquireIn(first);
  const waiting = lock.acquire();
  const refused = expect(waiting).rejects.toBeInstanceOf(LockError);
  await until(async () => (await lock.toStringRemote()).includes('1 waiting'), 'us to wait');
  await first.kill();
  await refused;
  await expect(lock.acquire()).rejects.toThrow("acquire it with { abandoned: 'grant' }");
  await expect(lock.acquire({ blocking: false })).rejects.toBeInstanceOf(LockError);
  await expect(lock.tryAcquire()).rejects.toBeInstanceOf(LockError);
  expect(await lock.toStringRemote()).toBe('Lock (abandoned)');
  const handle = await lock.acquire({ abandoned: 'grant' });
  expect(handle.abandoned?.fence).toBe(fence);
  await handle.release();
  await lock.use(() => undefined);
});

test('a client that closes leaves its locks as one that dies', async () => {
  const lock = shared(manager.lock());
  const other = Manager.connect(manager.address);
  const [, theirs] = [await other.start(), other.list<LockProxy>()];
  await theirs.push(lock);
  const handle = await (await theirs.get(0)).acquire();
  const { signal } = handle;
  const waiting = lock.acquire();
  expect(signal.aborted).toBe(false);
  await other.close();
  const next = await waiting;
  expect(next.abandoned?.fence).toBe(handle.fence);
  expect(signal.aborted).toBe(true);
  await expect(handle.release()).rejects.toMatchObject({
    code: expect.stringMatching(/CONNECTION_LOST|OBJECT_GONE/),
  });
  await next.release();
});

test('when the manager dies, who waits is told, and handles abort', async () => {
  const lock = manager.lock();
  const handle = await lock.acquire();
  const { signal } = handle;
  const waiting = expect(lock.acquire()).rejects.toMatchObject({
    code: 'ERR_REFERENT_MANAGER_DIED',
  });
  process.kill(manager.pid!, 'SIGKILL');
  await waiting;
  expect(signal.aborted).toBe(true);
  await manager.shutdown();
  manager = new Manager({ limits: SHORT_LIMITS });
  await manager.start();
});
