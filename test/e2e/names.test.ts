import {
  type DictProxy,
  type EventProxy,
  FenceError,
  type ListProxy,
  type LockProxy,
  Manager,
  ObjectGoneError,
  type Remote,
  TimeoutError,
  UsageError,
  handle,
  isProxy,
  oneway,
  release,
  revive,
  sameReferent,
  sync,
  tokenOf,
  view,
  withOptions,
} from '../../src/index';
import { type Counter } from '../fixtures/classes';
import { Child } from '../support/runners';
import { SHORT_LIMITS, endManager, expectNothingHeld } from '../support/managers';
import { until } from '../support/until';

class TestManager extends Manager {
  static {
    this.register('Counter', { module: require.resolve('../fixtures/classes'), export: 'Counter' });
  }
}

const manager = new TestManager({ limits: SHORT_LIMITS });
const made: object[] = [];

/** The factory's own proxy is released after the test; the name keeps the object meanwhile. */
function mine<T extends object>(proxy: T): T {
  made.push(proxy);
  return proxy;
}

/** A member that is not called is no promise yet, and a function: jest would call it. */
async function value<T>(member: T): Promise<Awaited<T>> {
  return await member;
}

beforeAll(() => manager.start());
afterEach(async () => {
  for (const key of await manager.names.keys()) await manager.names.delete(key);
  for (const proxy of made.splice(0)) release(proxy);
  await until(async () => (await manager.inspect()).sessions.length === 1, 'the end of children');
  await expectNothingHeld(manager);
});
afterAll(() => endManager(manager));

describe('a named handle', () => {
  test('has the members of what it stands for: calls, properties, iteration, arguments', async () => {
    const list = manager.named('list', () => mine(manager.list([1, 2])));
    await expect(list.push(3)).resolves.toBe(3);
    await expect(value(list.length)).resolves.toBe(3);
    const items: number[] = [];
    for await (const item of list) items.push(item);
    for await (const [index] of list.entries()) items.push(index);
    expect(items).toEqual([1, 2, 3, 0, 1, 2]);
    await list.sort((a, b) => b - a);
    const outer = mine(manager.list<unknown>());
    await outer.push(list);
    const inner = mine((await outer.get(0)) as ListProxy<number>);
    await expect(inner.toArray()).resolves.toEqual([3, 2, 1]);
    expect(sameReferent(inner, mine((await manager.names.get('list')) as object))).toBe(true);
  });

  test('is of no class, and says what it is without asking anybody', () => {
    const list = manager.named<ListProxy>('nothing there');
    expect(list.typeid).toBe('named');
    expect(handle(list).typeid).toBe('named');
    expect(handle(list).address).toBe(manager.address);
    expect(() => handle(list).id).toThrow(UsageError);
    expect(String(list)).toContain(`<named object 'nothing there' at ${manager.address}>`);
    expect(isProxy(list)).toBe(true);
    expect((list as { then?: unknown }).then).toBeUndefined();
    release(list);
  });

  test('reaches into a remote object, in one write and with one answer', async () => {
    const counter = manager.named('counter', () => mine(manager.create<Counter>('Counter', 1)));
    await expect(value(counter.total)).resolves.toBe(1);
    await expect(value(counter.items[0]?.name)).resolves.toBe('first');
    await expect(counter.items[0]?.tags.push('b')).resolves.toBe(2);
    const { calls } = await manager.inspect();
    await expect(value(counter.add(2).add(3).total)).resolves.toBe(6);
    expect((await manager.inspect()).calls.total - calls.total).toBe(4);
    (counter as unknown as { total: number }).total = 10;
    await expect(value(counter.double)).resolves.toBe(20);
    await expect(handle(counter).keys()).resolves.toContain('total');
  });

  test('takes handle, view, withOptions, oneway and tokenOf', async () => {
    const dict = manager.named('dict', () => mine(manager.dict({ a: [1] })));
    await expect(handle(dict).has('a')).resolves.toBe(true);
    await expect(view(dict).get('a').push(2)).resolves.toBe(2);
    oneway(dict).set('b', [0]);
    await expect(withOptions(dict, { timeoutMs: 5000 }).get('b')).resolves.toEqual([0]);
    await expect(dict._getValue()).resolves.toEqual(new Map([['a', [1, 2]], ['b', [0]]])); // prettier-ignore
    await expect(dict.toStringRemote()).resolves.toContain("'a' =>");
    expect(sameReferent(dict, manager.named('dict'))).toBe(true);
    expect(sameReferent(dict, manager.named('other'))).toBe(false);
    expect(() => tokenOf(dict, { ttlMs: 5 })).toThrow(UsageError);
    await expect(tokenOf(dict)).resolves.toMatch(/^smname1\./);
  });

  test('of a lock makes conditions, and guards calls', async () => {
    const lock = manager.named('lock', () => mine(manager.lock()));
    await lock.locked();
    const condition = mine(manager.condition(lock));
    const list = mine(manager.list<number>());
    const handed = await lock.acquire();
    await expect(condition.locked()).resolves.toBe(true);
    const guarded = mine(withOptions(list, { guard: handed }));
    await guarded.push(1);
    await condition.notify();
    await handed.release();
    await expect(guarded.push(2)).rejects.toThrow(FenceError);
    await expect(list.toArray()).resolves.toEqual([1]);
  });

  test('behind sync does what the language does', () => {
    const shared = sync(manager);
    const list = shared.named<ListProxy<string>>('sync', () => mine(manager.list(['a'])));
    list.push('b');
    expect([list.length, list[0], 1 in list, [...list]]).toEqual([2, 'a', true, ['a', 'b']]);
    const lock = shared.named<LockProxy>('lock', () => mine(shared.lock()));
    {
      using held = lock.acquire();
      expect([lock.locked(), held.abandoned]).toEqual([true, undefined]);
    }
    expect(lock.use(() => lock.locked())).toBe(true);
    expect(lock.locked()).toBe(false);
    expect(sync(manager.named<ListProxy<string>>('sync')).at(-1)).toBe('b');
    const late = shared.named('late', (async () => mine(manager.list())) as never) as ListProxy;
    expect(() => late.length).toThrow(/answers a promise/);
  });
});

