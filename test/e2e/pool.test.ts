// Pools whose workers, clients and managers end at the wrong moment.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ListProxy,
  Manager,
  type PoolProxy,
  ProcessDiedError,
  TimeoutError,
  UsageError,
  release,
} from '../../src/index';
import { SHORT_LIMITS, endManager, expectNothingHeld, isAlive } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';

jest.setTimeout(120_000);

const file = join(__dirname, '../fixtures/tasks.ts');
const task = (name: string) => ({ module: file, export: name });

const manager = new Manager({ limits: SHORT_LIMITS });
const made: Disposable[] = [];

function mine<T extends Disposable>(proxy: T): T {
  made.push(proxy);
  return proxy;
}
function newList(): ListProxy<number> {
  return mine(manager.list<number>());
}
/** The process that was the first to tell the list. */
async function firstOf(list: ListProxy<number>): Promise<number> {
  return (await until(() => list.at(0), 'a task to start', 30_000)) ?? 0;
}
async function textOf(pool: PoolProxy, text: string): Promise<void> {
  await until(async () => (await pool.toStringRemote()) === `<Pool: ${text}>`, text, 30_000);
}
async function ended(pids: readonly number[]): Promise<void> {
  await until(() => !pids.some(isAlive), `the processes ${pids.join(', ')} to end`);
}

beforeAll(() => manager.start());
afterEach(async () => {
  for (const proxy of made.splice(0)) release(proxy);
  await until(async () => (await manager.inspect()).sessions.length === 1, 'the others to be gone');
  await expectNothingHeld(manager);
});
afterAll(() => endManager(manager));

describe('workers', () => {
  test('one that ends fails its task and is replaced', async () => {
    const pool = mine(manager.pool(1));
    const pids = [await pool.apply<number>(task('pid'))];
    for (const [name, exitCode] of [
      ['exit', 3],
      ['crash', 1],
    ] as const) {
      const failing = pool.apply(task(name), [exitCode]);
      const behind = pool.apply<number>(task('pid'));
      await expect(failing).rejects.toBeInstanceOf(ProcessDiedError);
      await expect(failing).rejects.toMatchObject({ exitCode, signal: null });
      await expect(failing).rejects.toThrow(`"${name}" of file://`);
      pids.push(await behind);
    }
    expect(new Set(pids).size).toBe(3);
    await pool[Symbol.asyncDispose]();
    await ended(pids);
  });

  test('one that is killed takes no other task along', async () => {
    const pool = mine(manager.pool(2));
    const list = newList();
    const hanging = pool.apply(task('hang'), [list]);
    const victim = await firstOf(list);
    const held = pool.apply(task('hold'), [list, 3]);
    await until(async () => (await list.length) === 2, 'the other task to start', 30_000);
    process.kill(victim, 'SIGKILL');
    await expect(hanging).rejects.toMatchObject({
      name: 'ProcessDiedError',
      exitCode: null,
      signal: 'SIGKILL',
    });
    await list.push(0);
    await expect(held).resolves.toBe(await list.get(1));
    await textOf(pool, '2 workers, 0 running, 0 queued');
    await expect(pool.map(task('sqr'), [1, 2, 3])).resolves.toEqual([1, 4, 9]);
    await pool[Symbol.asyncDispose]();
  });

  test('are replaced after maxTasksPerChild tasks', async () => {
    const pool = mine(manager.pool(1, { maxTasksPerChild: 2 }));
    const runs: [number, number][] = [];
    for (let i = 0; i < 4; i++) runs.push(await pool.apply(task('countRuns')));
    expect(runs.map(([, run]) => run)).toEqual([1, 2, 1, 2]);
    expect(new Set(runs.map(([pid]) => pid)).size).toBe(2);
    await ended([runs[0]?.[0] ?? 0]);
    await pool[Symbol.asyncDispose]();
  });

  test('are initialized once, with proxies too', async () => {
    const list = mine(manager.list<string>());
    const pool = mine(
      manager.pool(1, { initializer: task('initialize'), initargs: [list, { model: 1 }] }),
    );
    for (let i = 0; i < 2; i++) {
      await expect(pool.apply(task('initialized'))).resolves.toEqual({ model: 1 });
    }
    await expect(list.toArray()).resolves.toEqual(['initialized']);
    await pool[Symbol.asyncDispose]();
  });

  test.each([
    ['throws', task('failToInitialize'), 'The pool is broken: no model there'],
    ['ends its process', task('exit'), 'while it ran its initializer'],
    ['is not there', task('none'), 'has no export "none"'],
  ])('an initializer that %s breaks the pool', async (_how, initializer, text) => {
    const pool = mine(manager.pool(1, { initializer }));
    const waiting = pool.apply(task('sqr'), [1]);
    await expect(waiting).rejects.toBeInstanceOf(ProcessDiedError);
    await expect(waiting).rejects.toThrow(text);
    await expect(waiting).rejects.toMatchObject({ cause: expect.any(Error) as Error });
    await expect(pool.apply(task('sqr'), [1])).rejects.toThrow('The pool is broken');
    await pool.join();
    await textOf(pool, '0 workers, 0 running, 0 queued');
  });
});

