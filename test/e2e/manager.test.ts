import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Manager, ManagerDiedError, type Remote, release, sync } from '../../src/index';
import { Child, TS_ARGV, Thread } from '../support/runners';
import { SHORT_LIMITS, directoryOf, endManager, isAlive } from '../support/managers';
import { until } from '../support/until';
import type { Counter, initialized } from '../fixtures/classes';

const CLASSES = require.resolve('../fixtures/classes');
const INDEX = require.resolve('../../src/index');
const root = mkdtempSync(join(tmpdir(), 'referent-test-'));
const children: Child[] = [];

class TestManager extends Manager {
  static {
    this.register('Counter', { module: CLASSES, export: 'Counter' });
    this.register('initialized', { module: CLASSES, export: 'initialized' });
    this.register('Missing', { module: CLASSES, export: 'Missing' });
    this.register('NoModule', { module: '/nowhere/at/all.js', export: 'X' });
    this.register('Nothing', { module: CLASSES, export: 'makeNothing' });
  }
}

function child(options?: ConstructorParameters<typeof Child>[0]): Child {
  const started = new Child(options);
  children.push(started);
  return started;
}
function managerOf(): TestManager {
  return new TestManager({ limits: SHORT_LIMITS });
}

afterAll(async () => {
  for (const one of children) await one.kill();
  rmSync(root, { recursive: true });
});

describe('states', () => {
  test('nothing is started by the constructor; the address is known', async () => {
    const manager = managerOf();
    expect(manager.state).toBe('initial');
    expect(manager.pid).toBeUndefined();
    expect(manager.address).toMatch(/^unix:\/.+/);
    expect(existsSync(directoryOf(manager))).toBe(false);
    await manager.shutdown();
    expect(manager.state).toBe('shutdown');
    expect(() => manager.list()).toThrow(
      expect.objectContaining({ code: 'ERR_REFERENT_SHUT_DOWN' }) as Error,
    );
    await expect(manager.start()).rejects.toMatchObject({ code: 'ERR_REFERENT_SHUT_DOWN' });
  });

  test('is no value that can be sent, nor is its synchronous face', () => {
    const manager = new Manager();
    for (const sent of [manager, sync(manager)]) {
      expect(() => JSON.stringify({ sent })).toThrow('A manager cannot be sent');
    }
    expect(manager.state).toBe('initial');
  });

  test('the first use starts it; start() afterwards waits for it; a second start() is refused', async () => {
    const manager = managerOf();
    const list = manager.list([1]);
    expect(manager.state).toBe('started');
    await expect(manager.start()).resolves.toBe(manager);
    await expect(list.toArray()).resolves.toEqual([1]);
    expect(isAlive(manager.pid as number)).toBe(true);
    await expect(manager.start()).rejects.toMatchObject({
      name: 'UsageError',
      code: 'ERR_REFERENT_ALREADY_STARTED',
    });
    expect(() => manager.getServer()).toThrow(
      expect.objectContaining({ name: 'UsageError' }) as Error,
    );
    release(list);
    await endManager(manager);
    await manager.shutdown();
    await expect(list.length).rejects.toMatchObject({
      name: expect.stringMatching(/Usage|Gone|Lost/),
    });
    await expect(manager.numberOfObjects()).rejects.toMatchObject({
      code: 'ERR_REFERENT_SHUT_DOWN',
    });
  });

  test('exit and disconnect are told, join waits, await using ends it', async () => {
    let manager: Manager;
    const events: unknown[] = [];
    {
      await using inner = managerOf();
      manager = inner;
      inner.on('exit', (exit) => events.push(['exit', exit]));
      inner.on('disconnect', () => events.push('disconnect'));
      await inner.start();
      await expect(inner.join(20)).resolves.toBeUndefined();
    }
    expect(manager.state).toBe('shutdown');
    await expect(manager.join()).resolves.toEqual({ code: 0, signal: null });
    await until(() => events.length === 2, 'both events');
    expect(events).toContainEqual(['exit', { code: 0, signal: null }]);
    expect(existsSync(directoryOf(manager))).toBe(false);
  });

  test('shutdown lets what was answered arrive, however large', async () => {
    const manager = managerOf();
    const list = manager.list([Buffer.alloc(128e6)]);
    await manager.numberOfObjects();
    const copy = list.at(0) as Promise<Buffer>;
    await manager.shutdown({ drainMs: 10_000 });
    expect((await copy).length).toBe(128e6);
  });

  test('shutdown twice at once, and while it starts', async () => {
    const manager = managerOf();
    const list = manager.list();
    const waiting = list.push(1).catch((error: unknown) => error);
    await Promise.all([manager.shutdown(), manager.shutdown()]);
    await waiting;
    expect(isAlive(manager.pid as number)).toBe(false);
    expect(existsSync(directoryOf(manager))).toBe(false);
  });

  test('close is final', async () => {
    const manager = managerOf();
    const list = manager.list([1]);
    await list.length;
    await manager.close();
    await expect(list.length).rejects.toMatchObject({
      name: expect.stringMatching(/ConnectionLost|ObjectGone/),
    });
    expect(() => manager.list()).toThrow(
      expect.objectContaining({ name: 'ConnectionLostError', outcome: 'not-sent' }) as Error,
    );
    const again = Manager.connect(manager.address);
    await expect(again.numberOfObjects()).resolves.toBe(0);
    await again.close();
    await manager.shutdown();
    expect(isAlive(manager.pid as number)).toBe(false);
    expect(existsSync(directoryOf(manager))).toBe(false);
  });

  test.each([
    [{ adress: 'unix:/x' }],

    [{ callTimeoutMs: -1 }],
    [{ limits: { nothing: 1 } }],
    [{ limits: { depth: -1 } }],
    [{ address: 'http://x' }],
    [{ address: 5 }],
    [{ execArgv: 'x' }],
  ])('an option %j is refused at once', (options) => {
    expect(() => new Manager(options as never)).toThrow(
      expect.objectContaining({ name: 'UsageError' }) as Error,
    );
  });
});

