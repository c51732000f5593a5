import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import {
  type DictProxy,
  type ListProxy,
  Manager,
  isProxy,
  release,
  revive,
  sameReferent,
  tokenOf,
  withOptions,
} from '../../src/index';
import { Child, Thread } from '../support/runners';
import { SHORT_LIMITS, endManager, expectNothingHeld } from '../support/managers';
import { until } from '../support/until';

const root = mkdtempSync(join(tmpdir(), 'referent-test-'));
const manager = new Manager({ limits: SHORT_LIMITS });
const made: object[] = [];
let json: Child;
let advanced: Child;

function mine<T extends object>(proxy: T): T {
  made.push(proxy);
  return proxy;
}
/** Pushes to the list that comes as `argument.list`, and gives it back. */
const push = async (
  library: typeof import('../../src/index'),
  _state: unknown,
  argument: { list: unknown },
) => {
  const { list } = library.revive(argument) as { list: ListProxy };
  await list.push('child');
  const kind = list.constructor.name;
  library.release(list);
  return kind;
};

beforeAll(async () => {
  json = new Child();
  advanced = new Child({ serialization: 'advanced' });
  await manager.start();
});
afterEach(async () => {
  for (const proxy of made.splice(0)) release(proxy);
  await until(
    async () => (await manager.inspect()).sessions.every(({ references }) => references === 0),
    'no references',
    2000,
  );
  expect(await manager.numberOfObjects()).toBe(0);
});
afterAll(async () => {
  await json.kill();
  await advanced.kill();
  await until(
    async () => (await manager.inspect()).sessions.length === 1,
    'the end of the sessions of children',
  );
  await expectNothingHeld(manager);
  await endManager(manager);
  rmSync(root, { recursive: true });
});

describe('to another process', () => {
  test.each(['json', 'advanced'] as const)('by child.send in %s', async (name) => {
    const child = name === 'json' ? json : advanced;
    const list = mine(manager.list(['parent']));
    await expect(child.run(push, { list })).resolves.toBe('ListProxy');
    await expect(list.toArray()).resolves.toEqual(['parent', 'child']);
  });

  test('by worker.postMessage', async () => {
    const thread = new Thread();
    const list = mine(manager.list(['parent']));
    await expect(thread.run(push, { list })).resolves.toBe('ListProxy');
    await expect(list.toArray()).resolves.toEqual(['parent', 'child']);
    await thread.end();
  });

  test('and back, where it is the same referent', async () => {
    const list = mine(manager.list([1]));
    const back = await advanced.run(
      (library, state, argument: { list: unknown }) => {
        state.list = library.revive(argument).list;
        return { deep: [new Map([['list', state.list]])] };
      },
      { list },
    );
    const revived = mine(revive(back).deep[0]?.get('list') as ListProxy);
    expect(sameReferent(revived, list)).toBe(true);
    await revived.push(2);
    await expect(list.length).resolves.toBe(2);
    await advanced.run((library, state) => {
      library.release(state.list as object);
    });
  });

  test('what a child made lives on after the child was killed, held by who received it', async () => {
    const child = new Child({ serialization: 'advanced' });
    const seed = mine(manager.list());
    const dict = await child.run(
      async (library, state, argument: { seed: unknown; address: string }) => {
        const own = library.Manager.connect(argument.address);
        await own.start();
        state.dict = own.dict({ from: 'the dead' });
        const sent = { dict: structuredClone({ dict: state.dict as unknown }).dict };
        await own.ping(); // the manager has heard of it
        return sent;
      },
      { seed, address: manager.address },
    );
    const received = mine(revive(dict).dict as DictProxy<string, string>);
    await child.kill();
    await expect(received.get('from')).resolves.toBe('the dead');
    await until(async () => (await manager.inspect()).sessions.length <= 3);
    await expect(received.get('from')).resolves.toBe('the dead');
  });
});

