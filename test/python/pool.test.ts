// What CPython asserts of pools (_TestPool), of one that a manager has, behind both faces. Workers and
// clients that end at the wrong moment: test/e2e/pool.test.ts.
import { join } from 'node:path';
import type { AsyncResult, PoolProxy } from '../../src/index';
import { until } from '../support/until';
import { all, expectNothingShared, failureOf, onStage, range } from './stage';

jest.setTimeout(90_000);

const file = join(__dirname, '../fixtures/tasks.ts');
const task = (name: string) => ({ module: file, export: name });
const squares = (end: number) => range(end).map((x) => x * x);

/** `applyAsync` and its kind: their answer, given back in the end. */
async function using<R>(
  asked: AsyncResult<R> | Promise<AsyncResult<R>>,
  body: (result: AsyncResult<R>) => Promise<void>,
): Promise<void> {
  using result = await asked;
  await body(result);
}

onStage(0, ({ face, shared, manager }) => {
  let pool: PoolProxy;

  beforeAll(() => {
    pool = shared.pool(2);
  });
  afterEach(async () => {
    await until(async () => (await manager.numberOfObjects()) === 1, 'all but the pool to go');
  });
  afterAll(async () => {
    await pool.terminate();
    await pool.join();
    pool[Symbol.dispose]();
    await expectNothingShared(manager);
  });

  test('test_apply', async () => {
    expect(await pool.apply(task('sqr'), [5])).toBe(25);
    expect(await pool.apply(task('sqrAfter'), [5, 1])).toBe(25);
    expect(await failureOf(() => pool.apply(task('fail')))).toMatchObject({
      name: 'RangeError',
      cause: { name: 'TypeError', message: 'why' },
    });
  });

  test('test_map, test_map_chunksize', async () => {
    expect(await pool.map(task('sqr'), range(10))).toEqual(squares(10));
    expect(await pool.map(task('sqr'), range(100), { chunkSize: 20 })).toEqual(squares(100));
    expect(await pool.map(task('sqr'), new Set([1, 2]))).toEqual([1, 4]); // any iterable
    expect(await pool.map(task('sqr'), [])).toEqual([]);
    expect(await failureOf(() => pool.map(task('oddOnly'), range(5, 1)))).toMatchObject({
      name: 'SyntaxError',
      message: expect.stringMatching(/^even [24]$/) as string, // whichever chunk fails first
    });
  });

  test('test_map_handle_iterable_exception', async () => {
    const items = function* (): Generator<number, void, undefined> {
      yield 1;
      throw new SyntaxError('no more');
    };
    for (const method of ['map', 'mapAsync'] as const) {
      const failing = await failureOf(() => pool[method](task('sqr'), items()));
      expect(failing).toBeInstanceOf(SyntaxError);
    }
    expect(await pool.apply(task('sqr'), [2])).toBe(4);
  });

  test('test_starmap, test_starmap_async', async () => {
    const pairs = range(10).map((x) => [x, 9 - x]);
    const products = pairs.map(([x = 0, y = 0]) => x * y);
    expect(await pool.starmap(task('mul'), pairs)).toEqual(products);
    expect(await pool.starmap(task('mul'), pairs, { chunkSize: 3 })).toEqual(products);
    await using(pool.starmapAsync<number>(task('mul'), pairs), async (result) => {
      expect(await result.get()).toEqual(products);
    });
  });

  test('test_async: a result that is asked for later', async () => {
    await using(pool.applyAsync<number>(task('sqrAfter'), [7, 20]), async (result) => {
      expect(await result.get()).toBe(49);
      expect([await result.ready(), await result.successful()]).toEqual([true, true]);
      expect(await result.get()).toBe(49); // as often as one likes
    });
    await using(pool.mapAsync<number>(task('sqr'), range(10)), async (result) => {
      expect(await result.wait()).toBe(true);
      expect(await result.get({ timeoutMs: 1 })).toEqual(squares(10));
    });
  });

  test('test_map_async: an error is kept for get()', async () => {
    await using(pool.mapAsync<number>(task('oddOnly'), [1, 2, 3]), async (result) => {
      expect(await result.wait()).toBe(true);
      expect([await result.ready(), await result.successful()]).toEqual([true, false]);
      expect(await failureOf(() => result.get())).toMatchObject({ name: 'SyntaxError' });
    });
  });

  // A thread that blocks in wait() does not call what it gave before: that is for its event loop.
  if (face === 'async') {
    test('test_map_async_callbacks: here, not in the manager', async () => {
      const told: unknown[] = [];
      const callback = (value: unknown): number => told.push(value);
      const errorCallback = (error: unknown): number => told.push((error as Error).name);
      for (const items of [[1], [2]]) {
        const asked = pool.mapAsync(task('oddOnly'), items, { callback, errorCallback });
        await using(asked, async (result) => {
          await result.wait();
        });
      }
      await until(() => told.length === 2, 'both to be told');
      expect(told).toEqual([[1], 'SyntaxError']);
    });
  } else {
    test('test_map_async_callbacks: refused, because they might never be served', async () => {
      const callback = (): number => 1;
      const refused = 'A pool behind sync() takes no callbacks';
      const map = await failureOf(() => pool.mapAsync(task('sqr'), [1], { callback }));
      expect(map.message).toContain(refused);
      const apply = await failureOf(() => pool.applyAsync(task('sqr'), [1], callback));
      expect(apply.message).toContain(refused);
    });
  }

  test('test_imap, which needs an event loop', async () => {
    if (face === 'async') {
      expect(await all(pool.imap(task('sqr'), range(10)))).toEqual(squares(10));
    } else {
      const refused = await failureOf(() => pool.imap(task('sqr'), range(10)));
      expect(refused).toMatchObject({ name: 'UsageError' });
      expect(refused.message).toContain('behind sync() use map()');
    }
  });

  test('test_empty_iterable', async () => {
    await using(pool.mapAsync(task('sqr'), []), async (result) => {
      expect(await result.get()).toEqual([]);
    });
    expect(await pool.starmap(task('mul'), [])).toEqual([]);
  });

  describe('its end', () => {
    test('close: what it has is done, and nothing more', async () => {
      using own = shared.pool(1);
      using result = await own.mapAsync<number>(task('sqr'), [1, 2, 3]);
      // ValueError in Python
      expect(await failureOf(() => own.join())).toMatchObject({ name: 'UsageError' });
      await own.close();
      expect(await failureOf(() => own.apply(task('sqr'), [1]))).toMatchObject({
        name: 'UsageError',
        message: expect.stringContaining('not running') as string,
      });
      await own.join();
      expect(await result.get()).toEqual([1, 4, 9]);
    });

    test('test_async_timeout, test_terminate: without waiting for what runs', async () => {
      using own = shared.pool(1);
      using list = shared.list<number>();
      using result = await own.applyAsync(task('hang'), [list]);
      for (let i = 0; (await list.length) === 0 && i < 5000; i++) await own.toStringRemote();
      expect(await failureOf(() => result.get({ timeoutMs: 10 }))).toMatchObject({
        name: 'TimeoutError',
      });
      expect([await result.wait({ timeoutMs: 1 }), await result.ready()]).toEqual([false, false]);
      // ValueError in Python
      expect(await failureOf(() => result.successful())).toMatchObject({ name: 'UsageError' });
      await own.terminate();
      await own.join();
      expect(await failureOf(() => result.get())).toMatchObject({ name: 'ProcessDiedError' });
      expect(await own.toStringRemote()).toBe('<Pool: 0 workers, 0 running, 0 queued>');
    });
  });
});
