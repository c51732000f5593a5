// Calls that block: every case over FIFOs, and over a thread with a socket.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ConnectionLostError,
  Manager,
  ManagerDiedError,
  RemoteError,
  TimeoutError,
  UsageError,
  release,
  sameReferent,
  sync,
  tokenOf,
  withOptions,
} from '../../src/index';
import { type ListProxy } from '../../src/index';
import { hasEnded } from '../../src/process/child';
import { type Blocker } from '../fixtures/blocker';
import { type Counter } from '../fixtures/classes';
import { SHORT_LIMITS, endManager, expectNothingHeld, isAlive } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';

class TestManager extends Manager {
  static {
    this.register('Counter', {
      module: require.resolve('../fixtures/classes'),
      export: 'Counter',
    });
    this.register('Blocker', {
      module: require.resolve('../fixtures/blocker'),
      export: 'Blocker',
    });
  }
}

const SOCKET = join(tmpdir(), `referent-sync-${String(process.pid)}.sock`);

jest.setTimeout(30_000);

describe.each([
  ['FIFOs', undefined],
  ['a thread', `unix:${SOCKET}`],
])('over %s', (_name, address) => {
  let manager: TestManager;
  beforeEach(() => {
    manager = new TestManager({ address, limits: SHORT_LIMITS });
  });
  afterEach(async () => {
    if (address === undefined) {
      if (manager.state === 'started') await endManager(manager);
      return;
    }
    if (manager.state === 'started') {
      await expectNothingHeld(manager);
      await manager.shutdown();
    }
    rmSync(SOCKET, { force: true });
  });

  it('the first line of a program can be one', () => {
    const list = sync(manager).list([1, 2, 3]);
    expect(list.length).toBe(3);
    release(list);
  });

  it('a list is used with the operators of the language', () => {
    const list = sync(manager).list([3, 1, 2]);
    expect(list[0]).toBe(3);
    list[0] = 30;
    expect([list.at(0), list.get(-1), list[9]]).toEqual([30, 2, undefined]);
    expect([...list]).toEqual([30, 1, 2]);
    expect(list.sort((a, b) => a - b)).toBe(list);
    expect(list.toArray()).toEqual([1, 2, 30]);
    expect([0 in list, 3 in list, 'push' in list, Object.keys(list)]).toEqual([
      true,
      false,
      true,
      ['0', '1', '2'],
    ]);
    expect([[...list.keys()], [...list.entries()], [...list.values({ batch: 1 })]]).toEqual([
      [0, 1, 2],
      [
        [0, 1],
        [1, 2],
        [2, 30],
      ],
      [1, 2, 30],
    ]);
    for (const item of list.values({ batch: 1 })) if (item === 2) break;
    expect(() => list.get(99)).toThrow(RangeError);
    expect(() => list.set(99, 1)).toThrow('out of range');
    expect(() => list.sort('x' as never)).toThrow(UsageError);
    expect(() => list.sort((async () => 1) as never)).toThrow('answers no number');
    release(list);
  });

  it('dicts, sets, namespaces, values and arrays too', () => {
    const s = sync(manager);
    using dict = s.dict({ a: 1 });
    dict.set('b', 2);
    expect(['a' in dict, 'x' in dict, Object.keys(dict), [...dict]]).toEqual([
      true,
      false,
      ['a', 'b'],
      [
        ['a', 1],
        ['b', 2],
      ],
    ]);
    expect([dict.size, dict.toObject(), dict.increment('a', 5)]).toEqual([2, { a: 1, b: 2 }, 6]);
    expect(() => dict.get({} as never)).toThrow(UsageError);
    expect([{ ...dict }, Object.entries(dict)]).toEqual([{ a: 6, b: 2 }, [...dict]]);
    expect((dict as unknown as { x: unknown }).x).toBeUndefined();
    expect(() => Object.assign(dict, { a: 1 })).toThrow(TypeError); // written by set() only
    using set = s.set([1, 2]);
    expect([set.has(2), set.size, [...set], set.union([3])]).toEqual([
      true,
      2,
      [1, 2],
      new Set([1, 2, 3]),
    ]);
    using ns = s.namespace({ x: 1, get: 7 });
    ns.x = 5;
    expect([ns.x, 'x' in ns, 'y' in ns, ns.get('get'), Object.keys(ns)]).toEqual([
      5,
      true,
      false,
      7,
      ['x', 'get'],
    ]);
    expect(delete (ns as { x?: number }).x).toBe(true);
    expect('x' in ns).toBe(false);
    using value = s.value(10);
    expect([value.increment(5), value.get()]).toEqual([15, 15]);
    using array = s.array('i', [1, 2, 3]);
    array[1] = 20;
    expect([[...array], array.length, array.slice(0, 2)]).toEqual([
      [1, 20, 3],
      3,
      new Int32Array([1, 20]),
    ]);
    expect(() => array.set(0, 1.5)).toThrow(TypeError);
  });

  it('what a call gives is synchronous too, at any depth', () => {
    using inner = sync(manager).list([1]);
    using outer = sync(manager).list<any>([inner, { deep: inner }]);
    using first = outer[0];
    using deep = outer[1].deep;
    expect([first.length, deep[0], sameReferent(deep, inner)]).toEqual([1, 1, true]);
    const items = [...outer];
    expect(items.map((item) => (item.deep ?? item).length)).toEqual([1, 1]);
    release(items[0]); // the same handle twice, as in one answer
  });

  it('sees what was sent before, awaited or not, also if the link is stuck', async () => {
    const list = manager.list<unknown>();
    const big = Buffer.alloc(8 * 2 ** 20, 1);
    const pushes = [list.push(1), list.push(big), list.push(3)];
    const blocking = sync(list);
    expect(blocking.length).toBe(3);
    expect(blocking[2]).toBe(3);
    await expect(Promise.all(pushes)).resolves.toEqual([1, 2, 3]);
    pushes.push(list.push(4)); // by the link again, after what went by the lane
    expect(blocking.length).toBe(4);
    await expect(list.length).resolves.toBe(4);
    expect((blocking[1] as Buffer).equals(big)).toBe(true);
    await Promise.all(pushes);
    release(list);
    release(blocking);
  });

  it('a long loop leaves nothing behind for when the event loop turns again', () => {
    using queue = sync(manager).queue<number>();
    queue.put(0);
    queue.get();
    const before = process.getActiveResourcesInfo().length;
    for (let i = 0; i < 100; i++) {
      queue.put(i);
      expect(queue.get()).toBe(i);
    }
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before + 1);
  });

  it('what is released is on its way, and a holding that was lost before is a warning', async () => {
    const warnings: Error[] = [];
    manager.on('warning', (warning) => warnings.push(warning));
    using lock = sync(manager).lock();
    for (let i = 0; i < 50; i++) {
      using handle = lock.acquire();
      expect(handle.fence).toBeGreaterThan(0);
      expect(lock.locked()).toBe(true);
    }
    expect(lock.locked()).toBe(false);
    const handle = lock.acquire();
    lock.release(); // anyone may, without the handle
    handle.release();
    expect(lock.locked()).toBe(false);
    await until(() => warnings.length > 0, 'the warning');
    expect(warnings).toMatchObject([{ name: 'NotOwnerError' }]);
    expect(await manager.inspect()).toMatchObject({ sessions: [{ locks: 0 }] });
  });

  it('a message of many parts goes and comes', () => {
    using dict = sync(manager).dict<string, Buffer>();
    const big = Buffer.alloc(5 * 2 ** 20, 7);
    dict.set('big', big);
    expect(dict.get('big')?.equals(big)).toBe(true);
  });

  it('a thread that only blocks piles nothing up for the event loop', () => {
    const queue = sync(manager).queue<number>();
    const immediate = jest.spyOn(globalThis, 'setImmediate');
    try {
      for (let item = 0; item < 5; item++) {
        queue.put(item);
        expect(queue.get()).toBe(item);
      }
      expect(immediate.mock.calls.length).toBeLessThanOrEqual(1);
    } finally {
      immediate.mockRestore();
      release(queue);
    }
  });

  it('a remote object answers all that JavaScript asks', () => {
    using counter = sync(manager).create<Counter>('Counter', 5);
    expect(counter.total).toBe(5);
    counter.total = 6;
    expect([counter.double, counter.items[0]?.name, counter.sum(1, 2, 3)]).toEqual([
      12,
      'first',
      6,
    ]);
    expect(counter.add(4)).toBe(counter);
    expect([counter.total, counter.addLater(1) === counter, counter.total]).toEqual([10, true, 11]);
    expect([...counter]).toEqual([1, 2, 3]);
    expect([...counter.upTo(3)]).toEqual([0, 1, 2]);
    expect(['total' in counter, 'nothing' in counter, '_secret' in counter]).toEqual([
      true,
      false,
      false,
    ]);
    expect(Object.keys(counter)).toContain('total');
    expect(() => counter.failing).toThrow(SyntaxError);
    expect(() => counter.fail('range')).toThrow(RangeError);
    expect(() => (counter as unknown as { gone(): void }).gone()).toThrow(RemoteError);
    const adder = counter.adder();
    expect([adder(1), counter.total]).toEqual([1012, 1012]);
    release(adder);
  });

  it('callbacks are served while the thread waits, and may block themselves', () => {
    using counter = sync(manager).create<Counter>('Counter');
    using list = sync(manager).list<number>();
    const answer = counter.call((value) => {
      list.push(value);
      return list.length + 10;
    }, 7);
    expect([answer, list.toArray()]).toEqual([11, [7]]);
    const thrown = (): unknown =>
      counter.call(() => {
        throw new RangeError('from here');
      });
    expect(thrown).toThrow(RangeError);
    expect(() => counter.call(async () => 1)).toThrow('the thread that should keep it is blocked');
    expect(counter.total).toBe(0);
  });

  it('a time that runs out ends the call, and no other', async () => {
    const counter = manager.create<Counter>('Counter');
    const blocking = sync(counter);
    expect(blocking.total).toBe(0);
    const short = withOptions(blocking, { timeoutMs: 200 });
    expect(() => short.wait()).toThrow(TimeoutError);
    expect(blocking.sum(1, 2)).toBe(3);
    expect(blocking.total).toBe(-1); // the method was told
    expect(await counter.sum(4)).toBe(4);
    for (const proxy of [short, blocking, counter]) release(proxy);
  });

  it('what a time has given up holds back no callback', async () => {
    const counter = manager.create<Counter>('Counter');
    expect(await counter.total).toBe(0);
    const blocking = sync(counter);
    const short = withOptions(blocking, { timeoutMs: 50 });
    expect(() => short.deaf()).toThrow(TimeoutError); // which runs on in the manager
    expect(await counter.call((value) => value + 1, 1)).toBe(2); // comes by the event loop
    await counter.wake();
    for (const proxy of [short, blocking, counter]) release(proxy);
  });

  it('a lock is released where its body answers a promise', () => {
    using lock = sync(manager).lock();
    const refused = (): unknown => lock.use(() => Promise.reject(new Error('nobody waits')));
    expect(refused).toThrow('answers a promise: give one that answers at once');
    expect(lock.locked()).toBe(false);
  });

  it('the death of the manager ends a call that waits', async () => {
    await manager.start();
    const counter = sync(manager).create<Counter>('Counter');
    spawn('sh', ['-c', `sleep 0.3; kill -9 ${String(manager.pid)}`]);
    expect(() => counter.wait()).toThrow(ManagerDiedError);
    expect(() => counter.total).toThrow(ManagerDiedError);
    await manager.shutdown();
  });

  it('start() and shutdown() block as well', () => {
    sync(manager).start();
    expect([manager.state, sync(manager).numberOfObjects()]).toEqual(['started', 0]);
    expect(sync(manager).inspect().sessions).toHaveLength(1);
    sync(manager).shutdown();
    expect([manager.state, isAlive(manager.pid ?? 0)]).toEqual(['shutdown', false]);
    expect(() => sync(manager).list()).toThrow('shut down');
  });

  it('what was sent before the first link was there is answered before the end', async () => {
    const list = manager.list<unknown>(['a']);
    const sent = [list.push(1), list.get(0), list.push(2)];
    expect(sync(list).length).toBe(3);
    sync(manager).shutdown();
    await expect(Promise.all(sent)).resolves.toEqual([2, 'a', 3]);
  });

  it('an answer that nobody reads does not hold back the end', async () => {
    const list = manager.list([Buffer.alloc(5 * 2 ** 20)]);
    const unread = Promise.allSettled([list.get(0)]);
    expect(sync(list).length).toBe(1);
    sync(manager).shutdown();
    await expect(manager.join()).resolves.toMatchObject({ code: 0, signal: null });
    await unread;
  });

  it('after the end of the manager the reason is that it was shut down', () => {
    const list = sync(manager).list([1]);
    expect(list.length).toBe(1);
    sync(manager).shutdown();
    expect(() => list.length).toThrow(ConnectionLostError);
    expect(() => list.length).toThrow('it was shut down');
  });
});