describe('through serializers', () => {
  test('structuredClone, v8 and JSON, nested at any depth', async () => {
    const list = mine(manager.list([1]));
    const data = { deep: [{ list }, new Map([['k', new Set([list])]])] };
    for (const copy of [structuredClone(data), deserialize(serialize(data)) as typeof data]) {
      const revived = revive(copy);
      const [first, map] = revived.deep as [{ list: ListProxy }, Map<string, Set<ListProxy>>];
      const second = [...(map.get('k') as Set<ListProxy>)][0] as ListProxy;
      expect(sameReferent(mine(first.list), list)).toBe(true);
      if (second !== first.list) mine(second);
      expect(sameReferent(second, list)).toBe(true);
    }
    const text = JSON.stringify({ a: [list] });
    const { a } = revive(JSON.parse(text) as { a: [ListProxy] });
    await expect(mine(a[0]).toArray()).resolves.toEqual([1]);
  });

  test('a file, read by another process while its sender has dropped the proxy', async () => {
    const file = join(root, 'token.json');
    const list = manager.list(['kept']);
    writeFileSync(file, JSON.stringify({ list }));
    release(list);
    await manager.ping();
    const items = await json.run(async (library, _state, path: string, need) => {
      const { readFileSync: read } = need('node:fs') as typeof import('node:fs');
      const { list: revived } = library.revive(
        JSON.parse(read(path, 'utf8')) as { list: ListProxy },
      );
      const all = await revived.toArray();
      library.release(revived);
      return all;
    }, file);
    expect(items).toEqual(['kept']);
    const again = mine(revive(JSON.parse(readFileSync(file, 'utf8')) as { list: ListProxy }).list);
    await expect(again.toArray()).resolves.toEqual(['kept']);
  });

  test('a token that nobody claimed in time keeps nothing alive', async () => {
    const list = manager.list();
    const id = parseInt(list.id, 36);
    const token = structuredClone({ list });
    release(list);
    const row = async () => (await manager.inspect()).objects.find((object) => object.id === id);
    expect((await row())?.tickets).toBe(1);
    await until(async () => ((await row())?.tickets ?? 0) === 0, 'the ticket to end', 4000);
    // Nothing keeps it; until the collector comes it may still be there.
    const late = revive(token).list;
    const outcome = await late.length.then(
      (length) => `length ${String(length)}`,
      (error: Error) => error.name,
    );
    expect(outcome).toMatch(/^(?:length 0|TicketGoneError|ObjectGoneError)$/);
    release(late);
  });

  test('options stay with the handle that has them', async () => {
    const list = mine(manager.list([1]));
    const refusing = mine(withOptions(list, { signal: AbortSignal.abort('no more') }));
    await expect(refusing.at(0)).rejects.toBe('no more');
    const sent = JSON.parse(JSON.stringify(refusing)) as typeof list;
    await expect(mine(revive(sent)).at(0)).resolves.toBe(1);
  });

  test('revive leaves everything else alone', () => {
    const list = mine(manager.list());
    const value = { a: 1, list, date: new Date(0), bytes: new Uint8Array(2), nothing: null };
    const same = revive(value);
    expect(same).toBe(value);
    expect(same.list).toBe(list);
    expect(revive(5)).toBe(5);
    expect(revive(undefined)).toBeUndefined();
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    expect(revive(cyclic).self).toBe(cyclic);
  });
});