describe('initializer and types', () => {
  test('runs with its arguments before anything is served', async () => {
    const manager = managerOf();
    await manager.start({ module: CLASSES, export: 'initialize' }, 17);
    const remote = manager.create<ReturnType<typeof initialized>>('initialized');
    expect(await remote.get()).toBe('17');
    release(remote);
    await endManager(manager);
  });

  test.each([
    ['failToInitialize', { name: 'RangeError', message: 'no model there', hint: 'download it' }],
    ['failLater', { message: 'later', field: 'model', code: 'E_VALID' }],
    ['noSuchExport', { name: 'UsageError' }],
  ])('%s rejects start with its own error, and nothing is left', async (name, expected) => {
    const manager = managerOf();
    const error = await manager.start({ module: CLASSES, export: name }).then(
      () => undefined,
      (e: unknown) => e as Error & { remoteStack: string },
    );
    expect(error).toMatchObject(expected);
    expect(error?.remoteStack).toEqual(expect.any(String));
    if (name === 'failToInitialize') {
      expect(error).toBeInstanceOf(RangeError);
      expect(error?.remoteStack).toMatch(/failToInitialize/);
    }
    await manager.join(3000);
    expect(isAlive(manager.pid as number)).toBe(false);
    expect(existsSync(directoryOf(manager))).toBe(false);
    await manager.shutdown();
  });

  test('a relative module is refused at once', async () => {
    expect(() => {
      TestManager.register('Relative', { module: './classes', createMethod: false });
    }).toThrow(/require\.resolve/);
    await expect(managerOf().start('./classes')).rejects.toThrow(/require\.resolve/);
  });

  test('a child that cannot start rejects every call', async () => {
    const manager = new Manager({ execArgv: ['--no-such-option-of-node'] });
    const list = manager.list();
    await expect(list.length).rejects.toMatchObject({ name: 'ManagerDiedError', exitCode: 9 });
    await expect(list.push(1)).rejects.toBeInstanceOf(Error);
    await manager.shutdown();
    expect(existsSync(directoryOf(manager))).toBe(false);
  });

  test('an executable that is not there rejects every call', async () => {
    const manager = new Manager({ execPath: '/nowhere/node' });
    const list = manager.list();
    await expect(list.length).rejects.toThrow(/ENOENT|nowhere/);
    await manager.shutdown();
    expect(existsSync(directoryOf(manager))).toBe(false);
  });
});

