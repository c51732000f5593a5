// What people complain of in Python's managers, a test for a complaint, by its rank: it does not happen
// here. (Not all of the list yet.)
import { join } from 'node:path';
import { type ListProxy, Manager, release } from '../../src/index';
import type { Counter } from '../fixtures/classes';
import type { Tally } from '../fixtures/python';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';
import { all, expectNothingShared, range } from './stage';

jest.setTimeout(15_000);

const PYTHON = join(__dirname, '../fixtures/python.ts');
const CLASSES = join(__dirname, '../fixtures/classes.ts');

class TestManager extends Manager {
  static {
    this.register('Tally', { module: PYTHON, export: 'Tally' });
    this.register('Counter', { module: CLASSES, export: 'Counter' });
  }
}

const authkey = 'a key of its own, sixteen bytes or more';
const manager = new TestManager({ limits: { ...SHORT_LIMITS, ticketMs: 5000 }, authkey });
const children: Child[] = [];

/** A process, with what is shared with it in its state as `it`. */
async function childWith(shared: object): Promise<Child> {
  const child = new Child();
  children.push(child);
  await child.run(
    ({ revive, Manager: There }, state, { keyed, given }) => {
      state.manager = There.connect(keyed.address, { authkey: keyed.authkey });
      state.it = revive(given);
    },
    { keyed: { address: manager.address, authkey }, given: shared },
  );
  return child;
}

async function sessionsAre(count: number): Promise<void> {
  await until(async () => (await manager.inspect()).sessions.length === count, 'the sessions');
}

beforeAll(() => manager.start());
afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
  await sessionsAre(1);
  await expectNothingShared(manager);
});
afterAll(() => endManager(manager));

test('1: a proxy sent to someone else may be dead on arrival', async () => {
  const list = manager.list([1]);
  const sending = childWith({ list });
  release(list); // before the other has started
  const child = await sending;
  await expect(child.run((_lib, { it }) => it.list.push(2))).resolves.toBe(2);
});

test('2: a dead client poisons shared objects', async () => {
  // Killed holders and waiters of all the others: test/e2e/locks.test.ts and test/e2e/queues.test.ts.
  const lock = manager.lock();
  const queue = manager.queue<string>();
  const child = await childWith({ lock, queue });
  await child.run(async (_lib, { it }) => {
    await it.lock.acquire();
    void it.queue.get();
    await it.queue.size();
  });
  await child.kill();
  const held = await lock.acquire();
  expect(held.abandoned).toBeDefined();
  await held.release();
  await queue.put('not lost');
  await expect(queue.get()).resolves.toBe('not lost');
  release(lock);
  release(queue);
});

test('4: v.value += 1 loses updates', async () => {
  const value = manager.value(0);
  const dict = manager.dict<number>({});
  const tally = manager.create<Tally>('Tally');
  const workers = await Promise.all([1, 2].map(() => childWith({ value, dict, tally })));
  await Promise.all(
    workers.map((worker) =>
      worker.run(async (_lib, { it }) => {
        for (let i = 0; i < 200; i++) {
          await Promise.all([it.value.increment(), it.dict.increment('k'), it.tally.increment()]);
        }
      }),
    ),
  );
  expect([await value.get(), await dict.get('k'), await tally.count]).toEqual([400, 400, 400]);
  for (const proxy of [value, dict, tally]) release(proxy);
});

test('5: slow: a round trip for each item, three connections for each object', async () => {
  const list = manager.list(range(10_000));
  const callsOf = async (body: () => Promise<unknown>): Promise<number> => {
    const before = (await manager.inspect()).calls.total;
    await body();
    return (await manager.inspect()).calls.total - before - 1;
  };
  expect(await callsOf(() => all(list))).toBeLessThanOrEqual(41); // chunks of 256
  expect(await callsOf(() => list.slice())).toBe(1);
  const many = range(100).map(() => manager.list());
  await Promise.all(many.map((one) => one.length));
  expect((await manager.inspect()).sessions).toHaveLength(1);
  for (const one of [list, ...many]) release(one);
});

test('7: authkey does not travel', async () => {
  const inner = manager.list(['found']);
  const outer = manager.dict<ListProxy<string>>({ inner });
  const child = new Child(); // it is told no key
  children.push(child);
  const found = await child.run(
    async ({ revive }, state, given) => {
      state.outer = revive(given.outer);
      state.inner = await state.outer.get('inner');
      return state.inner.get(0);
    },
    JSON.parse(JSON.stringify({ outer })) as { outer: object },
  );
  expect(found).toBe('found');
  release(inner);
  release(outer);
});

test('8: proxy-returning methods fail outside the creator', async () => {
  const counter = manager.create<Counter>('Counter');
  const dict = manager.dict<number>({ a: 1, b: 2 });
  const child = await childWith({ counter, dict });
  const seen = await child.run(async ({ IteratorProxy: Iterator }, { it }) => {
    const keys: string[] = [];
    for await (const [key] of it.dict) keys.push(key);
    const iterator = await it.counter.upTo(2);
    const values: number[] = [];
    for await (const value of iterator) values.push(value);
    return [keys, iterator instanceof Iterator, values];
  });
  expect(seen).toEqual([['a', 'b'], true, [0, 1]]);
  for (const proxy of [counter, dict]) release(proxy);
});

test('9: stale connections and unclear death', async () => {
  // After a restart at the same address: remote.test.ts.
  const doomed = new Manager({ limits: SHORT_LIMITS });
  const list = doomed.list([1]);
  const queue = doomed.queue();
  await list.length;
  const waiting = queue.get();
  process.kill(doomed.pid ?? 0, 'SIGKILL');
  const death = { name: 'ManagerDiedError', exitCode: null, signal: 'SIGKILL' };
  await expect(waiting).rejects.toMatchObject(death);
  await expect(list.length).rejects.toMatchObject(death);
  expect(() => doomed.list()).not.toThrow(TypeError);
  await doomed.shutdown();
});

test('10: an interrupted call corrupts the connection', async () => {
  const queue = manager.queue<string>();
  const dict = manager.dict<number>({ a: 1 });
  const controller = new AbortController();
  const interrupted = queue.get({ signal: controller.signal });
  await dict.size;
  controller.abort(new Error('interrupted'));
  await expect(interrupted).rejects.toThrow('interrupted');
  await queue.put('item');
  await expect(dict.get('a')).resolves.toBe(1);
  await expect(queue.get()).resolves.toBe('item');
  for (const proxy of [queue, dict]) release(proxy);
});