describe('into shared objects', () => {
  test('as an argument and an element of a container of the same manager', async () => {
    const inner = mine(manager.list([1]));
    const dict = mine(manager.dict<string, unknown>());
    await dict.set('plain', { deep: [inner] });
    const { deep } = (await dict.get('plain')) as { deep: [ListProxy] };
    expect(sameReferent(mine(deep[0]), inner)).toBe(true);
  });

  test('as an element of a container of another manager, read back by a third process', async () => {
    const other = new Manager({ limits: SHORT_LIMITS });
    await other.start();
    const inner = manager.list<unknown>(['of the first']);
    const outer = other.list<unknown>();
    await outer.push(inner, { deep: inner });
    release(inner); // the other manager holds it now
    const items = await advanced.run(
      async (library, _state, argument: { outer: unknown }) => {
        const { outer: list } = library.revive(argument) as { outer: ListProxy<ListProxy> };
        const read = (await list.get(0)) as ListProxy;
        await read.push('of the third');
        const all = await read.toArray();
        library.release(read);
        library.release(list);
        return all;
      },
      { outer },
    );
    expect(items).toEqual(['of the first', 'of the third']);
    const mineAgain = mine((await outer.get(0)) as ListProxy);
    await expect(mineAgain.toArray()).resolves.toEqual(items);
    expect(await other.numberOfObjects()).toBe(1);
    release(outer);
    await other.shutdown();
    await until(async () =>
      (await manager.inspect()).sessions.every(({ references }) => references <= 1),
    );
  });

  test('an answer of another manager is a proxy of the first', async () => {
    const other = new Manager({ limits: SHORT_LIMITS });
    await other.start();
    const inner = mine(manager.dict({ a: 1 }));
    const outer = other.dict<string, unknown>({ inner } as never);
    const read = mine((await outer.get('inner')) as DictProxy);
    expect(read.constructor.name).toBe('DictProxy');
    await read.set('b', 2);
    await expect(inner.size).resolves.toBe(2);
    await expect(outer._callMethod('compareAndSet', ['inner', inner, 1])).resolves.toEqual(
      expect.any(Boolean),
    );
    release(outer);
    await other.shutdown();
  });
});

describe('in any order', () => {
  test('the receiver comes first: sent in the very first tick', async () => {
    const early = new Manager({ limits: SHORT_LIMITS });
    const list = early.list(['early']);
    const running = json.run(push, { list });
    await expect(running).resolves.toBe('ListProxy');
    await expect(list.toArray()).resolves.toEqual(['early', 'child']);
    release(list);
    await until(async () => (await early.numberOfObjects()) === 0);
    await early.shutdown();
  });

  test('the sender dropped its proxy in the very first tick too', async () => {
    const early = new Manager({ limits: SHORT_LIMITS });
    const list = early.list(['early']);
    const running = json.run(
      async (library, _state, argument: { list: unknown }) => {
        const revived = library.revive(argument).list as ListProxy;
        const items = await revived.toArray();
        library.release(revived);
        return items;
      },
      { list },
    );
    release(list);
    await expect(running).resolves.toEqual(['early']);
    await until(async () => (await early.numberOfObjects()) === 0);
    await early.shutdown();
  });

  test('the sender was killed before the receiver claims', async () => {
    const child = new Child();
    const token = await child.run(async (library, state, address: string) => {
      const own = library.Manager.connect(address);
      await own.start();
      state.list = own.list(['orphan']);
      const text = JSON.stringify({ list: state.list as unknown });
      await own.ping(); // the manager has heard of it
      return text;
    }, manager.address);
    await child.kill();
    const { list } = revive(JSON.parse(token) as { list: ListProxy });
    await expect(mine(list).toArray()).resolves.toEqual(['orphan']);
  });

  test('a killed client leaves no references', async () => {
    const list = mine(manager.list());
    const child = new Child();
    await child.run(
      async (library, state, argument: { list: unknown; address: string }) => {
        const own = library.Manager.connect(argument.address);
        await own.start();
        state.all = [library.revive(argument).list, own.dict(), own.list([own.list()])];
        await Promise.all(
          (state.all as ListProxy[]).map((one) =>
            one._callMethod('entries').catch(() => undefined),
          ),
        );
        await own.list().length;
      },
      { list, address: manager.address },
    );
    expect(await manager.numberOfObjects()).toBeGreaterThanOrEqual(4);
    await child.kill();
    await until(async () => (await manager.numberOfObjects()) === 1, 'the references to go', 2000);
  });

  test('a child that ends by process.exit() leaves no references either', async () => {
    const child = new Child();
    const list = mine(manager.list());
    await child.run(
      async (library, state, argument: { list: unknown }) => {
        state.list = library.revive(argument).list;
        await state.list.push(1);
        setImmediate(() => process.exit(0));
      },
      { list },
    );
    await until(async () =>
      (await manager.inspect()).objects.every(({ sessions }) => sessions <= 1),
    );
  });
});