describe('one manager', () => {
  const manager = managerOf();
  beforeAll(() => manager.start());
  afterAll(() => endManager(manager));

  test('ping, numberOfObjects, debugInfo and inspect', async () => {
    const list = manager.list(['shown']);
    const dict = manager.dict({ a: list });
    const { roundTripMs, clockOffsetMs } = await manager.ping();
    expect(roundTripMs).toBeGreaterThanOrEqual(0);
    expect(Math.abs(clockOffsetMs)).toBeLessThan(1000);
    await expect(manager.numberOfObjects()).resolves.toBe(2);
    const info = await manager.debugInfo();
    expect(info).toMatch(/list/);
    expect(info).toMatch(/shown/);
    const snapshot = await manager.inspect();
    expect(
      snapshot.objects
        .filter(({ sessions }) => sessions === 1)
        .map(({ typeid }) => typeid)
        .sort(),
    ).toEqual(['dict', 'list']);
    expect(Object.isFrozen(snapshot.objects)).toBe(true);
    expect(snapshot.sessions).toHaveLength(1);
    release(list);
    await expect(manager.numberOfObjects()).resolves.toBe(1);
    release(dict);
    await expect(manager.ping({ timeout: 1 } as object)).rejects.toMatchObject({
      name: 'UsageError',
    });
  });

  test('an unknown typeid rejects the first call and all after it', async () => {
    const remote = manager.create('Unknown', 1) as unknown as Remote<Counter>;
    await expect(remote.add(1)).rejects.toMatchObject({
      name: 'RemoteError',
      message: expect.stringMatching(/Unknown.*known are.*list/),
    });
    await expect(remote.add(1)).rejects.toMatchObject({ name: 'RemoteError' });
    release(remote);
  });

  test('a constructor that throws rejects every call with the same error', async () => {
    const remote = manager.create<Counter>('Counter', -1);
    const errors = await Promise.all(
      [remote.add(1), remote.total, remote.sum(1)].map((call) =>
        Promise.resolve(call).catch((e: unknown) => e as Error),
      ),
    );
    for (const error of errors) {
      expect(error).toMatchObject({
        name: 'RemoteError',
        cause: { name: 'RangeError', message: 'start must not be negative' },
      });
      expect((error as Error).cause).toBeInstanceOf(RangeError);
    }
    await expect(remote.add(1)).rejects.toMatchObject({ name: 'RemoteError' });
    release(remote);
  });

  test('a constructor that throws and that nobody calls is a warning', async () => {
    const warned = once(manager, 'warning') as Promise<[Error]>;
    const remote = manager.create<Counter>('Counter', -1);
    const [warning] = await warned;
    expect(warning.message).toMatch(/start must not be negative/);
    release(remote);
  });

  test.each(['Missing', 'NoModule', 'Nothing'])(
    'a type %s that cannot be made says why',
    async (typeid) => {
      const remote = manager.create<Counter>(typeid);
      await expect(remote.add(1)).rejects.toMatchObject({
        name: 'RemoteError',
        message: expect.stringMatching(/Missing|nowhere|undefined/),
      });
      release(remote);
    },
  );

  test('the errors of the manager are errors of their class here, with both stacks', async () => {
    const list = manager.list();
    const error = await list.get(1).then(
      () => undefined,
      (e: unknown) => e as Error & { remoteStack: string },
    );
    expect(error).toBeInstanceOf(RangeError);
    expect(error?.stack).toMatch(/manager\.test\.ts/);
    expect(error?.remoteStack).toMatch(/list\.ts/);
    release(list);
  });

  test('signals to the group of its owner do not reach it', async () => {
    const code = `
      const { Manager } = require(${JSON.stringify(INDEX)});
      process.on('SIGINT', () => {});
      const manager = new Manager();
      const list = manager.list();
      list.push(1).then(() => {
        process.send(manager.pid);
        process.on('message', () => list.length.then((n) => process.send(n)));
      });`;
    const file = join(root, 'sigint.js');
    writeFileSync(file, code);
    const owner = fork(file, [], { execArgv: TS_ARGV, detached: true, cwd: process.cwd() });
    const [pid] = (await once(owner, 'message')) as [number];
    process.kill(-(owner.pid as number), 'SIGINT');
    owner.send('again');
    await expect(once(owner, 'message')).resolves.toEqual([1, undefined]);
    owner.kill('SIGKILL');
    await until(() => !isAlive(pid), 'the end of the manager', 1500);
  });
});

