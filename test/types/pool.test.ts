// A pool of four, asked what CPython's _TestPool asks.
import { join } from 'node:path';
import {
  Manager,
  type AsyncResult,
  type ListProxy,
  type PoolProxy,
  PoolProxy as PoolClass,
  RemoteError,
  TimeoutError,
  UsageError,
  release,
  sameReferent,
  sync,
} from '../../src/index';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { until } from '../support/until';

jest.setTimeout(120_000);

const file = join(__dirname, '../fixtures/tasks.ts');
const task = (name: string) => ({ module: file, export: name });
const sqr = task('sqr');
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const squares = (count: number) => range(count).map((x) => x * x);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

class SayWhenError extends Error {}
function* throwing(total: number, when: number): Generator<number> {
  for (let i = 0; i < total; i++) {
    if (i === when) throw new SayWhenError('Somebody said when');
    yield i;
  }
}

const manager = new Manager({ limits: SHORT_LIMITS });
let pool: PoolProxy;
const made: object[] = [];
/** What pools give. Lists that went to a worker stay until it collects their proxies, or ends. */
const GIVEN = new Set(['asyncResult', '_feed']);

/** A result that is released after the test. */
async function later<R>(result: Promise<AsyncResult<R>>): Promise<AsyncResult<R>> {
  const proxy = await result;
  made.push(proxy);
  return proxy;
}

beforeAll(async () => {
  pool = manager.pool(4);
  await pool.map(sqr, range(4));
});
afterEach(async () => {
  for (const proxy of made.splice(0)) release(proxy);
  // Nothing of a test is left: no work, no feed, no result.
  await until(async () => {
    const { objects } = await manager.inspect();
    return !objects.some(({ typeid, sessions }) => GIVEN.has(typeid) && sessions > 0);
  }, 'what the pool gave to be given back');
  // A task whose call has failed for another one runs to its end.
  const isIdle = async (): Promise<boolean> =>
    (await pool.toStringRemote()) === '<Pool: 4 workers, 0 running, 0 queued>';
  await until(isIdle, 'the pool to be idle');
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await endManager(manager);
});

describe('apply', () => {
  test('answers what the task gives, and waits for promises', async () => {
    expect(pool).toBeInstanceOf(PoolClass);
    await expect(pool.apply(sqr, [5])).resolves.toBe(25);
    await expect(pool.apply(task('sqrAfter'), [5, 1])).resolves.toBe(25);
    await expect(pool.apply(file)).resolves.toBe('the default');
    const script = join(__dirname, '../fixtures/tasks-in-javascript.js');
    await expect(pool.apply({ module: script, export: 'double' }, [4])).resolves.toBe(8);
  });

  test('runs in other processes, four at a time', async () => {
    const list = manager.list<number>();
    const pids = await Promise.all(range(4).map(() => pool.apply(task('hold'), [list, 4])));
    expect(new Set(pids).size).toBe(4);
    expect(pids).not.toContain(process.pid);
    expect(pids).not.toContain(manager.pid);
    release(list);
  });

  test('takes proxies, and gives them back', async () => {
    const list = manager.list<number>([0]);
    await expect(pool.apply(task('pushTo'), [list, 1, 2])).resolves.toBe(3);
    await expect(list.toArray()).resolves.toEqual([0, 1, 2]);
    const back = await pool.apply<ListProxy<number>>(task('pushAndGiveBack'), [list]);
    expect(sameReferent(back, list)).toBe(true);
    await expect(back.length).resolves.toBe(4);
    release(list);
    release(back);
  });

  test('takes functions, which run here', async () => {
    const told: string[] = [];
    const report = (text: string) => `heard ${String(told.push(text))}`;
    await expect(pool.apply(task('tell'), [report])).resolves.toBe('heard 1');
    expect(told).toHaveLength(1);
  });

  test('an error comes with its class, cause and stack', async () => {
    const error: unknown = await pool.apply(task('fail')).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'out of range', cause: new TypeError('why') });
    expect((error as { remoteStack: string }).remoteStack).toMatch(/at fail \(.*tasks\.ts/);
    expect((error as Error).stack).toContain('pool.test');
  });

  test('a result that cannot be sent is an error', async () => {
    for (const name of ['unsendable', 'symbol']) {
      await expect(pool.apply(task(name))).rejects.toMatchObject({
        name: 'RemoteError',
        remoteName: 'SerializationError',
      });
    }
    await expect(pool.apply(sqr, [Symbol('no')])).rejects.toThrow('cannot be copied');
  });

  test('a task that is not there is an error of its call', async () => {
    await expect(pool.apply(task('none'))).rejects.toThrow('has no export "none"');
    await expect(pool.apply(task('notAFunction'))).rejects.toThrow('it is not a function');
    await expect(pool.apply(join(__dirname, 'none.js'))).rejects.toThrow('Cannot load');
    await expect(pool.apply('./tasks')).rejects.toThrow("require.resolve('./tasks')");
    await expect(pool.apply(sqr, [1], { none: 1 } as object)).rejects.toThrow(UsageError);
  });
});

