// What CPython asserts of managers: TestSyncManagerTypes, where each type is used by a process that was
// given its proxy, _TestMyManager, TestInitializers, and that nothing is left (Lib/test/_test_multiprocessing.py).
import { join } from 'node:path';
import {
  Manager,
  MethodNotExposedError,
  type Remote,
  RemoteError,
  UsageError,
  handle,
  release,
} from '../../src/index';
import type { FooBar } from '../fixtures/python';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { all, expectNothingShared, failureOf, onStage, range } from './stage';

jest.setTimeout(90_000);

const file = join(__dirname, '../fixtures/python.ts');

class MyManager extends Manager {
  static {
    this.register('Foo', { module: file, export: 'FooBar' });
    this.register('Bar', { module: file, export: 'FooBar', exposed: ['f', '_h'] });
    this.register('baz', { module: file, export: 'baz' });
  }
}

onStage(
  1,
  ({ shared, manager, inChild }) => {
    afterEach(() => expectNothingShared(manager));

    describe('TestSyncManagerTypes', () => {
      test('event', async () => {
        using event = shared.event();
        await event.set();
        const seen = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).event;
            const answers = [await it.isSet(), await it.wait()];
            await it.clear();
            return [...answers, await it.wait({ timeoutMs: 1 })];
          },
          { event },
        );
        expect(seen).toEqual([true, true, false]);
        expect([await event.isSet(), await event.wait({ timeoutMs: 1 })]).toEqual([false, false]);
      });

      test('lock: acquired there, released here', async () => {
        using lock = shared.lock();
        await inChild(
          async (_lib, { open }, argument) => {
            await open(argument).lock.acquire();
          },
          { lock },
        );
        await lock.release();
        // already released: RuntimeError in Python
        expect(await failureOf(() => lock.release())).toMatchObject({ name: 'LockError' });
      });

      test('rlock', async () => {
        using rlock = shared.rlock();
        const depths = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).rlock;
            const first = await it.acquire({ owner: 'me' });
            const again = await it.acquire({ owner: 'me' });
            const locked = [await it.locked()];
            await again.release();
            locked.push(await it.locked());
            await first.release();
            return [...locked, await it.locked()];
          },
          { rlock },
        );
        expect(depths).toEqual([true, true, false]);
        expect(await failureOf(() => rlock.release())).toMatchObject({ name: 'NotOwnerError' });
      });

      test.each(['semaphore', 'boundedSemaphore'] as const)('%s', async (typeid) => {
        using semaphore = shared[typeid]();
        await inChild(
          async (_lib, { open }, argument) => {
            await open(argument).semaphore.acquire();
          },
          { semaphore },
        );
        expect(await semaphore.value()).toBe(0);
        await semaphore.release();
        expect(await semaphore.value()).toBe(1);
      });

      test('condition', async () => {
        using condition = shared.condition();
        const locked = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).condition;
            const held = await it.acquire();
            const inside = await it.locked();
            await held.release();
            return [inside, await it.locked()];
          },
          { condition },
        );
        expect(locked).toEqual([true, false]);
      });

      test('barrier', async () => {
        using barrier = shared.barrier(5);
        const seen = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).barrier;
            await it.reset();
            return [await it.parties, await it.nWaiting, await it.broken];
          },
          { barrier },
        );
        expect(seen).toEqual([5, 0, false]);
      });

      test('pool: whoever has it can end it', async () => {
        using pool = shared.pool(1);
        const result = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).pool;
            const square = await it.apply({ module: argument.file, export: 'sqr' }, [3]);
            await it.terminate();
            await it.join();
            return square;
          },
          { pool, file: join(__dirname, '../fixtures/tasks.ts') },
        );
        expect(result).toBe(9);
        expect(await pool.toStringRemote()).toBe('<Pool: 0 workers, 0 running, 0 queued>');
      });

      test.each(['queue', 'joinableQueue'] as const)('%s', async (typeid) => {
        using queue = shared[typeid]<number>(2);
        await queue.put(5);
        await queue.put(6);
        const seen = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).queue;
            return [
              ...[await it.size(), await it.full(), await it.empty()],
              ...[await it.get(), await it.empty(), await it.get(), await it.empty()],
            ];
          },
          { queue },
        );
        expect(seen).toEqual([2, true, false, 5, false, 6, true]);
        expect([await queue.empty(), await queue.full()]).toEqual([true, false]);
      });

      test('list', async () => {
        using list = shared.list<number>();
        await list.push(5);
        const seen = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).list;
            const answers = [await it.get(0), await it.count(5), await it.indexOf(5)];
            await it.sort();
            await it.reverse();
            for await (const item of it) answers.push(item);
            return [...answers, await it.length, await it.delete(0)];
          },
          { list },
        );
        expect(seen).toEqual([5, 1, 0, 5, 1, 5]);
        expect(await list.length).toBe(0);
      });

      test('dict', async () => {
        using dict = shared.dict<string, number>();
        await dict.set('foo', 5);
        const seen = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).dict;
            return [
              ...[await it.size, await it.get('foo'), await it.entries(), await it.keys()],
              ...[await it.values(), await it.toObject(), await it.popItem()],
            ];
          },
          { dict },
        );
        expect(seen).toEqual([1, 5, [['foo', 5]], ['foo'], [5], { foo: 5 }, ['foo', 5]]);
        expect(await dict.size).toBe(0);
      });

      test('set', async () => {
        using set = shared.set([1]);
        const seen = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).set;
            await it.add(2);
            return [await it.has(1), await it.size, await it.pop()];
          },
          { set },
        );
        expect(seen).toEqual([true, 2, 1]);
        expect(await set.values()).toEqual([2]);
      });

      test('value', async () => {
        using value = shared.value(1);
        const seen = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).value;
            const before = await it.get();
            await it.set(2);
            return before;
          },
          { value },
        );
        expect([seen, await value.get()]).toEqual([1, 2]);
      });

      test('array', async () => {
        using array = shared.array('i', [0, 1]);
        const seen = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).array;
            const items: number[] = [];
            for await (const item of it) items.push(item);
            return [await it.get(0), await it.get(1), await it.length, items];
          },
          { array },
        );
        expect(seen).toEqual([0, 1, 2, [0, 1]]);
      });

      test('namespace', async () => {
        using namespace = shared.namespace<{ x?: number; y?: number }>();
        await namespace.set('x', 0);
        await namespace.set('y', 1);
        const seen = await inChild(
          async (_lib, { open }, argument) => {
            const it = open(argument).namespace;
            return [await it.get('x'), await it.get('y'), await it.keys()];
          },
          { namespace },
        );
        expect(seen).toEqual([0, 1, ['x', 'y']]);
      });
    });

    describe('_TestMyManager', () => {
      test('what is exposed can be called, and nothing else', async () => {
        using foo = shared.create<FooBar>('Foo');
        using bar = shared.create<FooBar>('Bar');
        expect(await foo.f()).toBe('f()');
        expect(await failureOf(() => foo.g())).toBeInstanceOf(TypeError);
        expect(await failureOf(() => foo._h())).toBeInstanceOf(MethodNotExposedError);
        expect(await bar.f()).toBe('f()');
        expect(await bar._h()).toBe('_h()');
        const refused = await failureOf(() => bar.g());
        expect(refused).toBeInstanceOf(MethodNotExposedError);
        expect(refused).toBeInstanceOf(RemoteError);
      });

      test('by name, as _callmethod', async () => {
        using foo = shared.create<FooBar>('Foo');
        using bar = shared.create<FooBar>('Bar');
        expect(await handle(foo).call('f')).toBe('f()');
        expect(await failureOf(() => handle(foo).call('_h'))).toBeInstanceOf(RemoteError);
        expect(await handle(bar).call('_h')).toBe('_h()');
      });

      test('baz: a function that answers a generator makes an iterator', async () => {
        using baz = shared.create<IterableIterator<number>>('baz');
        expect(await baz.next()).toEqual({ done: false, value: 0 });
        for await (const item of baz) if (item === 4) break;
        expect(await all(baz)).toEqual([]); // a generator whose loop was left has ended
        using again = shared.create<IterableIterator<number>>('baz');
        expect(await all(again)).toEqual(range(10).map((i) => i * i));
      });
    });

    test('_TestZZZNumberOfObjects: what is released is gone, nested objects are not counted', async () => {
      const inner = shared.list();
      const made = [
        ...[shared.list([inner]), shared.dict(), shared.set(), shared.value(), shared.namespace()],
        ...[shared.array('i', 1), shared.queue(), shared.joinableQueue(), shared.event()],
        ...[shared.lock(), shared.rlock(), shared.semaphore(), shared.boundedSemaphore()],
        ...[shared.condition(), shared.barrier(2), shared.pool(1)],
      ];
      await made[0]?.toStringRemote();
      expect(await manager.numberOfObjects()).toBe(made.length + 1);
      release(inner);
      expect(await manager.numberOfObjects()).toBe(made.length);
      for (const proxy of made) release(proxy);
      await expectNothingShared(manager);
    });
  },
  MyManager,
);

