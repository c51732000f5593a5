// What happens when something dies, hangs or is late: a block for each event, and in it each place
// where an object can live. Elsewhere the same events end in a hang, a leak, a lost item, or in the
// answer to another call.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeOwnHost, ownHost } from '../../src/expose/own-host';
import {
  type ListProxy,
  type LockHandle,
  type LockProxy,
  Manager,
  type QueueProxy,
  type Remote,
  TimeoutError,
  expose,
  isProxy,
  ready,
  release,
  revive,
  spawn,
  withOptions,
} from '../../src/index';
import { type Bench, type Gate } from '../fixtures/failing';
import { SHORT_LIMITS, directoryOf, isAlive } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';

const FAILING = require.resolve('../fixtures/failing');
const SPAWNED = require.resolve('../fixtures/spawned');
const authkey = 'at least sixteen bytes';

class BenchManager extends Manager {
  static {
    this.register('Bench', { module: FAILING, export: 'Bench' });
    this.register('makeSlowly', { module: FAILING, export: 'makeSlowly' });
    this.register('Gate', { module: FAILING, export: 'Gate' });
  }
}

/** An object, as this process reaches it, and the process that has it. */
interface Place extends AsyncDisposable {
  readonly bench: Remote<Bench>;
  readonly ownerPid: number;
  /** What a call rejects with that its owner did not outlive. */
  readonly loss: object;
  /** Where others need a key: what a client is told before it is given the object. */
  readonly address?: string;
}

/** Where objects can live. */
const PLACES: Record<string, () => Promise<Place>> = {
  'an object of a manager': async () => {
    const manager = new BenchManager({ limits: SHORT_LIMITS });
    await manager.start();
    return {
      bench: manager.create<Bench>('Bench'),
      ownerPid: manager.pid ?? 0,
      loss: { name: 'ManagerDiedError', exitCode: null, signal: 'SIGKILL' },
      [Symbol.asyncDispose]: () => manager.shutdown(),
    };
  },
  'a named object of a server': async () => {
    const server = await serve();
    const client = BenchManager.connect(server.address, { authkey, retries: 0 });
    const bench = client.named('bench', () => client.create<Bench>('Bench'));
    return {
      bench,
      ownerPid: server.child.process.pid ?? 0,
      loss: { name: 'ManagerDiedError', exitCode: null, signal: null }, // not our child: who knows
      address: server.address,
      [Symbol.asyncDispose]: async () => {
        await client.close();
        await server.child.kill();
      },
    };
  },
  'an object that a task exposes': async () => {
    const task = spawn({ module: FAILING, export: 'offerBench' });
    const bench = task.remote<Bench>('bench');
    await ready(bench, { process: task });
    return {
      bench,
      ownerPid: task.pid ?? 0,
      loss: { name: expect.stringMatching(/ManagerDiedError|ProcessDiedError/) as string },
      [Symbol.asyncDispose]: () => task.kill(),
    };
  },
};
const places = Object.entries(PLACES);

const children: Child[] = [];
const folder = mkdtempSync(join(tmpdir(), 'referent-test-'));
let sockets = 0;

function newChild(): Child {
  const child = new Child();
  children.push(child);
  return child;
}

/** A server in a process of its own. */
async function serve(): Promise<{ readonly child: Child; readonly address: string }> {
  const child = newChild();
  const address = await child.run(
    async ({ Manager: Served }, state, argument: string[]) => {
      const [at, key, module] = argument;
      class Shop extends Served {
        static {
          this.register('Bench', { module: module as string, export: 'Bench' });
        }
      }
      state.server = await new Shop({ address: at, authkey: key }).getServer().listen();
      return state.server.address as string;
    },
    [`unix:${join(folder, `${String(++sockets)}.sock`)}`, authkey, FAILING],
  );
  return { child, address };
}

/** A function for a method that tells by it that it has begun, and the moment when it has. */
function beginning(): { readonly begun: Promise<void>; readonly tell: () => Promise<void> } {
  let tell = (): Promise<void> => Promise.resolve();
  const begun = new Promise<void>((resolve) => {
    tell = async () => {
      await Promise.resolve();
      resolve();
    };
  });
  return { begun, tell };
}

/** A client process that has `given` as `state.it`. */
async function clientWith(given: object): Promise<Child> {
  const child = newChild();
  await child.run((library, state, it) => {
    state.it = library.revive(it);
  }, given);
  return child;
}

jest.setTimeout(60_000);

afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
});
afterAll(async () => {
  await closeOwnHost();
  rmSync(folder, { recursive: true });
});

/** One manager for the events in which only its clients die. */
const manager = new BenchManager({ limits: SHORT_LIMITS });
beforeAll(() => manager.start());
afterAll(async () => {
  const { pid } = manager;
  await until(async () => (await manager.numberOfObjects()) === 0, 'nothing to be held');
  await manager.shutdown();
  expect(isAlive(pid ?? 0)).toBe(false);
  expect(existsSync(directoryOf(manager))).toBe(false);
});

