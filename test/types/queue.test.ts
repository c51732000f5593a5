import {
  Manager,
  QueueProxy,
  TakenItem,
  type BlockingOptions,
  release,
  sameReferent,
} from '../../src/index';
import { comparePriorities, type Priority } from '../../src/types/priority';
import { QueueReferent, queueTypes } from '../../src/types/queue';
import { fifoStore } from '../../src/types/queue-store';
import { RunningCall, runAs } from '../../src/session/current-call';
import { FakeClient } from '../support/fake-client';
import { SHORT_LIMITS } from '../support/managers';
import { shareManager } from '../support/shared';

const manager = new Manager({ limits: { ...SHORT_LIMITS, waiters: 3 } });
const mine = shareManager(manager);
async function drain<T>(queue: QueueProxy<T>): Promise<T[]> {
  const items: T[] = [];
  while (!(await queue.empty())) items.push(await queue.getNowait());
  return items;
}

test('each kind has its typeid, its class and its order', async () => {
  const items = [2, 1, 3];
  const orders: Record<string, number[]> = {
    queue: [2, 1, 3],
    joinableQueue: [2, 1, 3],
    lifoQueue: [3, 1, 2],
    priorityQueue: [1, 2, 3],
  };
  for (const kind of ['queue', 'joinableQueue', 'lifoQueue', 'priorityQueue'] as const) {
    const queue = mine(manager[kind]<number>());
    expect(queue).toBeInstanceOf(QueueProxy);
    expect(queue.typeid).toBe(kind);
    for (const item of items) await queue.put(item);
    await expect(queue._getValue()).resolves.toEqual(orders[kind]);
    await expect(drain(queue)).resolves.toEqual(orders[kind]);
  }
});

test('any data is an item; a shared object comes out as a proxy', async () => {
  const queue = mine(manager.queue());
  const list = mine(manager.list([1]));
  const data = [undefined, null, { a: [new Date(0)] }, new Map([[1, 2n]])];
  for (const item of data) await queue.put(item);
  await expect(drain(queue)).resolves.toEqual(data);
  await queue.put({ list });
  const got = (await queue.get()) as { list: typeof list };
  expect(sameReferent(mine(got.list), list)).toBe(true);
});

test('a shared object lives in the queue alone, and goes with it', async () => {
  const queue = mine(manager.queue<object>());
  const list = manager.list([1]);
  await queue.put(list);
  release(list);
  const taken = (await queue.take()).item as typeof list;
  await expect(taken.toArray()).resolves.toEqual([1]);
  release(taken);
});

test('a function or an instance is no item', async () => {
  const queue = mine(manager.queue());
  await expect(queue.put(() => 1)).rejects.toMatchObject({ name: 'SerializationError' });
  await expect(queue.size()).resolves.toBe(0);
});

test.each([
  [0, false],
  [-1, false],
  [1, true],
])('a size of %d: one item makes it full: %s', async (maxSize, isFull) => {
  const queue = mine(manager.queue<number>(maxSize));
  await queue.put(1);
  await expect(queue.full()).resolves.toBe(isFull);
});

test.each([1.5, NaN, Infinity, '1', null])('a size of %p is refused', async (maxSize) => {
  expect(() => manager.queue(maxSize as number)).toThrow('whole number');
  const forced = mine(manager.create<{ size(): number }>('queue', maxSize));
  await expect(forced.size()).rejects.toMatchObject({ name: 'RemoteError' });
});

test.each<[string, BlockingOptions]>([
  ['a negative time', { timeoutMs: -1 }],
  ['no number', { timeoutMs: NaN }],
  ['a time that does not block', { timeoutMs: 1, blocking: false }],
  ['an unknown option', { timeout: 1 } as object],
  ['no signal', { signal: 1 as never }],
  ['no options', 5 as never],
])('%s is refused before anything is sent', async (_name, options) => {
  const queue = mine(manager.queue<number>());
  await queue.put(1);
  const { calls } = await manager.inspect();
  for (const call of [
    () => queue.put(2, options),
    () => queue.get(options),
    () => queue.take(options),
  ])
    await expect(call()).rejects.toMatchObject({ name: 'UsageError' });
  expect((await manager.inspect()).calls.total - calls.total).toBe(1); // this one
  await expect(queue.size()).resolves.toBe(1);
});

test('a negative time is refused by the manager too', async () => {
  const queue = mine(manager.queue<number>());
  await expect(queue._callMethod('get', [-1])).rejects.toMatchObject({ name: 'UsageError' });
  await expect(queue._callMethod('put', [1, -1])).rejects.toMatchObject({ name: 'UsageError' });
  await expect(queue._callMethod('join', [-1])).rejects.toMatchObject({ name: 'UsageError' });
  await expect(queue.size()).resolves.toBe(0);
});