describe('late binding', () => {
  test('follows a name to what it stands for now, and to another class', async () => {
    const first = manager.named<ListProxy<number>>('key', () => mine(manager.list([1])));
    const second = manager.named<ListProxy<number>>('key');
    await first.length;
    await expect(second.toArray()).resolves.toEqual([1]);
    await manager.names.replace('key', () => mine(manager.list([2])));
    await expect(first.toArray()).resolves.toEqual([2]);
    await manager.names.replace('key', mine(manager.dict({ a: 1 })));
    const dict = first as unknown as DictProxy<string, number>;
    await expect(dict.toObject()).resolves.toEqual({ a: 1 }); // no member of lists
    await expect(value((second as unknown as DictProxy).size)).resolves.toBe(1);
    await expect((dict as unknown as { no(): unknown }).no()).rejects.toThrow(TypeError);
    const blocked = sync(dict);
    await manager.names.replace('key', mine(manager.list([3])));
    expect((blocked as unknown as ListProxy).toArray()).toEqual([3]);
  });

  test('does not let go of an object in the middle of a use', async () => {
    const lock = manager.named('key', () => mine(manager.lock()));
    const before = mine((await lock.use(() => manager.names.get('key'))) as LockProxy);
    await lock.use(async () => {
      await manager.names.replace('key', mine(manager.lock()));
      await expect(before.locked()).resolves.toBe(true);
      await expect(lock.locked()).resolves.toBe(false); // another use
    });
    await expect(before.locked()).resolves.toBe(false); // what was acquired was released
    await using held = await lock.acquire();
    await manager.names.delete('key');
    await held.release();
  });

  test('runs a call that came to the wrong object nowhere, and once on the right one', async () => {
    const counter = manager.named('key', () => mine(manager.create<Counter>('Counter', 0)));
    mine(await counter.add(1));
    const list = mine(manager.list<number>());
    const replaced = manager.names.replace('key', list);
    const pushed = (counter as unknown as ListProxy<number>).push(7); // in the same write
    await replaced;
    await expect(pushed).resolves.toBe(1);
    void (counter as unknown as ListProxy<number>).push(8); // nobody waits for it
    await until(async () => (await list.length) === 2, 'the call that nobody awaited');
  });

  test('keeps nothing alive: neither an idle handle nor one that was used', async () => {
    const list = manager.named('key', () => mine(manager.list([1])));
    await list.length;
    await manager.names.replace('key', 1);
    await expect(manager.names.get('key')).resolves.toBe(1);
    await expect(value(list.length)).rejects.toThrow(/stands for a plain value/);
    release(made.pop() as object);
    await until(async () => (await manager.numberOfObjects()) === 0, 'nothing to be held', 2000);
  });
});