describe('who no longer waits', () => {
  test('a running task hears it, and one that was not started never starts', async () => {
    const pool = mine(manager.pool(1));
    const list = mine(manager.list<string>());
    const controller = new AbortController();
    const { signal } = controller;
    const running = pool.apply(task('watch'), [list], { signal });
    const behind = pool.apply(task('watch'), [list], { signal });
    await until(async () => (await list.length) === 1, 'the task to start', 30_000);
    await textOf(pool, '1 workers, 1 running, 1 queued');
    controller.abort();
    await expect(running).rejects.toThrow('aborted');
    await expect(behind).rejects.toThrow('aborted');
    await textOf(pool, '1 workers, 0 running, 0 queued');
    await expect(list.toArray()).resolves.toEqual(['started', 'AbortError']);

    const late = pool.apply(task('watch'), [list], { timeoutMs: 200 });
    await expect(late).rejects.toBeInstanceOf(TimeoutError);
    await textOf(pool, '1 workers, 0 running, 0 queued');
    await expect(list.slice(2)).resolves.toEqual(['started', 'TimeoutError']);
    await pool[Symbol.asyncDispose]();
  });

  test('a loop that is left drops what was not started', async () => {
    const pool = mine(manager.pool(1));
    const list = newList();
    const calls = [undefined, list, list, list];
    const results = pool.imapUnordered(task('wait'), calls);
    await expect(results.next()).resolves.toMatchObject({ value: 'not waited' });
    await textOf(pool, '1 workers, 1 running, 2 queued');
    await results.return?.();
    await textOf(pool, '1 workers, 1 running, 0 queued');
    await list.push(0);
    await textOf(pool, '1 workers, 0 running, 0 queued');
    await pool[Symbol.asyncDispose]();
  });

  test('a client that is killed in the middle of a map', async () => {
    const pool = mine(manager.pool(1));
    const list = newList();
    const child = new Child();
    const things = JSON.parse(JSON.stringify({ pool, list, task: task('hold') })) as object;
    await child.run((library, _state, given: { pool: PoolProxy; list: object; task: object }) => {
      const { pool, list, task } = library.revive(given);
      pool
        .starmap(
          task as { module: string },
          [
            [list, 3],
            [list, 3],
            [list, 3],
          ],
          { chunkSize: 1 },
        )
        .catch(() => undefined);
    }, things as never);
    await textOf(pool, '1 workers, 1 running, 2 queued');
    await until(async () => (await list.length) === 1, 'the task to start', 30_000);
    await child.kill();
    await textOf(pool, '1 workers, 1 running, 0 queued');
    await list.push(0, 0);
    await textOf(pool, '1 workers, 0 running, 0 queued');
    await expect(list.length).resolves.toBe(3);
    await pool[Symbol.asyncDispose]();
  });
});