describe('map', () => {
  test.each([undefined, 1, 3, 20])('chunks of %s', async (chunkSize) => {
    const options = chunkSize === undefined ? {} : { chunkSize };
    await expect(pool.map(sqr, range(10), options)).resolves.toEqual(squares(10));
    await expect(pool.map(sqr, range(100), options)).resolves.toEqual(squares(100));
  });

  test('by default cuts into four chunks for each worker', async () => {
    const runs = await pool.map<[pid: number, run: number]>(task('countRuns'), range(33));
    // Chunks of three: each runs in one worker, without another one in between.
    for (const [i, [pid, run]] of runs.entries()) {
      const [firstPid = 0, firstRun = 0] = runs[i - (i % 3)] ?? [];
      expect([pid, run]).toEqual([firstPid, firstRun + (i % 3)]);
    }
  });

  test('starmap spreads', async () => {
    const pairs = range(10).map((i) => [i, 9 - i]);
    const products = pairs.map(([x = 0, y = 0]) => x * y);
    await expect(pool.starmap(task('mul'), pairs)).resolves.toEqual(products);
    await expect(pool.starmap(task('mul'), pairs, { chunkSize: 3 })).resolves.toEqual(products);
    await expect((await later(pool.starmapAsync(task('mul'), pairs))).get()).resolves.toEqual(
      products,
    );
  });

  test('takes any iterable, and nothing where reading it throws', async () => {
    await expect(pool.map(sqr, new Set([1, 2]))).resolves.toEqual([1, 4]);
    await expect(pool.map(sqr, throwing(30, 20))).rejects.toBeInstanceOf(SayWhenError);
    await expect(pool.mapAsync(sqr, throwing(1, 0))).rejects.toBeInstanceOf(SayWhenError);
  });

  test('of nothing is nothing, at once', async () => {
    await expect(pool.map(sqr, [])).resolves.toEqual([]);
    await expect(pool.map(sqr, [], { chunkSize: 1 })).resolves.toEqual([]);
    const result = await later(pool.mapAsync(sqr, []));
    await expect(result.get()).resolves.toEqual([]);
    await expect(result.successful()).resolves.toBe(true);
    await expect(collect(pool.imap(sqr, []))).resolves.toEqual([]);
  });

  test('the first error ends it', async () => {
    const calls = range(40).map((i) => [i, 7]);
    await expect(pool.starmap(task('failAt'), calls)).rejects.toThrow(new SyntaxError('bad 7'));
  });

  test('a chunk size is a whole number', async () => {
    await expect(pool.map(sqr, [1], { chunkSize: 0 })).rejects.toThrow(UsageError);
    await expect(pool.map(sqr, [1], { chunkSize: 1.5 })).rejects.toThrow(UsageError);
  });
});

describe('results that are asked for later', () => {
  test('get waits, a second time too', async () => {
    const result = await later(pool.applyAsync<number>(task('sqrAfter'), [7, 20]));
    await expect(result.get()).resolves.toBe(49);
    await expect(result.get()).resolves.toBe(49);
    await expect(result.ready()).resolves.toBe(true);
    await expect(result.successful()).resolves.toBe(true);
  });

  test('get gives up, and the task goes on', async () => {
    const list = manager.list<number>();
    const result = await later(pool.applyAsync(task('hold'), [list, 2]));
    await expect(result.get({ timeoutMs: 10 })).rejects.toBeInstanceOf(TimeoutError);
    await expect(result.wait({ timeoutMs: 10 })).resolves.toBe(false);
    await expect(result.get({ signal: AbortSignal.timeout(10) })).rejects.toThrow('timeout');
    await expect(result.ready()).resolves.toBe(false);
    await expect(result.successful()).rejects.toBeInstanceOf(UsageError);
    await list.push(0, 0);
    await expect(result.wait()).resolves.toBe(true);
    await expect(result.get()).resolves.toBe(await list.get(0));
    release(list);
  });

  test('an error is for get', async () => {
    const result = await later(pool.applyAsync(task('fail')));
    await expect(result.wait()).resolves.toBe(true);
    await expect(result.successful()).resolves.toBe(false);
    await expect(result.get()).rejects.toBeInstanceOf(RangeError);
  });

  test('callbacks have run when it is ready', async () => {
    const told: unknown[] = [];
    const tell = {
      callback: (x: unknown) => told.push(x),
      errorCallback: (x: unknown) => told.push(x),
    };
    await (await later(pool.mapAsync(sqr, [1], tell))).wait();
    expect(told).toEqual([[1]]);
    await (await later(pool.mapAsync(task('fail'), [1], tell))).wait();
    expect(told[1]).toBeInstanceOf(RangeError);
    await (await later(pool.mapAsync(task('unsendable'), [1], tell))).wait();
    expect(told[2]).toBeInstanceOf(RemoteError);
    await (await later(pool.applyAsync<number>(sqr, [3], (x) => told.push(x)))).wait();
    expect(told[3]).toBe(9);
    await (await later(pool.applyAsync(task('fail'), [], undefined, (x) => told.push(x)))).wait();
    expect(told).toHaveLength(5);
  });

  test('a list collects results by a function that pushes', async () => {
    const list = manager.list<number>();
    const result = await later(pool.applyAsync<number>(sqr, [3], (x) => list.push(x)));
    await result.wait();
    await expect(list.toArray()).resolves.toEqual([9]);
    release(list);
  });

  test('callbacks are functions', async () => {
    await expect(pool.applyAsync(sqr, [1], 1 as never)).rejects.toThrow(UsageError);
    await expect(pool.mapAsync(sqr, [1], { callback: 1 as never })).rejects.toThrow(UsageError);
  });
});