describe('names', () => {
  test('hold plain values and shared objects, by keys of every kind', async () => {
    for (const key of ['text', 7, 7n, true, null, undefined] as const) {
      await manager.names.replace(key, { is: [key] });
      await expect(manager.names.get(key)).resolves.toEqual({ is: [key] });
    }
    await expect(manager.names.keys()).resolves.toEqual(['text', 7, 7n, true, null, undefined]);
    await manager.names.replace('nothing', undefined);
    await expect(manager.names.get('nothing')).resolves.toBeUndefined();
    await expect(manager.names.has('nothing')).resolves.toBe(true);
    await expect(manager.names.delete('nothing')).resolves.toBe(true);
    await expect(manager.names.delete('nothing')).resolves.toBe(false);
    await expect(manager.names.get('nothing')).rejects.toThrow(ObjectGoneError);
    await manager.names.replace('nested', [mine(manager.list([1]))]);
    const [list] = (await manager.names.get('nested')) as [ListProxy];
    await expect(value(mine(list).length)).resolves.toBe(1);
  });

  test('count as holders of their objects', async () => {
    const list = manager.list([1]);
    await manager.names.replace('key', list);
    release(list);
    await expect(manager.numberOfObjects()).resolves.toBe(1);
    const { objects } = await manager.inspect();
    expect(objects.filter(({ names }) => names > 0)).toMatchObject([{ typeid: 'list', names: 1 }]);
    await expect(value(manager.named<ListProxy>('key').length)).resolves.toBe(1);
  });

  test('refuse keys that are objects, and what would die with its process', async () => {
    expect(() => manager.named({} as never)).toThrow(UsageError);
    await expect(manager.names.get([] as never)).rejects.toThrow(UsageError);
    await expect(manager.names.replace('key', { call: () => 1 })).rejects.toThrow(
      /cannot be copied into a shared object/,
    );
    expect(() => manager.named('key', mine(manager.list()) as never)).toThrow(/must be a function/);
    expect(() => manager.named('key', undefined, { ttlMs: 5 })).toThrow(/for what its factory/);
    expect(() => manager.named('key', () => manager.list(), { ttlMs: 0 })).toThrow(/"ttlMs"/);
    await expect(manager.names.has('key')).resolves.toBe(false);
  });

  test('end with their time, which use renews', async () => {
    const list = manager.named('key', () => mine(manager.list()), { ttlMs: 150 });
    await list.push(1);
    release(made.pop() as object);
    await until(async () => !(await manager.names.has('key')), 'the end of the name', 3000);
    await expect(value(manager.named<ListProxy>('key').length)).rejects.toThrow(ObjectGoneError);
  });
});