describe('its owner is killed during a call', () => {
  test.each(places)('%s: the call rejects at once, and so does the next', async (_name, open) => {
    await using place = await open();
    const { begun, tell } = beginning();
    const hanging = place.bench.hang(tell).then(undefined, (error: unknown) => error);
    await begun;
    process.kill(place.ownerPid, 'SIGKILL');
    expect(await hanging).toMatchObject(place.loss);
    await expect(place.bench.answer(1).then((value) => value)).rejects.toThrow();
    const absent = withOptions(place.bench, { defaultValue: 'nobody' });
    await expect(absent.answer('x').then((value) => value)).resolves.toBe('nobody');
  });

  test('a task: its result has exit code and signal', async () => {
    const { begun, tell } = beginning();
    await using task = spawn({ module: SPAWNED, export: 'hang' }, [tell]);
    await begun;
    process.kill(task.pid ?? 0, 'SIGKILL');
    const loss = { name: 'ProcessDiedError', exitCode: null, signal: 'SIGKILL' };
    await expect(task.result).rejects.toMatchObject(loss);
  });
});

describe('a client is killed', () => {
  test.each([
    ['a lock', false],
    ['a named lock', true],
  ])('that holds %s: the next one has it, and is told', async (_name, isNamed) => {
    using own = manager.lock();
    const lock = isNamed ? manager.named('lock', () => own) : own;
    expect(await lock.locked().then((held) => held)).toBe(false);
    const child = await clientWith(lock);
    await child.run(async (_library, state) => {
      state.handle = await (state.it as LockProxy).acquire();
    });
    const next: Promise<LockHandle> = lock.acquire().then((handle) => handle);
    await child.kill();
    const handle = await next;
    expect(handle.abandoned).toBeDefined();
    await handle.release();
    expect(await manager.names.delete('lock')).toBe(isNamed);
  });

  test('that waits for an item, and one on its way to it: neither is lost', async () => {
    const queue = manager.queue<number>();
    const child = await clientWith(queue);
    await child.run(async (_library, state) => {
      const it = state.it as QueueProxy;
      it.get().catch(String);
      await it.size(); // the call before has come
    });
    child.process.kill('SIGSTOP');
    await queue.put(1); // on its way
    await queue.put(2);
    await child.kill();
    await until(async () => (await queue.size()) === 2, 'the item to come back');
    expect([await queue.get(), await queue.get()]).toEqual([1, 2]);
    release(queue);
  });

  test('that waits for a lock: who waits behind it has its turn', async () => {
    const lock = manager.lock();
    const held = await lock.acquire();
    const child = await clientWith(lock);
    await child.run(async (_library, state) => {
      const it = state.it as LockProxy;
      it.acquire().catch(String);
      await it.locked();
    });
    const next = lock.acquire();
    await child.kill();
    await until(async () => /, 1 waiting/.test(await lock.toStringRemote()), 'its wait to end');
    await held.release();
    expect((await next).abandoned).toBeUndefined();
    await (await next).release();
    release(lock);
  });

  test('that holds objects of a manager: they are gone', async () => {
    const child = newChild();
    await child.run(async (library, state, address: string) => {
      const own = library.Manager.connect(address);
      state.lists = [own.list([1]), own.list([2]), own.list([own.dict()])];
      own.named('owned', () => own.list(), { owned: true });
      state.owned = own.named('owned', () => state.lists[0] as ListProxy, { owned: true });
      await (state.owned as ListProxy).push(1);
    }, manager.address);
    expect(await manager.numberOfObjects()).toBeGreaterThan(0);
    expect(await manager.names.has('owned')).toBe(true);
    await child.kill();
    await until(async () => (await manager.numberOfObjects()) === 0, 'them to be gone');
    expect(await manager.names.has('owned')).toBe(false);
  });

  test('that holds and calls an object of this process: it is given back, and others are served', async () => {
    const { begun, tell } = beginning();
    const bench = { hang: () => tell().then(() => new Promise(() => undefined)), answer: () => 42 };
    await using exposed = expose(bench);
    const child = await clientWith(exposed.proxy);
    const other = await clientWith(exposed.proxy);
    await child.run((_library, state) => {
      void (state.it as typeof bench).hang();
    });
    await begun;
    await child.kill();
    const answer = other.run(async (_library, state) => (state.it as typeof bench).answer());
    expect(await answer).toBe(42);
    await other.kill();
    await exposed.close();
    release(exposed.proxy);
    await until(() => ownHost().host.numberOfObjects() === 0, 'it to be given back', 10_000);
  });
});

test('the parent is killed: its manager and its tasks end, a busy one too, and leave no directory', async () => {
  const parent = newChild();
  const found = await parent.run(async (library, state, module: string) => {
    const own = new library.Manager();
    await own.start();
    state.keep = own.list();
    const spinning = await new Promise<number>((resolve) => {
      state.task = library.spawn({ module, export: 'spin' }, [
        (pid: number) => Promise.resolve(resolve(pid)),
      ]);
    });
    return { manager: own.pid, spinning, address: own.address };
  }, SPAWNED);
  await parent.kill();
  await until(() => !isAlive(found.manager ?? 0), 'the manager to end');
  await until(() => !isAlive(found.spinning), 'the busy task to end');
  expect(existsSync(directoryOf(found))).toBe(false);
});

