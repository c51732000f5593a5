// What only a process, or only a thread, can do: be killed, crash, be orphaned, share memory.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { closeOwnHost, ownHost } from '../../src/expose/own-host';
import {
  Except,
  ProcessDiedError,
  SerializationError,
  type SpawnOptions,
  type Spawned,
  UsageError,
  spawn,
} from '../../src/index';
import { isAlive } from '../support/managers';
import { TS_ARGV } from '../support/runners';
import { until } from '../support/until';

jest.setTimeout(60_000);

const fixture = (name: string) => join(__dirname, '../fixtures', name);
const task = (name: string) => ({ module: fixture('spawned.ts'), export: name });

const spawned: Spawned<unknown>[] = [];

function run<R = unknown>(
  what: Parameters<typeof spawn<R>>[0],
  args: readonly unknown[] = [],
  options: SpawnOptions = {},
): Spawned<R> {
  const one = spawn<R>(what, args, options);
  spawned.push(one);
  return one;
}

function signalled<T = unknown>() {
  let call!: (value: T) => void;
  const called = new Promise<T>((resolve) => (call = resolve));
  return {
    called,
    call: (value: T) => {
      call(value);
    },
  };
}

afterEach(async () => {
  for (const one of spawned.splice(0)) {
    await one.join({ throws: false });
    if (one.pid !== undefined) expect(isAlive(one.pid)).toBe(false);
  }
  const { host } = ownHost();
  await until(() => host.snapshot().sessions.length === 0, 'the end of the sessions', 10_000);
  await until(() => host.numberOfObjects() === 0, 'the end of all references', 10_000);
  expect(host.snapshot().objects.filter(({ tickets }) => tickets > 0)).toEqual([]);
});
afterAll(() => closeOwnHost());

describe('a process that ends before its task', () => {
  test.each<[string, readonly unknown[], number | null, string | null]>([
    ['exit', [3], 3, null],
    ['exit', [0], 0, null],
    ['abort', [], null, 'SIGABRT'],
    ['throwLater', [], 1, null],
  ])('%s %j is a ProcessDiedError', async (name, args, exitCode, signal) => {
    const one = run(task(name), args);
    const error = await one.result.catch((thrown: unknown) => thrown as ProcessDiedError);
    expect(error).toBeInstanceOf(ProcessDiedError);
    expect(error).toMatchObject({ exitCode, signal, code: 'ERR_REFERENT_PROCESS_DIED' });
    expect([one.exitCode, one.signal]).toEqual([exitCode, signal]);
    await expect(one.join()).rejects.toBe(error);
    expect(one.errors.last).toBe(error);
    if (name === 'throwLater')
      expect(error).toMatchObject({ cause: { name: 'RangeError', message: 'nobody catches it' } });
  });

  test('killed by somebody else it is told, and by us it is not thrown', async () => {
    const first = signalled();
    const one = run(task('hang'), [first.call]);
    await first.called;
    process.kill(one.pid ?? 0, 'SIGKILL');
    await expect(one.join()).rejects.toMatchObject({ exitCode: null, signal: 'SIGKILL' });

    const second = signalled();
    const other = run(task('hang'), [second.call]);
    await second.called;
    await other.terminate();
    expect(await other.join()).toBeUndefined();
    expect(other.signal).toBe('SIGTERM');
    await expect(other.result).rejects.toMatchObject({ signal: 'SIGTERM' });
  });

  test('what its stream had given was given', async () => {
    const values: unknown[] = [];
    const one = run(function* dying() {
      yield process.pid;
      process.kill(process.pid, 'SIGKILL');
      yield 'never';
    });
    const reading = (async () => {
      for await (const value of one.stream()) values.push(value);
    })();
    await expect(reading).rejects.toMatchObject({ signal: 'SIGKILL' });
    expect(values).toEqual([one.pid]);
  });

  test('its Except has what it had kept', async () => {
    const errors = new Except();
    const one = run(
      async (given: Except) => {
        given.add(new RangeError('the last word'));
        await new Promise(() => undefined);
      },
      [errors],
    );
    await until(() => errors.last !== undefined, 'the record');
    process.kill(one.pid ?? 0, 'SIGKILL');
    await expect(one.result).rejects.toBeInstanceOf(ProcessDiedError);
    expect(errors.last).toMatchObject({ name: 'RangeError', message: 'the last word' });
  });
});