it('FIFOs are closed when shutdown() returns', () => {
  const manager = new Manager();
  expect(sync(manager).list([1]).length).toBe(1);
  const before = readdirSync('/dev/fd').length;
  sync(manager).shutdown();
  expect(readdirSync('/dev/fd').length).toBe(before - 4);
});

it('a method in a manager blocks for others, and is told that it cannot for its own', async () => {
  const [manager, other] = [new TestManager(), new Manager({ limits: SHORT_LIMITS })];
  const blocker = manager.create<Blocker>('Blocker');
  const [near, far] = [manager.list([1]), other.list([1, 2, 3])];
  expect(await blocker.lengthOf(far)).toBe(3);
  expect(sync(blocker).lengthOf(far)).toBe(3);
  expect(await blocker.countAt(other.address, false)).toBe(2);
  await expect(async () => await blocker.lengthOf(near)).rejects.toThrow('Not a proxy'); // it is the list itself
  for (const isManager of [true, false]) {
    const own = async (): Promise<number> => await blocker.countAt(manager.address, isManager);
    await expect(own).rejects.toThrow('it runs in this very thread');
  }
  release(near);
  release(far);
  await manager.shutdown();
  await endManager(other);
});

it('a token is opened where it is used', async () => {
  const manager = new Manager({ limits: SHORT_LIMITS });
  await manager.start();
  const list = manager.list([1, 2]);
  const blocking = sync(list);
  const token = JSON.parse(JSON.stringify(blocking)) as object;
  expect(token).toEqual({ '@referent': tokenOf(list).text });
  const child = new Child();
  const result = await child.run((library, _state, text) => {
    const claimed = library.sync(library.revive(text) as ListProxy<number>);
    return [claimed.length, claimed.push(3), [...claimed]];
  }, token);
  expect(result).toEqual([2, 3, [1, 2, 3]]);
  await child.kill();
  release(list);
  release(blocking);
  await endManager(manager);
});