describe('get or create', () => {
  test('tells every call that waits why the factory failed, and tries anew with the next', async () => {
    let runs = 0;
    const list = manager.named('key', () => {
      if (++runs === 1) throw new RangeError('not today');
      return mine(manager.list());
    });
    const calls = await Promise.allSettled([list.push(1), list.length]);
    expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((calls[0] as PromiseRejectedResult).reason).toBeInstanceOf(RangeError);
    await expect(list.push(1)).resolves.toBe(1);
    expect(runs).toBe(2);
  });

  test('refuses a factory that answers no proxy, or an object that cannot be made', async () => {
    const five = manager.named('five', (() => 5) as never) as ListProxy;
    await expect(value(five.length)).rejects.toThrow(/must answer a proxy, .* and not number/);
    const plain = manager.named('plain', () => ({ a: 1 }));
    await expect(value(plain.a as unknown)).rejects.toThrow(/must answer a proxy of this manager/);
    const broken = manager.named('broken', () => mine(manager.create<Counter>('Counter', -1)));
    await expect(value(broken.total)).rejects.toThrow(/start must not be negative/);
    await expect(manager.names.keys()).resolves.toEqual([]);
  });

  test('waits no longer than the handle allows, or its signal', async () => {
    let give!: (list: ListProxy) => void;
    const slow = manager.named('key', () => new Promise<ListProxy>((resolve) => (give = resolve)));
    const first = value(slow.length);
    await using child = await joined();
    const late = await child.run(async (_library, state) => {
      const { library, own } = state as { library: typeof import('../../src/index'); own: Manager };
      const list = library.withOptions(
        own.named('key', () => own.list()),
        { timeoutMs: 50 },
      );
      return await list.length.then(
        () => 'made',
        (error: Error) => error.name,
      );
    });
    expect(late).toBe('TimeoutError');
    give(mine(manager.list([1])));
    await expect(first).resolves.toBe(1);
  });

  test('runs one factory, whichever of two processes is first', async () => {
    await using one = await joined();
    await using other = await joined();
    const race = (child: Joined) =>
      child.run(async (_library, state) => {
        const own = state.own as Manager;
        let runs = 0;
        for (let round = 0; round < 20; round++) {
          const list = own.named(`round ${round}`, async () => {
            runs++;
            await new Promise((resolve) => setTimeout(resolve, round % 3));
            return own.list<number>();
          });
          await list.push(process.pid);
        }
        return runs;
      });
    const runs = await Promise.all([race(one), race(other)]);
    expect(runs[0] + runs[1]).toBe(20);
    for (const key of await manager.names.keys())
      await expect(value(manager.named<ListProxy>(key).length)).resolves.toBe(2);
  });

  test('goes to the next when the creator is killed inside of its factory; other names do not wait', async () => {
    const child = await joined();
    const inside = child.run(async (_library, state) => {
      const own = state.own as Manager;
      const list = own.named('key', () => {
        process.send?.('inside');
        return new Promise<ListProxy>(() => undefined);
      });
      await list.length;
    });
    inside.catch(() => undefined);
    await new Promise((resolve) => {
      child.process.on('message', (message) => message === 'inside' && resolve(undefined));
    });
    const list = manager.named('key', () => mine(manager.list(['heir'])));
    const items = list.toArray();
    const other = manager.named('other', () => mine(manager.list(['at once'])));
    await expect(other.toArray()).resolves.toEqual(['at once']); // the slow factory holds up nobody else
    await expect(manager.names.has('key')).resolves.toBe(false);
    await child.kill();
    await expect(items).resolves.toEqual(['heir']);
  });

  test('with `owned`: the name goes with its creator, and the next one makes it', async () => {
    const child = await joined();
    await child.run(async (_library, state) => {
      const own = state.own as Manager;
      await own.named('leader', () => own.list([process.pid]), { owned: true }).length;
    });
    const leader = manager.named('leader', () => mine(manager.list([process.pid])));
    await expect(leader.get(0)).resolves.toBe(child.process.pid);
    await child.kill();
    await until(async () => !(await manager.names.has('leader')), 'the end of the name');
    await expect(leader.get(0)).resolves.toBe(process.pid);
  });
});

describe('travelling', () => {
  test('a named handle goes as its name, and is late bound wherever it comes', async () => {
    const list = manager.named('key', () => mine(manager.list([1])));
    await list.length;
    await using child = await joined();
    const run = (what: object) =>
      child.run(async (library, _state, argument: object) => {
        const { it } = library.revive(argument) as { it: ListProxy };
        return [it.typeid, await it.toArray()];
      }, what);
    const sent = JSON.parse(JSON.stringify({ it: list })) as object;
    await expect(run(sent)).resolves.toEqual(['named', [1]]);
    await manager.names.replace('key', mine(manager.list([2])));
    await expect(run(sent)).resolves.toEqual(['named', [2]]);
    for (const copy of [
      structuredClone({ list }),
      { list: JSON.parse(JSON.stringify(sync(list))) },
    ])
      await expect(revive(copy as { list: typeof list }).list.toArray()).resolves.toEqual([2]);
  });

  test('into another manager it goes late bound too', async () => {
    const other = new Manager({ limits: SHORT_LIMITS });
    const list = manager.named('key', () => mine(manager.list([1])));
    await list.length;
    const outer = other.list([list]);
    const inner = (await outer.get(0)) as ListProxy<number>;
    expect(inner.typeid).toBe('named');
    await manager.names.replace('key', mine(manager.list([2])));
    await expect(inner.toArray()).resolves.toEqual([2]);
    release(outer);
    await endManager(other);
  });

  test('a loop over what has no items says what it is', async () => {
    const lock = manager.named<object>('lock', () =>
      mine(manager.lock()),
    ) as AsyncIterable<unknown>;
    await expect(async () => {
      for await (const item of lock) void item;
    }).rejects.toThrow(/^Cannot iterate with for await: .*lock.* is not iterable$/i);
    await manager.names.delete('lock');
  });

  test('a server gives its own live objects names', async () => {
    const server = new Manager({ authkey: 'x'.repeat(16) }).getServer();
    await server.listen();
    const live = { count: 0, add: (by: number) => (live.count += by), _secret: 1 };
    server.publish('live', live);
    const client = Manager.connect(server.address);
    const remote = client.named<Remote<typeof live>>('live');
    await expect(remote.add(2)).resolves.toBe(2);
    expect(live.count).toBe(2);
    await expect(handle(remote).get('_secret')).rejects.toThrow('not exposed');
    await expect(client.numberOfObjects()).resolves.toBe(1);
    await client.close();
    await server.close();
  });
});