describe('imap', () => {
  test.each([undefined, 1, 7, 100])('keeps the order, in chunks of %s', async (chunkSize) => {
    const options = chunkSize === undefined ? {} : { chunkSize };
    await expect(collect(pool.imap(sqr, range(100), options))).resolves.toEqual(squares(100));
    const some = await collect(pool.imapUnordered<number>(sqr, range(100), options));
    expect(some.sort((a, b) => a - b)).toEqual(squares(100));
  });

  test('is an iterator', async () => {
    const results = pool.imap<number>(sqr, range(3));
    const answers = await Promise.all([results.next(), results.next(), results.next()]);
    expect(answers.map(({ value }) => value as number)).toEqual([0, 1, 4]);
    await expect(results.next()).resolves.toEqual({ done: true, value: undefined });
    await expect(results.next()).resolves.toEqual({ done: true, value: undefined });
  });

  test('an error of reading comes after the results before it', async () => {
    const results = pool.imap(sqr, throwing(10, 3));
    for (const i of range(3)) await expect(results.next()).resolves.toMatchObject({ value: i * i });
    await expect(results.next()).rejects.toBeInstanceOf(SayWhenError);
    await expect(collect(pool.imap(sqr, throwing(1, 0)))).rejects.toBeInstanceOf(SayWhenError);
    await expect(collect(pool.imapUnordered(sqr, throwing(9, 5)))).rejects.toThrow('when');
  });

  test('an error of a task comes in its place, and is the last', async () => {
    const results = pool.imap<number>(task('oddOnly'), [1, 3, 4, 5]);
    await expect(results.next()).resolves.toMatchObject({ value: 1 });
    await expect(results.next()).resolves.toMatchObject({ value: 3 });
    await expect(results.next()).rejects.toThrow(new SyntaxError('even 4'));
    await expect(results.next()).resolves.toMatchObject({ done: true });
    const bad = pool.imapUnordered(task('fail'), range(1000));
    await expect(bad.next()).rejects.toBeInstanceOf(RangeError);
    await expect(bad.next()).resolves.toEqual({ done: true, value: undefined });
  });

  test('a slow one does not hold up those behind it where the order does not matter', async () => {
    const list = manager.list<number>();
    const calls = pool.imapUnordered<unknown>(task('wait'), [list, undefined]);
    await expect(calls.next()).resolves.toMatchObject({ value: 'not waited' });
    await list.push(0);
    await expect(calls.next()).resolves.toMatchObject({ value: 'waited' });
    await expect(calls.next()).resolves.toMatchObject({ done: true });
    release(list);
  });

  test('reads only so far ahead, and is left at once', async () => {
    let read = 0;
    let isClosed = false;
    function* endless(): Generator<number> {
      try {
        for (;;) yield read++;
      } finally {
        isClosed = true;
      }
    }
    const results: number[] = [];
    for await (const result of pool.imap<number>(sqr, endless())) {
      if (results.push(result) === 10) break;
    }
    expect(results).toEqual(squares(10));
    expect(read).toBeLessThanOrEqual(10 + 16);
    expect(isClosed).toBe(true);
  });
});

test('a pool has one process or more', async () => {
  for (const count of [0, -1, 1.5]) {
    const none = manager.pool(count);
    await expect(none.apply(sqr, [1])).rejects.toBeInstanceOf(RemoteError);
    release(none);
  }
  expect(() => manager.pool(1, { maxTasksPerChild: 0 })).toThrow(UsageError);
  expect(() => manager.pool(1, { initializer: './x' })).toThrow(UsageError);
});

test('behind sync() tasks are waited for, and there is no iterator', async () => {
  const blocking = sync(pool);
  expect(blocking.apply(sqr, [3])).toBe(9);
  expect(blocking.map(sqr, [1, 2, 3])).toEqual([1, 4, 9]);
  expect(() => blocking.imap(sqr, [1])).toThrow(UsageError);
  release(blocking);
  await expect(pool.apply(sqr, [4])).resolves.toBe(16);
});

test('a running pool is not joined', async () => {
  await expect(pool.join()).rejects.toBeInstanceOf(UsageError);
});