it('over tcp, a connected client blocks as well, and leaves nothing', async () => {
  const authkey = 'a key of enough bytes';
  const limits = { lingerMs: 60_000 };
  const manager = new Manager({ address: 'tcp://127.0.0.1:0', authkey, limits });
  await manager.start();
  const client = Manager.connect(manager.address, { authkey });
  const list = sync(client).list([1]);
  expect([list.push(2), [...list], list[1]]).toEqual([2, [1, 2], 2]);
  const big = Buffer.alloc(2 ** 20, 3);
  expect((sync(client).dict({ big }).get('big') as Buffer).equals(big)).toBe(true);
  await client.close();
  await until(async () => (await manager.numberOfObjects()) === 0, 'nothing to linger');
  await manager.shutdown();
});

it('whose first use blocks hears at once that the server was killed', async () => {
  const authkey = 'a key of enough bytes';
  const manager = new Manager({ address: 'tcp://127.0.0.1:0', authkey });
  await manager.start();
  const client = Manager.connect(manager.address, { authkey, retryDelayMs: 100_000 });
  const disconnected = once(client, 'disconnect');
  const blocking = sync(client).list([1]);
  expect(blocking.length).toBe(1);
  const pid = manager.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  while (!hasEnded(pid)); // the event loop has not turned: there is no link yet
  const [reason] = (await disconnected) as [Error];
  expect(reason).toBeInstanceOf(ConnectionLostError);
  expect(() => blocking.length).toThrow(ConnectionLostError);
  await client.close();
  await manager.shutdown();
});

it('a port that is chosen by the system is not known to who blocks', async () => {
  const manager = new Manager({ address: 'tcp://127.0.0.1:0' });
  expect(() => sync(manager).list().length).toThrow('await manager.start()');
  await manager.shutdown();
});

it('what stops a start is told to who blocks for it', async () => {
  const manager = new Manager({ types: require.resolve('../fixtures/eager') + '.missing' });
  expect(() => sync(manager).list().length).toThrow('missing');
  await manager.shutdown();
});

it('is refused where there is nothing to block for', () => {
  expect(() => sync({})).toThrow(UsageError);
  expect(() => sync(Promise.resolve({}))).toThrow('await it');
});