describe('a result cannot be sent', () => {
  test.each(places)('%s: an instance goes by proxy, the rest is told', async (_name, open) => {
    await using place = await open();
    const error = place.bench.unsendable().then(undefined, (thrown: unknown) => thrown);
    expect(await error).toMatchObject({ name: 'RemoteError' });
    expect(String(await error)).toContain('symbol');
    const instance = await place.bench.instance();
    expect(isProxy(instance)).toBe(true);
    await expect(instance.answer(7).then((value) => value)).resolves.toBe(7);
    release(instance);
  });

  test('of a task: the task fails, and says why', async () => {
    await using task = spawn({ module: SPAWNED, export: 'unsendable' });
    await expect(task.result).rejects.toThrow(/unction/);
  });
});

describe('a proxy is let go while it is under way', () => {
  test('an object of a manager, its sender killed: the message has it', async () => {
    const child = newChild();
    const text = await child.run(async (library, _state, address: string) => {
      const own = library.Manager.connect(address);
      const list = own.list([1, 2]);
      const json = JSON.stringify(await list.push(3).then(() => list));
      library.release(list);
      await own.numberOfObjects();
      return json;
    }, manager.address);
    await child.kill();
    const list = revive(JSON.parse(text) as ListProxy<number>);
    await expect(list.toArray()).resolves.toEqual([1, 2, 3]);
    release(list);
  });

  test('an object of this process: the same', async () => {
    await using exposed = expose({ answer: () => 42 });
    const message = JSON.stringify(exposed.proxy);
    release(exposed.proxy);
    const child = await clientWith(JSON.parse(message) as object);
    const answer = child.run(async (_library, state) =>
      (state.it as { answer(): number }).answer(),
    );
    expect(await answer).toBe(42);
  });
});

describe('an answer comes after the time of its call', () => {
  test.each(places)('%s: it is dropped, and the callee was told', async (_name, open) => {
    await using place = await open();
    const { begun, tell } = beginning();
    const hasty = withOptions(place.bench, { timeoutMs: 50 });
    const late = hasty.answerLate(tell).then(undefined, (error: unknown) => error);
    await begun;
    expect(await late).toBeInstanceOf(TimeoutError);
    await until(async () => (await place.bench.reason) !== undefined, 'the callee to know');
    expect(await place.bench.reason).toBe('TimeoutError');
    const answers = await Promise.all([place.bench.answer(1), place.bench.answer(2)]);
    expect(answers).toEqual([1, 2]);
  });
});

describe('making an object takes long', () => {
  test('others are made meanwhile, and clients connect', async () => {
    const slow = manager.create<Bench>('makeSlowly');
    const answer = slow.answer('made').then((value) => value);
    const list = manager.list([1]);
    await expect(list.at(0)).resolves.toBe(1);
    const client = Manager.connect(manager.address);
    await client.ping();
    await client.close();
    using gate = manager.create<Gate>('Gate');
    await gate.open();
    await expect(answer).resolves.toBe('made');
    for (const proxy of [slow, list]) release(proxy);
  });

  test('a name: one factory for all who wait, none for other names, and the next if it dies', async () => {
    const child = newChild();
    await child.run(async (library, state, address: string) => {
      const own = library.Manager.connect(address);
      await new Promise<void>((begun) => {
        const never = (): Promise<never> => (begun(), new Promise(() => undefined));
        state.slow = own.named<ListProxy>('slow', never);
        (state.slow as ListProxy).push(0).catch(String);
      });
    }, manager.address);
    let runs = 0;
    const list = manager.list<number>();
    const factory = (): ListProxy<number> => (runs++, list);
    const waiting = Promise.all([
      manager.named('slow', factory).push(1),
      manager.named('slow', factory).push(2),
    ]);
    const other = manager.dict();
    await manager.named('other', () => other).set('quick', true); // it waits for nobody
    expect(runs).toBe(0);
    await child.kill();
    await waiting;
    expect(runs).toBe(1);
    await expect(list.length.then((length) => length)).resolves.toBe(2);
    for (const key of ['slow', 'other']) await manager.names.delete(key);
    for (const proxy of [list, other]) release(proxy);
  });
});

describe('a call takes long', () => {
  test.each(places)('%s: the others are answered', async (_name, open) => {
    await using place = await open();
    const { begun, tell } = beginning();
    place.bench.hang(tell).catch(() => undefined); // until its owner ends
    await begun;
    await expect(place.bench.answer('quick').then((value) => value)).resolves.toBe('quick');
    const client = newChild();
    await client.run(
      (library, state, argument: { it: object; address?: string | undefined; key: string }) => {
        const { it, address, key } = argument;
        if (address !== undefined) library.Manager.connect(address, { authkey: key });
        state.it = library.revive(it);
      },
      { it: place.bench, address: place.address, key: authkey },
    );
    const answer = client.run(async (_library, state) => (state.it as Bench).answer('new'));
    expect(await answer).toBe('new');
  });
});