test('blocking: true waits as without options; a time of 0 does not wait', async () => {
  const queue = mine(manager.queue<number>(1));
  const getting = queue.get({ blocking: true });
  await queue.put(1, { blocking: true, timeoutMs: 1000 });
  await expect(getting).resolves.toBe(1);
  await expect(queue.get({ timeoutMs: 0 })).rejects.toMatchObject({ name: 'QueueEmptyError' });
  await queue.put(1);
  await expect(queue.put(2, { timeoutMs: 0 })).rejects.toMatchObject({ name: 'QueueFullError' });
});

test('who waits first is served first, putters too', async () => {
  const queue = mine(manager.queue<string>(1));
  const getters = [queue.get(), queue.get()];
  await queue.put('a');
  await queue.put('b');
  await expect(Promise.all(getters)).resolves.toEqual(['a', 'b']);
  await queue.put('c');
  const putters = [queue.put('d'), queue.put('e')];
  await expect(queue.put('f', { blocking: false })).rejects.toMatchObject({
    name: 'QueueFullError',
  });
  await expect(queue.get()).resolves.toBe('c');
  await expect(queue.size()).resolves.toBe(1);
  await expect(queue.get()).resolves.toBe('d');
  await expect(queue.get()).resolves.toBe('e');
  await Promise.all(putters);
});

test('more waiters than limits.waiters are refused', async () => {
  const queue = mine(manager.queue<number>());
  const waiting = [queue.get(), queue.get(), queue.get()];
  await expect(queue.get()).rejects.toMatchObject({ name: 'LimitError' });
  for (const item of [1, 2, 3]) await queue.put(item);
  await expect(Promise.all(waiting)).resolves.toEqual([1, 2, 3]);
});