describe('a process', () => {
  test('that cannot be started says why', async () => {
    const absent = run(task('add'), [1, 2], { execPath: '/no/such/node' });
    await expect(absent.result).rejects.toThrow(UsageError);
    await expect(absent.result).rejects.toThrow('ENOENT');
    await expect(absent.join()).rejects.toThrow('Cannot start a process');
    const nowhere = run(task('add'), [1, 2], { cwd: '/no/such/place' });
    await expect(nowhere.result).rejects.toThrow('its option "cwd", /no/such/place, is not there');
  });

  test('has the environment, the directory and the name that it is given', async () => {
    const env = { ...process.env, SPAWNED_HOME: '/somewhere' };
    const one = run(task('where'), [], { name: 'here', cwd: '/', env });
    expect(await one.result).toMatchObject({ pid: one.pid, cwd: '/', home: '/somewhere' });
    expect(one.pid).not.toBe(process.pid);
  });

  test('sends what is large, without waiting for whoever reads it', async () => {
    const one = run<Uint8Array>(task('megabytes'), [100]);
    await one.join();
    expect(one.peek()).toHaveLength(100 * 2 ** 20);
    expect(one.peek()?.at(-1)).toBe(7);
  });

  test('spawns itself', async () => {
    expect(await run(task('nested'), [fixture('spawned.ts')]).result).toBe(5);
    const errors = new Except();
    await run(task('keepInGrandchild'), [errors, fixture('spawned.ts')]).result;
    expect(errors.all().map(({ name }) => name)).toHaveLength(3);
    expect(errors.get('init')).toBeInstanceOf(RangeError);
  });

  test('ends when it has nothing left to do', async () => {
    const one = run(task('leaveTimer'), [300]);
    expect(await one.result).toBe('answered');
    expect(one.exitCode).toBeNull();
    await one.join();
    expect(one.exitCode).toBe(0);
  });

  test('whose module spawns while it is loaded is told of the guard', async () => {
    const one = run({ module: fixture('spawns-when-loaded.ts'), export: 'task' });
    await expect(one.result).rejects.toThrow('require.main === module');
    await expect(one.result).rejects.toMatchObject({
      cause: { name: 'UsageError', stack: expect.stringContaining('spawns-when-loaded') },
    });
  });

  test('cannot be sent what it cannot have, nor send what we cannot', async () => {
    const outer = 5;
    const closure = run(() => outer + 1);
    await expect(closure.result).rejects.toThrow(UsageError);
    await expect(closure.result).rejects.toThrow('outer is not defined in the child');
    const result = run(task('unsendable'));
    await expect(result.result).rejects.toThrow(SerializationError);
    await expect(result.result).rejects.toThrow('"unsendable-process-');
    expect(() => run(task('echo'), [new SharedArrayBuffer(4)])).toThrow(SerializationError);
    await expect(run(task('echo'), [Symbol('x')]).result).rejects.toThrow(SerializationError);
  });

  test('takes methods, and functions that need a module of Node', async () => {
    const methods = {
      async double(n: number) {
        return Promise.resolve(2 * n);
      },
    };
    expect(await run(methods.double, [4]).result).toBe(8);
    expect(await run(() => require('node:os').EOL as string).result).toBe('\n');
  });
});

describe('a thread', () => {
  test('that exits ends alone', async () => {
    const one = run(task('exit'), [3], { kind: 'thread' });
    await expect(one.result).rejects.toMatchObject({ exitCode: 3, signal: null });
    expect(one.pid).toBeUndefined();
  });

  test('tells what nobody has caught in it', async () => {
    const one = run(task('throwLater'), [], { kind: 'thread' });
    await expect(one.result).rejects.toMatchObject({
      exitCode: 1,
      cause: { message: 'nobody catches it' },
    });
  });

  test('shares memory', async () => {
    const memory = new SharedArrayBuffer(8);
    const view = new Int32Array(memory, 4);
    view[0] = 1;
    const kind = 'thread';
    const one = run(task('addTo'), [view, 4], { kind });
    expect(await one.result).toBe(1);
    expect(view[0]).toBe(5);
    expect(await run(task('sizeOf'), [memory], { kind }).result).toBe(8);
  });

  test('is ended where it stands', async () => {
    const { called, call } = signalled();
    const one = run(task('spin'), [call], { kind: 'thread' });
    await called;
    await one.terminate();
    expect(one.exitCode).toBe(1);
  });
});

describe.each(['process', 'thread'] as const)('what a %s prints', (kind) => {
  test('is in the log before it has ended', async () => {
    const lines: string[] = [];
    const keep =
      (level: string) => (message: string, fields: { thread: string; process: string }) => {
        const name = kind === 'thread' ? fields.thread : fields.process;
        lines.push(`${level} ${name} ${message}`);
      };
    const log = { info: keep('info'), warn: keep('warn'), error: keep('error') };
    const one = run(task('say'), ['hello'], { kind, log, name: 'talker' });
    expect(await one.join()).toBe('hello');
    expect(lines.sort()).toEqual(['info talker hello', 'warn talker hello!']);
  });
});

describe('the end of the parent', () => {
  /** A program that spawns, and says by its channel what it has to say. */
  const parent = (mode: string) => {
    const child = fork(fixture('spawner.ts'), [mode], { execArgv: TS_ARGV });
    return { child, message: once(child, 'message'), exit: once(child, 'exit') };
  };

  test.each(['waits', 'unref', 'spins'])('killed (%s), it takes the child along', async (mode) => {
    const { child, message, exit } = parent(mode);
    const [pid] = (await message) as [number];
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    await exit;
    await until(() => !isAlive(pid), 'the child to end');
  });

  test('by itself, it does not wait for an unref’d child, and takes it along', async () => {
    const { child, message, exit } = parent('unref');
    const [pid] = (await message) as [number];
    child.disconnect();
    expect(await exit).toEqual([0, null]);
    await until(() => !isAlive(pid), 'the child to end');
  });

  test('comes after that of its children else', async () => {
    const { child, message, exit } = parent('short');
    expect(await message).toEqual(['waited', undefined]);
    child.disconnect();
    expect(await exit).toEqual([0, null]);
  });
});