describe('tokens that are not right', () => {
  test('of a manager that ended: an error at once, never another object', async () => {
    const address = `unix:${join(root, 'again')}`;
    const authkey = 'the same key for both of them';
    const first = new Manager({ address, authkey });
    const list = first.list(['old']);
    await list.length;
    const text = JSON.stringify({ list });
    await first.shutdown();
    const gone = revive(JSON.parse(text) as { list: ListProxy }).list;
    await expect(gone.toArray()).rejects.toMatchObject({
      name: expect.stringMatching(/StaleManager|ManagerDied|ConnectionLost/),
    });

    const second = new Manager({ address, authkey });
    const other = second.list(['new']);
    await other.length;
    const stale = revive(JSON.parse(text) as { list: ListProxy }).list;
    await expect(stale.toArray()).rejects.toMatchObject({ name: 'StaleManagerError' });
    await expect(stale.push('wrong')).rejects.toBeInstanceOf(Error);
    const third = Manager.connect(address, { authkey });
    const fromThird = revive(JSON.parse(text) as { list: ListProxy }).list;
    await expect(fromThird.toArray()).rejects.toMatchObject({ name: 'StaleManagerError' });
    await expect(other.toArray()).resolves.toEqual(['new']);
    await third.close();
    await second.shutdown();
  });

  test('forged: TicketGoneError, and the connection goes on', async () => {
    const list = mine(manager.list([1]));
    const { text } = tokenOf(list);
    await list.length;
    const characters = [...text];
    let opened = 0;
    for (let i = text.length - 1; i > text.length - 60; i -= 7) {
      const forged = [...characters];
      forged[i] = forged[i] === 'A' ? 'B' : 'A';
      const [key] = Object.keys(structuredClone({ list }).list as object);
      let revived: unknown;
      try {
        revived = revive({ [key as string]: forged.join('') });
      } catch (error) {
        expect((error as Error).name).toMatch(/TicketGone|Protocol|Usage/);
        continue;
      }
      if (!isProxy(revived)) continue;
      opened++;
      await expect((revived as ListProxy)._callMethod('toArray')).rejects.toMatchObject({
        name: expect.stringMatching(
          /TicketGone|StaleManager|Authentication|ManagerDied|ConnectionLost|Usage/,
        ),
      });
    }
    expect(opened).toBeGreaterThan(0);
    await expect(list.toArray()).resolves.toEqual([1]);
  });

  test('a token with one use opens once', async () => {
    const list = mine(manager.list([1]));
    const text = await tokenOf(list, { uses: 1 });
    const [key] = Object.keys(structuredClone({ list }).list as object) as [string];
    const first = mine(revive({ [key]: text }) as unknown as ListProxy);
    await expect(first.toArray()).resolves.toEqual([1]);
    const second = revive({ [key]: text }) as unknown as ListProxy;
    await expect(second.toArray()).rejects.toMatchObject({ name: 'TicketGoneError' });
  });

  test('garbage is no token', () => {
    const list = mine(manager.list());
    const [key] = Object.keys(structuredClone({ list }).list as object) as [string];
    for (const garbage of ['', 'x', 'a.b.c', 5, null, {}, 'r1.', '\0']) {
      const value = { [key]: garbage };
      let revived: unknown;
      try {
        revived = revive(value);
      } catch (error) {
        expect((error as Error).name).toMatch(/Error$/);
        expect((error as { code?: string }).code).toMatch(/^ERR_REFERENT/);
        continue;
      }
      expect(isProxy(revived)).toBe(false);
    }
  });
});
