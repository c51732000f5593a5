// The real collector, here (the jest project `gc`) and in the manager (--expose-gc).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DictProxy,
  type ListProxy,
  Manager,
  type Remote,
  release,
  revive,
} from '../../src/index';
import type { Counter } from '../fixtures/classes';
import { Child } from '../support/runners';
import { endManager, expectNothingHeld } from '../support/managers';
import { until } from '../support/until';

class TestManager extends Manager {
  static {
    this.register('Counter', { module: require.resolve('../fixtures/classes'), export: 'Counter' });
  }
}

const root = mkdtempSync(join(tmpdir(), 'referent-test-'));
const manager = new TestManager({
  limits: { lingerMs: 100, ticketMs: 5000 },
  execArgv: ['--expose-gc'],
});
let collector: Remote<Counter>;

const collect = globalThis.gc as () => void;

/** Collects here until `numberOfObjects()` is what is expected, the collector's own object not counted. */
async function collected(expected: number): Promise<void> {
  await until(
    async () => {
      collect();
      return (await manager.numberOfObjects()) === expected + 1;
    },
    `${String(expected)} objects`,
  );
}
/** Collects in the manager until it has so many objects in all, contained ones too. */
async function remaining(expected: number): Promise<void> {
  await until(
    async () => {
      await collector.collect();
      return (
        (await manager.inspect()).objects.filter(({ typeid }) => typeid !== 'Counter').length ===
        expected
      );
    },
    `${String(expected)} objects in the manager`,
  );
}

beforeAll(async () => {
  collector = manager.create<Counter>('Counter');
  await manager.start();
});
afterEach(() => collected(0));
afterAll(async () => {
  release(collector);
  await endManager(manager);
  rmSync(root, { recursive: true });
});

test('a dropped proxy is given back by the collector', async () => {
  await (async () => {
    const list = manager.list([1]);
    await list.push(2);
    expect(await manager.numberOfObjects()).toBe(2);
  })();
  await collected(0);
  await remaining(0);
});

test('an iteration that was abandoned without return is given back', async () => {
  const list = manager.list([1, 2, 3]);
  await (async () => {
    await list.values({ batch: 1 }).next();
    expect(await manager.numberOfObjects()).toBe(3);
  })();
  await collected(1);
  release(list);
});

test('a proxy in use is not collected, nor one whose call is under way', async () => {
  const list = manager.list([1]);
  await (async () => {
    const pending = (() => manager.list([1, 2]).length)();
    collect();
    expect(await pending).toBe(2);
  })();
  await collected(1);
  expect(await list.length).toBe(1);
  release(list);
});

test('a member keeps its root', async () => {
  const total = (() => manager.create<Counter>('Counter', 5).items)();
  collect();
  await manager.ping();
  collect();
  expect(await total).toHaveLength(1);
});

test('nesting: what a container holds lives, and goes with it', async () => {
  const outer = manager.dict<string, ListProxy>();
  await (async () => {
    const middle = manager.list<unknown>();
    await middle.push(manager.list(['deepest']));
    await outer.set('middle', middle);
  })();
  await collected(1);
  await remaining(3);
  await (async () => {
    const middle = (await outer.get('middle')) as ListProxy<ListProxy>;
    const deepest = await middle.get(0);
    expect(await deepest.toArray()).toEqual(['deepest']);
  })();
  await collected(1);
  await outer.clear();
  await remaining(1);
  release(outer);
  await remaining(0);
});

test('cycles go when nobody holds them', async () => {
  await (async () => {
    const one = manager.list<unknown>();
    const two = manager.dict<string, unknown>();
    await one.push(one, two);
    await two.set('one', one);
  })();
  await collected(0);
  await remaining(0);
});

test('an object that only a token in a file holds survives, and opens', async () => {
  const file = join(root, 'token.json');
  await (async () => {
    const list = manager.list(['kept']);
    writeFileSync(file, JSON.stringify({ list }));
    await list.length;
  })();
  await collected(0);
  await collector.collect();
  await collector.collect();
  const { list } = revive(JSON.parse(readFileSync(file, 'utf8')) as { list: ListProxy });
  expect(await list.toArray()).toEqual(['kept']);
  release(list);
});

test('what only a session held goes with the session that was killed', async () => {
  const child = new Child();
  const shared = manager.list<unknown>();
  await child.run(
    async (library, state, argument: { shared: unknown; address: string }) => {
      const own = library.Manager.connect(argument.address);
      await own.start();
      const list = library.revive(argument).shared as ListProxy;
      state.all = [own, list, own.dict({ only: 'mine' })];
      await list.push(own.dict({ contained: true }));
    },
    { shared, address: manager.address },
  );
  await child.kill();
  await collected(1);
  await (async () => {
    const dict = (await shared.get(0)) as DictProxy;
    expect(await dict.get('contained')).toBe(true);
  })();
  await collected(1);
  await until(async () => (await manager.inspect()).sessions.length === 1);
  release(shared);
});

test('callbacks are given back when the manager has dropped them', async () => {
  const counter = manager.create<Counter>('Counter');
  let callback: ((value: number) => number) | undefined = (value) => value + 1;
  const reference = new WeakRef(callback);
  expect(await counter.call(callback, 1)).toBe(2);
  callback = undefined;
  await until(async () => {
    await collector.collect();
    await manager.ping();
    collect();
    return reference.deref() === undefined;
  }, 'the callback to be collected');
  release(counter);
});

test('ten thousand lists are given back by the collector', async () => {
  await (async () => {
    const lists = Array.from({ length: 10_000 }, (_, i) => manager.list([i]));
    expect(await lists[9999]?.at(0)).toBe(9999);
  })();
  await collected(0);
});

test('proxies that were read, iterated and revived are given back', async () => {
  await (async () => {
    const inner = manager.list([1]);
    const outer = manager.list(Array.from({ length: 10 }, () => inner));
    for await (const item of outer.values({ batch: 3 })) expect(await item.length).toBe(1);
    await outer.toArray();
    revive(structuredClone({ deep: [outer, inner] }));
  })();
  await collected(0);
});

test('in the end nothing is held', async () => {
  release(collector);
  await expectNothingHeld(manager);
  collector = manager.create<Counter>('Counter');
});
