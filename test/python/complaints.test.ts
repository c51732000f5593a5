// What people complain of in Python's managers, one test for each complaint: it does not happen here.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DictProxy,
  type ListProxy,
  Manager,
  type Remote,
  UsageError,
  release,
  sameReferent,
  view,
  withOptions,
} from '../../src/index';
import type { Counter } from '../fixtures/classes';
import type { FooBar, Tally, makeSlowly } from '../fixtures/python';
import { SHORT_LIMITS, endManager, isAlive } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';
import { all, expectNothingShared, failureOf, range } from './stage';

jest.setTimeout(15_000);

const PYTHON = join(__dirname, '../fixtures/python.ts');
const CLASSES = join(__dirname, '../fixtures/classes.ts');

class TestManager extends Manager {
  static {
    this.register('Tally', { module: PYTHON, export: 'Tally' });
    this.register('makeSlowly', { module: PYTHON, export: 'makeSlowly' });
    this.register('Counter', { module: CLASSES, export: 'Counter' });
    this.register('FooBar', { module: PYTHON, export: 'FooBar' });
    this.register('Narrow', { module: PYTHON, export: 'FooBar', exposed: ['f'] });
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

test('3: changes to nested plain values vanish', async () => {
  const dict = manager.dict<Record<string, number[]>>({ x: { y: [1] } });
  const seen = view<any>(dict);
  await seen.get('x').y.push(2);
  await expect(dict.get('x')).resolves.toEqual({ y: [1, 2] });
  const frozen = new Manager({ limits: SHORT_LIMITS, freeze: true });
  const read = frozen.dict<number[]>({ x: [1] });
  const items = await read.get('x');
  expect(() => items?.push(2)).toThrow(/^Cannot /); // not silently
  for (const proxy of [dict, seen as object, read]) release(proxy);
  await endManager(frozen);
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

test('6: leaks: what was stored in another object is never freed', async () => {
  // That it is collected then, cycles too: test/gc/collect.test.ts.
  const outer = manager.list<unknown>();
  const inner = manager.list(['inner']);
  await outer.push(inner, outer);
  release(inner);
  await expect(manager.numberOfObjects()).resolves.toBe(1);
  const { objects } = await manager.inspect();
  const row = objects.find(({ text }) => text === "[ 'inner' ]");
  expect(row).toMatchObject({ sessions: 0, unpinned: true }); // it is shown
  const child = await childWith({ outer });
  await child.run((_lib, state) => state.it.outer.length);
  await child.kill(); // what a crashed client held is given back
  release(outer);
  await expectNothingShared(manager);
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

test('11: lifetime: a manager outlives its killed parent', async () => {
  // Signals to the group of its owner do not reach it: test/e2e/manager.test.ts.
  const owner = new Child();
  children.push(owner);
  const pid = await owner.run(async ({ Manager: There }, state) => {
    state.manager = await new There().start();
    return state.manager.pid as number;
  });
  await owner.kill();
  await until(() => !isAlive(pid), 'the manager to end', 2000);
});

test('12: fork shares sockets', async () => {
  // Nothing is inherited in Node: a process that is forked in the middle of a call has its own session.
  const queue = manager.queue<string>();
  const here = queue.get();
  const child = await childWith({ queue });
  await child.run(async (_lib, state) => {
    state.item = state.it.queue.get();
    await state.it.queue.size();
  });
  const there = child.run((_lib, state) => state.item as Promise<string>);
  await queue.put('here');
  await queue.put('there');
  await expect(Promise.all([here, there])).resolves.toEqual(['here', 'there']);
  release(queue);
});

test('13: errors lose information', async () => {
  const counter = manager.create<Counter>('Counter');
  const error = await failureOf(() => counter.fail('custom'));
  expect(error).toMatchObject({
    name: 'RemoteError',
    remoteName: 'ValidationError', // a class that nobody here has
    message: 'bad',
    code: 'E_VALID',
    field: 'age',
  });
  const { cause, remoteStack } = error as Error & { remoteStack: string };
  expect(cause).toMatchObject({ message: 'why' });
  expect(remoteStack).toContain('classes.ts'); // where it was thrown
  expect(await failureOf(() => counter.unsendable())).toMatchObject({ name: 'RemoteError' });
  expect(await counter.total).toBe(0); // and the connection goes on
  release(counter);
});

test('14: exposure is patchy', async () => {
  const counter = manager.create<Counter>('Counter', 2);
  expect([await counter.total, await counter.double]).toEqual([2, 4]); // fields, getters
  expect(await all(counter as unknown as AsyncIterable<number>)).toEqual([1, 2, 3]);
  const list = manager.list([1]);
  expect(await list.copy()).toEqual([1]);
  await list.clear();
  const lock = manager.lock();
  expect(await lock.locked()).toBe(false);
  const [wide, narrow] = [manager.create<FooBar>('FooBar'), manager.create<FooBar>('Narrow')];
  expect(await failureOf(() => narrow.g())).toMatchObject({ name: 'MethodNotExposedError' });
  expect(await failureOf(() => wide.g())).toBeInstanceOf(TypeError); // the one does not change the other
  for (const proxy of [counter, list, lock, wide, narrow]) release(proxy);
});

test('15: server resource use: a thread and a socket for each thread of a client', async () => {
  // Silent strangers are sent away after handshakeMs, and sessions are limited: test/host/host.test.ts.
  const queue = manager.queue<number>();
  const waiting = range(50).map(() => queue.get());
  await queue.size(); // all of them have arrived
  expect((await manager.inspect()).sessions).toHaveLength(1);
  for (const i of range(50)) await queue.put(i);
  await expect(Promise.all(waiting)).resolves.toEqual(range(50));
  release(queue);
});

test('16: races closing the connection', async () => {
  for (let round = 0; round < 50; round++) {
    const list = manager.list([round]);
    const call = list.get(0);
    release(list); // the last proxy, in the middle of a call
    await expect(call).resolves.toBe(round);
  }
  const again = manager.list([1]);
  await expect(again.length).resolves.toBe(1);
  release(again);
});

test('17: release depends on the collector', async () => {
  const list = manager.list([1]);
  await list.length;
  await expect(manager.numberOfObjects()).resolves.toBe(1);
  {
    using again = list;
    await again.length;
  }
  await expect(manager.numberOfObjects()).resolves.toBe(0);
  await expect(list.length).rejects.toMatchObject({ code: 'ERR_REFERENT_RELEASED' });
});

test('18: security: what arrives is code', async () => {
  // Keys, HMAC and sizes of messages: test/wire/auth.test.ts and test/host/host.test.ts.
  const list = manager.list<unknown>();
  await expect(list.push(() => 'code')).rejects.toMatchObject({ name: 'SerializationError' });
  const stranger = Manager.connect(manager.address, {
    authkey: 'another key of sixteen bytes',
    retries: 0,
  });
  await expect(stranger.start()).rejects.toMatchObject({ name: 'AuthenticationError' });
  await stranger.close();
  release(list);
});

test('19: a blocking API stalls event loops', async () => {
  const queue = manager.queue<number>();
  const item = queue.get();
  let turns = 0;
  await until(() => ++turns > 3, 'turns of the loop while a call waits');
  await queue.put(turns);
  await expect(item).resolves.toBe(turns);
  release(queue);
});

test('20: a manager made at import time starts processes without end', async () => {
  // The manager's process runs a file of its own, and nothing starts before the first use.
  const idle = new Manager();
  expect([idle.state, idle.pid]).toEqual(['initial', undefined]);
  await idle.shutdown();
  const child = new Child(); // a process whose main module makes a manager at once
  children.push(child);
  const pid = await child.run(async ({ Manager: There }, state) => {
    state.manager = new There();
    state.list = state.manager.list([1]);
    await state.list.length;
    return state.manager.pid as number;
  });
  expect(isAlive(pid)).toBe(true);
  await child.kill();
  await until(() => !isAlive(pid), 'its manager to end', 2000);
});

test('21: connected managers are second class', async () => {
  const address = `unix:${join(tmpdir(), `referent-test-${String(process.pid)}`)}`;
  const server = new Manager({ address, authkey, limits: SHORT_LIMITS });
  await server.start();
  {
    await using client = Manager.connect(address, { authkey });
    const list = client.list([1]);
    await expect(list.length).resolves.toBe(1);
    await expect(client.join(10)).resolves.toBeUndefined();
  }
  await until(async () => (await server.inspect()).sessions.length === 1, 'the client to leave');
  const other = Manager.connect(address, { authkey });
  await other.shutdown(); // ends the server
  await expect(server.join()).resolves.toEqual({ code: 0, signal: null });
  await server.shutdown();
  expect(existsSync(address.slice('unix:'.length))).toBe(false);
});

test('22: surprising equality and types', async () => {
  const list = manager.list([1]);
  const dict: DictProxy<string, ListProxy<number>> = manager.dict({ list });
  const again = await dict.get('list');
  expect([sameReferent(list, again), again?.id === list.id]).toEqual([true, true]);
  expect(() => manager.array('i', ['text' as never])).toThrow(TypeError);
  expect(() => manager.array('i', [1.5])).toThrow(TypeError);
  expect(() => manager.lock({ lock: true } as never)).toThrow(UsageError); // no silent options
  const namespace = manager.namespace<{ _x: number }>();
  await expect(namespace.set('_x', 1)).rejects.toBeInstanceOf(UsageError);
  for (const proxy of [list, dict, namespace, again as object]) release(proxy);
});

test('23: one slow constructor stops everybody', async () => {
  let finish: () => void = () => undefined;
  const made = new Promise<void>((resolve) => (finish = resolve));
  const slow: Remote<Awaited<ReturnType<typeof makeSlowly>>> = manager.create(
    'makeSlowly',
    () => made,
  );
  const waiting = slow.f();
  const list = manager.list([1]); // made and used while the other is being made
  const timed = withOptions(list, { timeoutMs: 5000 });
  await expect(timed.length).resolves.toBe(1);
  finish();
  expect(await waiting).toBe('f()');
  for (const proxy of [slow, list, timed]) release(proxy);
});
