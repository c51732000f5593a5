// What CPython asserts of queues and events: _TestQueue, _TestJoinableQueue and _TestEvent of
// Lib/test/_test_multiprocessing.py, for managers.
import { type BlockingOptions, release } from '../../src/index';
import { expectNothingShared, onStage } from './stage';

const TIMEOUT = 50;

jest.setTimeout(60_000);

onStage(4, ({ manager, inChildren }) => {
  const made: object[] = [];

  function mine<T extends object>(proxy: T): T {
    made.push(proxy);
    return proxy;
  }

  afterEach(async () => {
    for (const proxy of made.splice(0)) release(proxy);
    await expectNothingShared(manager);
  });

  /** Every way to ask: its options, and how long it waits at least. */
  const WAYS: readonly (readonly [string, BlockingOptions | undefined, number])[] = [
    ['no blocking', { blocking: false }, 0],
    ['no blocking, no time', { blocking: false, timeoutMs: undefined }, 0],
    ['a time of 0', { timeoutMs: 0 }, 0],
    ['a time', { timeoutMs: TIMEOUT }, TIMEOUT],
    ['blocking and a time', { blocking: true, timeoutMs: TIMEOUT }, TIMEOUT],
  ];

  test('put: every way to ask, into a queue with room and into a full one', async () => {
    const queue = mine(manager.queue<number>(6));
    const childCanStart = mine(manager.event());
    const parentCanContinue = mine(manager.event());
    const getting = inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        await it.childCanStart.wait();
        for (let i = 0; i < 6; i++) await it.queue.get();
        await it.parentCanContinue.set();
      },
      { queue, childCanStart, parentCanContinue },
      1,
    );
    await expect(queue.empty()).resolves.toBe(true);
    await expect(queue.full()).resolves.toBe(false);
    await queue.put(1);
    await queue.put(2, { blocking: true });
    await queue.put(3, { blocking: true, timeoutMs: undefined });
    await queue.put(4, { blocking: false });
    await queue.put(5, { blocking: false, timeoutMs: undefined });
    await queue.putNowait(6);
    await expect(queue.empty()).resolves.toBe(false);
    await expect(queue.full()).resolves.toBe(true);

    for (const [, options, waits] of WAYS) {
      const start = performance.now();
      await expect(queue.put(7, options)).rejects.toMatchObject({ name: 'QueueFullError' });
      expect(performance.now() - start).toBeGreaterThanOrEqual(waits - 2);
    }
    await expect(queue.putNowait(7)).rejects.toMatchObject({ name: 'QueueFullError' });

    await childCanStart.set();
    await parentCanContinue.wait();
    await expect(queue.empty()).resolves.toBe(true);
    await expect(queue.full()).resolves.toBe(false);
    await getting;
  });

  test('get: every way to ask, from a queue with items and from an empty one', async () => {
    const queue = mine(manager.queue<number>());
    await inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        for (const item of [2, 3, 4, 5]) await it.queue.put(item);
      },
      { queue },
      1,
    );
    await expect(queue.empty()).resolves.toBe(false);
    await expect(queue.get({ blocking: true, timeoutMs: undefined })).resolves.toBe(2);
    await expect(queue.get({ blocking: true })).resolves.toBe(3);
    await expect(queue.get({ timeoutMs: 1000 })).resolves.toBe(4);
    await expect(queue.getNowait()).resolves.toBe(5);
    await expect(queue.empty()).resolves.toBe(true);

    for (const [, options, waits] of WAYS) {
      const start = performance.now();
      await expect(queue.get(options)).rejects.toMatchObject({ name: 'QueueEmptyError' });
      expect(performance.now() - start).toBeGreaterThanOrEqual(waits - 2);
    }
    await expect(queue.getNowait()).rejects.toMatchObject({ name: 'QueueEmptyError' });
  });

  test('qsize', async () => {
    const queue = mine(manager.queue<number>());
    const sizes = [await queue.size()];
    await queue.put(1);
    sizes.push(await queue.size());
    await queue.put(5);
    sizes.push(await queue.size());
    await queue.get();
    sizes.push(await queue.size());
    await queue.get();
    sizes.push(await queue.size());
    expect(sizes).toEqual([0, 1, 2, 1, 0]);
  });

  test('task_done and join: four workers, ten items', async () => {
    const queue = mine(manager.joinableQueue<number | null>());
    const working = inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        let done = 0;
        while ((await it.queue.get()) !== null) {
          await it.queue.taskDone();
          done++;
        }
        return done;
      },
      { queue },
    );
    for (let i = 0; i < 10; i++) await queue.put(i);
    await queue.join();
    for (let i = 0; i < 4; i++) await queue.put(null);
    const done = await working;
    expect(done.reduce((a, b) => a + b)).toBe(10);
    for (let i = 0; i < 4; i++) await queue.taskDone();
    await expect(queue.taskDone()).rejects.toMatchObject({ name: 'UsageError' });
    await queue.join();
  });

  test('take, which Python has not: acknowledged or given back', async () => {
    const queue = mine(manager.queue<number>());
    const told = await inChildren(
      async (_lib, { open }, argument) => {
        const it = open(argument).queue;
        await it.put(1);
        const first = await it.take({ timeoutMs: 1000 });
        await first.nack();
        const again = await it.take();
        await again.ack();
        let twice = 'nothing';
        try {
          await again.ack();
        } catch (error) {
          twice = (error as Error).name;
        }
        return [first.item, first.redelivered, again.item, again.redelivered, twice];
      },
      { queue },
      1,
    );
    expect(told).toEqual([[1, false, 1, true, 'UsageError']]);
    await expect(queue.empty()).resolves.toBe(true);
  });

  test('timeout: get waits as long as it was told', async () => {
    const queue = mine(manager.queue());
    const start = performance.now();
    await expect(queue.get({ timeoutMs: 200 })).rejects.toMatchObject({ name: 'QueueEmptyError' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(198);
  });

  test('event', async () => {
    const event = mine(manager.event());
    await expect(event.isSet()).resolves.toBe(false);
    await expect(event.wait({ timeoutMs: 0 })).resolves.toBe(false);
    const start = performance.now();
    await expect(event.wait({ timeoutMs: TIMEOUT })).resolves.toBe(false);
    expect(performance.now() - start).toBeGreaterThanOrEqual(TIMEOUT - 2);
    await event.set();
    await expect(event.isSet()).resolves.toBe(true);
    await expect(event.wait()).resolves.toBe(true);
    await expect(event.wait({ timeoutMs: TIMEOUT })).resolves.toBe(true);
    await event.clear();
    await expect(event.isSet()).resolves.toBe(false);
    const waiting = event.wait();
    await inChildren((_lib, { open }, argument) => open(argument).event.set(), { event }, 1);
    await expect(waiting).resolves.toBe(true);
  });
});