describe('the end of a pool', () => {
  test('close lets it do what it has, and nothing more', async () => {
    const pool = mine(manager.pool(1));
    const pid = await pool.apply<number>(task('pid'));
    const results = pool.imap<number>(task('sqr'), [1, 2, 3]);
    const last = pool.apply(task('sqr'), [5]);
    await pool.close();
    await expect(pool.apply(task('sqr'), [1])).rejects.toThrow('The pool is not running');
    await expect(pool.map(task('sqr'), [1])).rejects.toBeInstanceOf(UsageError);
    await expect(pool.imap(task('sqr'), [1]).next()).rejects.toBeInstanceOf(UsageError);
    await expect(last).resolves.toBe(25);
    await expect(pool.join({ timeoutMs: 20 })).rejects.toBeInstanceOf(TimeoutError);
    const squares: number[] = [];
    for await (const square of results) squares.push(square);
    expect(squares).toEqual([1, 4, 9]);
    await pool.join();
    expect(isAlive(pid)).toBe(false);
  });

  test('terminate ends what runs and what waits', async () => {
    const pool = mine(manager.pool(1));
    const list = newList();
    const running = pool.apply(task('hang'), [list]);
    const result = mine(await pool.mapAsync(task('sqr'), [1, 2, 3]));
    const pid = await firstOf(list);
    await pool.terminate();
    for (const dropped of [running, result.get()]) {
      await expect(dropped).rejects.toThrow('The pool was terminated');
      await expect(dropped).rejects.toBeInstanceOf(ProcessDiedError);
    }
    await pool.join();
    expect(isAlive(pid)).toBe(false);
    await pool.terminate();
    await expect(pool.apply(task('sqr'), [1])).rejects.toBeInstanceOf(UsageError);
  });

  test('its last reference ends its processes', async () => {
    const pool = manager.pool(1);
    const pid = await pool.apply<number>(task('pid'));
    release(pool);
    await ended([pid]);
  });

  test('await using', async () => {
    let pid: number;
    {
      await using pool = manager.pool(1);
      pid = await pool.apply<number>(task('pid'));
    }
    expect(isAlive(pid)).toBe(false);
  });
});

describe('the end of the manager', () => {
  const directory = mkdtempSync(join(tmpdir(), 'referent-test-'));
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  test('by a shutdown', async () => {
    const other = new Manager();
    const pool = other.pool(1);
    const pid = await pool.apply<number>(task('pid'));
    await other.shutdown();
    expect(isAlive(pid)).toBe(false);
  });

  test('by SIGKILL, also for a worker that is busy', async () => {
    const other = new Manager();
    const pool = other.pool(2);
    const ready = join(directory, 'busy');
    const list = other.list<number>();
    const waiting = pool.apply(task('hang'), [list]).catch((error: unknown) => error);
    const idle = await firstOf(list);
    pool.apply(task('block'), [ready, 1500]).catch(() => undefined);
    const busy = Number(
      await until(() => existsSync(ready) && readFileSync(ready, 'utf8'), 'the other', 30_000),
    );
    process.kill(other.pid ?? 0, 'SIGKILL');
    await until(() => !isAlive(idle), 'the worker to end', 1000);
    await until(() => !isAlive(busy), 'the busy worker to end', 5000);
    await expect(waiting).resolves.toMatchObject({ name: 'ManagerDiedError' });
    await other.shutdown();
  });

  test('a server in a process of its own has pools too', async () => {
    const served = new Manager();
    const server = await served.getServer().listen();
    const client = Manager.connect(server.address, {});
    const pool = client.pool(1);
    const pid = await pool.apply<number>(task('pid'));
    expect(pid).not.toBe(process.pid);
    await server.close();
    expect(isAlive(pid)).toBe(false);
    await client.close();
  });
});