describe('death', () => {
  test('SIGKILL of the manager rejects what waits within 100 ms, and whatever comes after', async () => {
    const manager = managerOf();
    const counter = manager.create<Counter>('Counter');
    const list = manager.list([1]);
    await list.length;
    const exit = once(manager, 'exit');
    const disconnect = once(manager, 'disconnect');
    const waiting = [counter.wait(), counter.wait(), list.length, list.push(2)].map((call) =>
      Promise.resolve(call as Promise<unknown>).then(
        () => undefined,
        (e: unknown) => e as ManagerDiedError,
      ),
    );
    await new Promise((resolve) => setImmediate(resolve));
    const pid = manager.pid as number;
    const start = performance.now();
    process.kill(pid, 'SIGKILL');
    const errors = (await Promise.all(waiting)).filter((error) => error !== undefined);
    expect(performance.now() - start).toBeLessThan(150); // 100, and what a busy machine adds
    expect(errors.length).toBeGreaterThanOrEqual(2);
    for (const error of errors) {
      expect(error).toBeInstanceOf(ManagerDiedError);
      expect(error).toMatchObject({ signal: 'SIGKILL', exitCode: null });
    }
    await expect(exit).resolves.toEqual([{ code: null, signal: 'SIGKILL' }]);
    await disconnect;
    await expect(list.length).rejects.toBeInstanceOf(Error);
    await expect(list.push(3)).rejects.toMatchObject({
      name: expect.stringMatching(/ManagerDied|ObjectGone/),
    });
    expect(() => {
      release(list);
    }).not.toThrow();
    await manager.shutdown();
    expect(existsSync(directoryOf(manager))).toBe(false);
  });

  test('a manager that exits by itself tells its code', async () => {
    const manager = managerOf();
    const counter = manager.create<Counter>('Counter');
    await expect(counter.exit(7)).rejects.toMatchObject({
      name: 'ManagerDiedError',
      exitCode: 7,
      signal: null,
    });
    await expect(manager.join()).resolves.toEqual({ code: 7, signal: null });
    await manager.shutdown();
    expect(existsSync(directoryOf(manager))).toBe(false);
  });

  test('the manager ends within a second of the SIGKILL of its owner', async () => {
    const owner = child();
    const { pid, address } = await owner.run(async ({ Manager }, state) => {
      state.manager = new Manager();
      await state.manager.list([1]).length;
      return { pid: state.manager.pid as number, address: state.manager.address as string };
    });
    expect(isAlive(pid)).toBe(true);
    await owner.kill();
    await until(() => !isAlive(pid), 'the end of the manager', 1000);
    expect(existsSync(directoryOf({ address }))).toBe(false);
  });

  test('a script ends by itself with open proxies, and its manager with it', async () => {
    const file = join(root, 'ends.js');
    writeFileSync(
      file,
      `
      const { Manager } = require(${JSON.stringify(INDEX)});
      const manager = new Manager();
      const list = manager.list([1]);
      globalThis.kept = [manager, list];
      list.push(2).then((n) => console.log(n, manager.pid));`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [...TS_ARGV, file]);
    const [n, pid] = stdout.trim().split(' ').map(Number) as [number, number];
    expect(n).toBe(2);
    await until(() => !isAlive(pid), 'the end of the manager', 1000);
  });

  test('an ESM script uses it', async () => {
    const file = join(root, 'script.mjs');
    writeFileSync(
      file,
      `
      import { createRequire } from 'node:module';
      const referent = createRequire(import.meta.url)(${JSON.stringify(INDEX)});
      const { Manager } = referent;
      const manager = new Manager();
      const list = manager.list(['esm']);
      const items = [];
      for await (const item of list) items.push(item);
      console.log(items.join());
      await manager.shutdown();`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [...TS_ARGV, file]);
    expect(stdout.trim()).toBe('esm');
  });

  test('a worker thread starts one of its own, and it ends with it', async () => {
    const thread = new Thread();
    const { pid, items } = await thread.run(async ({ Manager }, state) => {
      state.manager = new Manager();
      const list = state.manager.list([1, 2]);
      return { pid: state.manager.pid as number, items: (await list.toArray()) as number[] };
    });
    expect(items).toEqual([1, 2]);
    await thread.end();
    await until(() => !isAlive(pid), 'the end of the manager', 2000);
  });
});