/** A process that is a client of the manager: `state.own`. */
type Joined = Child & AsyncDisposable;

async function joined(): Promise<Joined> {
  const child = new Child();
  await child.run(async (library, state, address: string) => {
    state.library = library;
    state.own = library.Manager.connect(address);
    await (state.own as Manager).start();
  }, manager.address);
  return Object.assign(child, { [Symbol.asyncDispose]: () => child.kill() });
}

describe('of a manager with options', () => {
  test('a named handle and the names have them, and what names.get answers', async () => {
    const hasty = withOptions(manager, { timeoutMs: 50 });
    const events = ['named', 'sync', 'got'].map((key) => [key, manager.named(key, () => mine(manager.event()))] as const); // prettier-ignore
    for (const [, event] of events) await event.isSet();
    const named = hasty.named<EventProxy>('named');
    await expect(named.wait()).rejects.toBeInstanceOf(TimeoutError);
    expect(() => sync(hasty).named<EventProxy>('sync').wait()).toThrow(TimeoutError);
    const got = mine((await hasty.names.get('got')) as EventProxy);
    await expect(got.wait()).rejects.toBeInstanceOf(TimeoutError);
    const gone = withOptions(manager, { signal: AbortSignal.abort() });
    await expect(gone.names.keys()).rejects.toThrow('aborted');
    await expect(gone.names.has('named')).rejects.toThrow('aborted');
    await expect(manager.names.has('named')).resolves.toBe(true);
  });
});

describe('a named handle as what a container is filled with', () => {
  test('is read in the manager, as a proxy is', async () => {
    const numbers = manager.named('numbers', () => mine(manager.list([1, 2])));
    const members = manager.named('members', () => mine(manager.set([2, 3])));
    await numbers.push(2);
    await members.add(4);
    const list = mine(manager.list(numbers as unknown as Iterable<number>));
    await expect(list.extend(numbers)).resolves.toBe(6);
    const blocking = mine(sync(list));
    expect(blocking.extend(numbers)).toBe(9);
    await expect(numbers.extend(numbers)).resolves.toBe(6);
    const set = mine(manager.set([1, 2]));
    await expect(set.intersection(members)).resolves.toEqual(new Set([2]));
    await set.unionUpdate(members);
    await expect(set.isSupersetOf(members)).resolves.toBe(true);
    const copy = mine(manager.set(members as unknown as Iterable<number>));
    await expect(copy.values()).resolves.toEqual([2, 3, 4]);
  });

  test('of another manager is refused with a remedy, and nothing is changed', async () => {
    await using other = new Manager({ limits: SHORT_LIMITS });
    const far = other.named('far', () => mine(other.list([1])));
    await far.push(2);
    const [list, set] = [mine(manager.list([0])), mine(manager.set([0]))];
    await expect(list.extend(far)).rejects.toThrow('await manager.names.get(key)');
    await expect(set.unionUpdate(far as never)).rejects.toThrow('await manager.names.get(key)');
    await expect(list.toArray()).resolves.toEqual([0]);
    const near = (await other.names.get('far')) as ListProxy<number>;
    await expect(list.extend(near)).resolves.toBe(3);
    release(near);
  });
});