describe('the life of a manager', () => {
  async function common(manager: MyManager): Promise<void> {
    const foo: Remote<FooBar> = manager.create<FooBar>('Foo');
    expect(await foo.f()).toBe('f()');
    release(foo);
  }

  test('test_mymanager: start and shutdown', async () => {
    const manager = new MyManager({ limits: SHORT_LIMITS });
    await manager.start();
    await common(manager);
    await endManager(manager);
    await expect(manager.join()).resolves.toEqual({ code: 0, signal: null });
  });

  test.each([false, true])('test_mymanager_context, prestarted: %s', async (isStarted) => {
    const manager = new MyManager({ limits: SHORT_LIMITS });
    if (isStarted) await manager.start();
    {
      await using inside = manager;
      await common(inside);
    }
    await expect(manager.join()).resolves.toEqual({ code: 0, signal: null });
    expect(() => manager.list()).toThrow(UsageError);
  });

  test('test_manager_initializer', async () => {
    const other = new Manager({ limits: SHORT_LIMITS });
    const namespace = other.namespace({ test: 0 });
    const manager = new Manager({ limits: SHORT_LIMITS });
    await expect(manager.start(1 as never)).rejects.toBeInstanceOf(UsageError);
    await manager.shutdown();
    const again = new Manager({ limits: SHORT_LIMITS });
    await again.start({ module: file, export: 'initializer' }, namespace);
    await expect(namespace.get('test')).resolves.toBe(1);
    await endManager(again);
    release(namespace);
    await endManager(other);
  });
});