describe('connecting to a server that runs elsewhere', () => {
  const address = `unix:${join(root, 'server')}`;
  const authkey = 'a key of sixteen bytes or more';
  let server: Child;

  beforeAll(async () => {
    server = child();
    await server.run(
      async ({ Manager: Type }, state, argument: { address: string; authkey: string }) => {
        state.server = new Type(argument).getServer();
        await state.server.listen();
      },
      { address, authkey },
    );
  });

  test('two clients share by it; sessions are told apart', async () => {
    const first = await Manager.connect(address, { authkey }).start();
    const second = await Manager.connect(address, { authkey }).start();
    const list = first.list([1]);
    const dict = second.dict();
    await dict.set('list', list);
    const again = (await dict.get('list')) as typeof list;
    await again.push(2);
    await expect(list.toArray()).resolves.toEqual([1, 2]);
    const { sessions } = await first.inspect();
    expect(sessions).toHaveLength(2);
    await second.close();
    await until(async () => (await first.inspect()).sessions.length === 1);
    await until(async () => (await first.numberOfObjects()) === 1);
    release(list);
    await expect(first.numberOfObjects()).resolves.toBe(0);
    await first.close();
  });

  test('a wrong authkey is AuthenticationError, none at all says what to do', async () => {
    const wrong = Manager.connect(address, { authkey: 'another key of sixteen bytes', retries: 0 });
    await expect(wrong.list().length).rejects.toMatchObject({ name: 'AuthenticationError' });
    await expect(wrong.start()).rejects.toMatchObject({ name: 'AuthenticationError' });
    await wrong.close();
    const none = Manager.connect(address, { retries: 0 });
    await expect(none.start()).rejects.toThrow(/authkey/);
    await none.close();
  });

  test('an address where nobody listens is a clear error', async () => {
    const nobody = Manager.connect(`unix:${join(root, 'nobody')}`, { authkey, retries: 0 });
    await expect(nobody.list().length).rejects.toThrow(/nobody/);
    await expect(nobody.start()).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) });
    expect(() => Manager.connect('nonsense', { authkey })).toThrow(/nonsense/);
    expect(() => Manager.connect(address, { authkey, retrys: 1 } as never)).toThrow(/retrys/);
  });

  test('a client can end the server', async () => {
    const client = Manager.connect(address, { authkey });
    await client.start();
    await client.shutdown();
    const late = Manager.connect(address, { authkey, retries: 0 });
    await expect(late.start()).rejects.toBeInstanceOf(Error);
    await until(() => !existsSync(address.slice('unix:'.length)), 'the end of the socket');
  });
});