test('a cancelled putter leaves no item, a cancelled getter takes none', async () => {
  const queue = mine(manager.queue<number>(1));
  const reason = new Error('enough');
  const cancel = async (call: (signal: AbortSignal) => Promise<unknown>): Promise<void> => {
    const controller = new AbortController();
    const calling = call(controller.signal);
    calling.catch(() => undefined);
    await queue.size();
    controller.abort(reason);
    await expect(calling).rejects.toBe(reason);
  };
  await cancel((signal) => queue.get({ signal }));
  await cancel((signal) => queue.join({ signal }).then(() => Promise.reject(reason)));
  await queue.put(1);
  await cancel((signal) => queue.put(2, { signal }));
  await expect(drain(queue)).resolves.toEqual([1]);
  await expect(queue.get({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

describe('take', () => {
  test('ack ends it, nack gives it back to the head, marked; twice is a mistake', async () => {
    const queue = mine(manager.queue<string>());
    await queue.put('a');
    await queue.put('b');
    const first = await queue.take();
    expect(first).toBeInstanceOf(TakenItem);
    expect([first.item, first.redelivered]).toEqual(['a', false]);
    await expect(queue.size()).resolves.toBe(1);
    await first.nack();
    await expect(first.nack()).rejects.toMatchObject({ name: 'UsageError' });
    await expect(first.ack()).rejects.toMatchObject({ name: 'UsageError' });
    const again = await queue.take();
    expect([again.item, again.redelivered]).toEqual(['a', true]);
    await again.ack();
    await expect(again.ack()).rejects.toMatchObject({ name: 'UsageError' });
    await expect(drain(queue)).resolves.toEqual(['b']);
  });

  test('a full queue may get more than full by what comes back', async () => {
    const queue = mine(manager.queue<number>(1));
    await queue.put(1);
    const taken = await queue.take({ timeoutMs: 1000 });
    await queue.put(2);
    await taken.nack();
    await expect(queue._getValue()).resolves.toEqual([1, 2]);
    await expect(queue.get()).resolves.toBe(1);
    await expect(queue.full()).resolves.toBe(true);
    await expect(queue.get()).resolves.toBe(2);
  });

  test('equal priorities keep their order when one comes back', async () => {
    const queue = mine(manager.priorityQueue<number | bigint>());
    for (const item of [1, 1n, 0]) await queue.put(item);
    const zero = await queue.take();
    const one = await queue.take();
    await one.nack();
    await zero.nack();
    await expect(drain(queue)).resolves.toEqual([0, 1, 1n]);
  });

  test('of a stack what comes back is on top', async () => {
    const queue = mine(manager.lifoQueue<number>());
    await queue.put(1);
    const taken = await queue.take();
    await queue.put(2);
    await taken.nack();
    await expect(drain(queue)).resolves.toEqual([1, 2]);
  });
});

describe('priorities', () => {
  const sorted: Priority[] = [
    ...[-Infinity, -2n, -1, 0, 0.5, 1n, 2 ** 60, Infinity, '', 'B', 'a', 'aa', 'b'],
    ...([[1], [1, 'a'], [1, 'b'], [2n], ['a']] as [Priority & string][]),
  ];

  test('are one order over all that has one', async () => {
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) {
        expect(Math.sign(comparePriorities(a, b))).toBe(Math.sign(i - j));
      }
    }
    const queue = mine(manager.priorityQueue<Priority>());
    for (const item of [...sorted].reverse()) await queue.put(item);
    await expect(drain(queue)).resolves.toEqual(sorted);
  });

  test('are what an array begins with: the rest goes along', async () => {
    const queue = mine(manager.priorityQueue<[number, ...unknown[]]>());
    const items = [
      [1, { task: 'b' }],
      [1, { task: 'a' }],
      [1, 0, {}],
      [2, null],
    ] as [number, ...unknown[]][];
    for (const item of [items[3]!, items[0]!, items[1]!, items[2]!]) await queue.put(item);
    await expect(drain(queue)).resolves.toEqual(items);
  });

  test.each([NaN, {}, null, undefined, true, [], [[1]], [{}, 1], new Date()])(
    '%p has none',
    async (item) => {
      const queue = mine(manager.priorityQueue(1));
      await expect(queue.put(item)).rejects.toBeInstanceOf(TypeError);
      await expect(queue.size()).resolves.toBe(0);
    },
  );
});

describe('shutdown', () => {
  test('refuses puts at once, gets when it is empty, and wakes who waits', async () => {
    const queue = mine(manager.queue<number>(1));
    await queue.put(1);
    const putting = queue.put(2);
    putting.catch(() => undefined);
    await queue.shutdown();
    const refused = { name: 'QueueShutdownError' };
    await expect(putting).rejects.toMatchObject(refused);
    await expect(queue.put(3)).rejects.toMatchObject(refused);
    await expect(queue.get()).resolves.toBe(1);
    await expect(queue.get()).rejects.toMatchObject(refused);
    await expect(queue.getNowait()).rejects.toMatchObject(refused);
    const empty = mine(manager.queue<number>());
    const getting = empty.get();
    getting.catch(() => undefined);
    await empty.shutdown({ immediate: false });
    await expect(getting).rejects.toMatchObject(refused);
  });

  test('immediate drops the items, so that join returns, and what comes back later', async () => {
    const queue = mine(manager.queue<number>());
    for (const item of [1, 2, 3]) await queue.put(item);
    const kept = await queue.take();
    const joining = queue.join();
    await queue.shutdown({ immediate: true });
    await expect(queue.empty()).resolves.toBe(true);
    await expect(queue.join({ timeoutMs: 0 })).rejects.toMatchObject({ name: 'TimeoutError' });
    await kept.nack(); // dropped, and so done
    await joining;
    await expect(queue.size()).resolves.toBe(0);
    await expect(queue.get()).rejects.toMatchObject({ name: 'QueueShutdownError' });
  });

  test('what comes back after an ordinary one can be got', async () => {
    const queue = mine(manager.queue<number>());
    await queue.put(1);
    const kept = await queue.take();
    await queue.shutdown();
    await kept.nack();
    await expect(queue.get()).resolves.toBe(1);
    await queue.shutdown({ immediate: true });
    await queue.shutdown();
    await expect(queue.shutdown({ now: true } as object)).rejects.toMatchObject({
      name: 'UsageError',
    });
  });
});

test('a call that was held back and given up meanwhile waits for nothing', () => {
  const referent = new QueueReferent(fifoStore(), 0);
  const client = new FakeClient();
  const call = new RunningCall(client.caller);
  call.abort(new Error('enough'));
  expect(() => runAs(call, () => referent.get())).toThrow('enough');
  void referent.put(1);
  expect(referent.size()).toBe(1);
  expect(client.caller.waiting).toBe(0);
});

test('the end of the manager ends who waits', async () => {
  const other = new Manager({ limits: SHORT_LIMITS });
  const queue = other.queue<number>(1);
  const getting = queue.get();
  await Promise.all([
    expect(getting).rejects.toMatchObject({ name: 'ConnectionLostError' }),
    queue.size().then(() => other.shutdown()),
  ]);
});

test('a million items go through in a moment', () => {
  const referent = new QueueReferent(fifoStore(), 0);
  const client = new FakeClient();
  const start = performance.now();
  for (let i = 0; i < 1e6; i++) void referent.put(i);
  let sum = 0;
  for (let i = 0; i < 1e6; i++) {
    const call = client.call(() => referent.get(0));
    sum += call.value as number;
    client.calls.length = 0;
  }
  expect(sum).toBe((1e6 * (1e6 - 1)) / 2);
  expect(referent.size()).toBe(0);
  expect(performance.now() - start).toBeLessThan(20_000); // by moving all of them: many minutes
}, 60_000);

test('each kind is a container', () => {
  expect(queueTypes.map(({ isContainer }) => isContainer)).toEqual([true, true, true, true]);
});
