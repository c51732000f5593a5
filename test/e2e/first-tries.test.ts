// What newcomers try first: callbacks that nobody awaits, a busy manager, wrong arguments.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  Manager,
  ManagerDiedError,
  SerializationError,
  UsageError,
  release,
} from '../../src/index';
import { type Eager } from '../fixtures/eager';
import { endManager } from '../support/managers';

jest.setTimeout(30_000);

const file = join(__dirname, '../fixtures/eager.ts');

class EagerManager extends Manager {
  static {
    this.register('Eager', { module: file, export: 'Eager' });
  }
}

it('what a callback answers can be returned without awaiting it', async () => {
  const manager = new EagerManager();
  const eager = manager.create<Eager>('Eager');
  expect(await eager.each((n) => n + 1)).toBe(2);
  expect(await eager.each(async (n) => Promise.resolve(n + 2))).toBe(3);
  await expect(
    (async () =>
      await eager.each(() => {
        throw new RangeError('in the callback');
      }))(),
  ).rejects.toThrow(RangeError);
  const again = await eager.each(async () => {
    await eager.add(5);
    return await eager.total;
  });
  expect(again).toBe(5);
  await expect(
    (async () => await eager.add(manager.list([1]).length as unknown as number))(),
  ).rejects.toBeInstanceOf(SerializationError);
  await expect(
    (async () => await eager.wrapped(async (n) => Promise.resolve(n)))(),
  ).rejects.toThrow('await it first');
  release(eager);
  await manager.shutdown();
});

it('shutdown() ends a manager that is busy, by a signal', async () => {
  const manager = new EagerManager({ shutdownTimeoutMs: 50 });
  const eager = manager.create<Eager>('Eager');
  expect(await eager.total).toBe(0);
  const spinning = expect((async () => await eager.spin())()).rejects.toBeInstanceOf(
    ManagerDiedError,
  );
  await manager.shutdown();
  await spinning;
  expect(await manager.join()).toMatchObject({ signal: 'SIGTERM' });
});

it('a script that ends at once says nothing of its manager', async () => {
  const script = `require('ts-node/register/transpile-only');
    const { Manager } = require(${JSON.stringify(join(__dirname, '../../src/index'))});
    new Manager().list([1]);
    process.exit()`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', script]);
  expect([stdout, stderr]).toEqual(['', '']);
});

it.each<[string, () => unknown, RegExp]>([
  [
    'a class for options',
    () => {
      EagerManager.register('K', class K {} as never);
    },
    /name it, \{ module/,
  ],
  [
    'no typeid',
    () => {
      EagerManager.register('', { module: file });
    },
    /typeid is a text/,
  ],
  [
    'the typeid then',
    () => {
      EagerManager.register('then', { module: file });
    },
    /createMethod/,
  ],
  [
    'a proxy class that is none',
    () => {
      EagerManager.register('P', { proxyType: class {} as never });
    },
    /extends BaseProxy/,
  ],
  [
    'another proxy class for a standard type',
    () => {
      EagerManager.register('list', { module: file });
    },
    /another proxy class/,
  ],
  ['no address', () => Manager.connect(undefined as never), /needs the address/],
  [
    'a text for options',
    () => new Manager('unix:/tmp/x' as never),
    /an object; there are: address/,
  ],
])('%s is a UsageError that helps', (_name, wrong, text) => {
  expect(wrong).toThrow(UsageError);
  expect(wrong).toThrow(text);
});

it('what a method needs is said before anything is done', async () => {
  const manager = new Manager();
  const list = manager.list([1]);
  const lock = manager.lock();
  const queue = manager.queue();
  const wrong: [() => Promise<unknown>, string][] = [
    [() => list.set('a' as never, 1), "An index is a whole number, not 'a'"],
    [() => list.extend(5 as never), 'A list is extended by an array'],
    [() => lock.use(undefined as never), 'The argument of use() must be a function'],
    [() => lock.acquire(false as never), 'an object; there are: timeoutMs, signal, blocking'],
    [() => queue.get(5 as never), 'an object; there are: timeoutMs'],
  ];
  for (const [call, text] of wrong) await expect(call()).rejects.toThrow(text);
  expect(await lock.locked()).toBe(false);
  const handle = await lock.acquire();
  await expect(lock.acquire({ blocking: false })).rejects.toThrow('The lock was not free at once');
  await handle.release();
  expect(() => release(list.at(0))).toThrow('Not a proxy but a promise: await it');
  expect(() => manager.create(class {} as never)).toThrow('registered under one first');
  for (const proxy of [list, lock, queue]) release(proxy);
  await endManager(manager);
});

it('wrong contents of a list, dict or initializer are named', async () => {
  const manager = new Manager();
  expect(() => manager.list(5 as never)).toThrow('A list is made of');
  expect(() => manager.dict('a' as never)).toThrow('A dict is made of');
  expect(() => manager.dict([1] as never)).toThrow('[key, value]');
  await expect(manager.start((() => 1) as never)).rejects.toThrow('named by its module');
  await manager.start();
  await endManager(manager);
});
