// Tasks in processes, in threads and in this thread: one face, and nothing is left of any of them.
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { closeOwnHost, ownHost } from '../../src/expose/own-host';
import {
  Except,
  Manager,
  ObjectGoneError,
  ProcessDiedError,
  SerializationError,
  type SpawnOptions,
  type Spawned,
  UsageError,
  ready,
  release,
  spawn,
  withOptions,
} from '../../src/index';
import { SHORT_LIMITS, endManager, expectNothingHeld, isAlive } from '../support/managers';
import { until } from '../support/until';
import { OwnError } from '../fixtures/spawned';

jest.setTimeout(60_000);

const module_ = join(__dirname, '../fixtures/spawned.ts');
const task = (name: string) => ({ module: module_, export: name });
type Kind = NonNullable<SpawnOptions['kind']>;

const spawned: Spawned<unknown>[] = [];
let kind: Kind;

/** Of the kind that is tested; its end is checked after the test. */
function run<R = unknown>(
  what: Parameters<typeof spawn<R>>[0],
  args: readonly unknown[] = [],
  options: SpawnOptions = {},
): Spawned<R> {
  const one = spawn<R>(what, args, { kind, ...options });
  spawned.push(one);
  return one;
}

/** A callback that keeps what it was told. */
function listener() {
  const told: string[] = [];
  const tell = (text: string) => {
    told.push(text);
  };
  return { told, tell };
}

/** A callback, and a promise of its first call. */
function signalled() {
  let call!: (value?: unknown) => void;
  const called = new Promise<unknown>((resolve) => (call = resolve));
  return {
    called,
    call: (value?: unknown) => {
      call(value);
    },
  };
}

afterEach(async () => {
  for (const one of spawned.splice(0)) {
    await one.join({ throws: false });
    expect(one.exitCode ?? one.signal).not.toBeNull();
    if (kind === 'process' && one.pid !== undefined) expect(isAlive(one.pid)).toBe(false);
  }
  const { host } = ownHost();
  await until(() => host.snapshot().sessions.length === 0, 'the end of the sessions', 10_000);
  await until(() => host.numberOfObjects() === 0, 'the end of all references', 10_000);
  expect(host.snapshot().objects.filter(({ tickets }) => tickets > 0)).toEqual([]);
});
afterAll(() => closeOwnHost());

describe.each(['process', 'thread', 'inline'] as const)('a task in a %s', (tested) => {
  beforeEach(() => {
    kind = tested;
  });

  describe('comes to', () => {
    test('the result of a function of a module', async () => {
      const one = run<number>(task('add'), [1, 2]);
      expect(one.peek()).toBeUndefined();
      expect(await one.result).toBe(3);
      expect(await one.join()).toBe(3);
      expect([one.peek(), one.exitCode, one.signal]).toEqual([3, 0, null]);
      expect(one.errors.all()).toEqual([]);
    });

    test('the result of a default export, and of a function itself', async () => {
      expect(await run(pathToFileURL(module_)).result).toBe('the default');
      expect(await run((a: number, b: number) => a * b, [6, 7]).result).toBe(42);
      const later = run(
        async (n: number) => {
          await new Promise((resolve) => setImmediate(resolve));
          return n;
        },
        [5],
      );
      expect(await later.result).toBe(5);
    });

    test('data as they are when it is spawned', async () => {
      const data = {
        list: [1, new Map([['a', new Set([2n])]])],
        date: new Date(5),
        none: undefined,
      };
      const cycle: unknown[] = [];
      cycle.push(cycle);
      const one = run<unknown[]>(task('echo'), [[data, cycle]]);
      data.list.push(2);
      const [copy, circle] = (await one.result) as [typeof data, unknown[]];
      expect(copy).toEqual({ ...data, list: data.list.slice(0, 2) });
      expect(circle[0]).toBe(circle);
    });

    test('its error, with class, cause and stack', async () => {
      const one = run(task('fail'));
      const error = await one.result.catch((thrown: unknown) => thrown as Error);
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ message: 'out of range', cause: { message: 'why' } });
      expect((error as Error).stack).toContain('spawned.ts');
      await expect(one.join()).rejects.toBe(error);
      expect(one.errors.all()).toEqual([error]);
      expect(one.errors.last).toBe(error);
      expect([one.exitCode, one.peek()]).toEqual([1, undefined]);
    });

    test('an error of a class that is not known, and what is no error', async () => {
      const own = run(task('failAsOwn'));
      await expect(own.result).rejects.toMatchObject({ code: 'E_OWN' });
      const text = run(task('failWith'), ['just a text']);
      await expect(text.result).rejects.toBe('just a text');
      expect(text.errors.all()).toEqual([]);
      await expect(run(task('failWith'), [undefined]).result).rejects.toBeUndefined();
    });

    test('an error that nobody looks at', async () => {
      const one = run(task('fail'), [], { throws: false });
      expect(await one.join()).toBeUndefined();
      expect(one.errors.last).toBeInstanceOf(RangeError);
    });

    test('nothing, where no result is wanted', async () => {
      expect(await run(task('add'), [1, 2], { results: false }).result).toBeUndefined();
      const { told, tell } = listener();
      const counted = run(task('countTo'), [2, tell], { results: false });
      expect(await counted.result).toBeUndefined();
      expect(told).toEqual(['made 1', 'made 2', 'closed']);
    });

    test('a UsageError, where the task is not there', async () => {
      await expect(run(task('missing')).result).rejects.toThrow('has no export "missing"');
      await expect(run(task('notAFunction')).result).rejects.toThrow('it is not a function');
      const absent = run(join(__dirname, 'no-such-file.ts'));
      await expect(absent.result).rejects.toThrow(UsageError);
      await expect(absent.result).rejects.toThrow('no-such-file');
    });

    test('a UsageError, where the name of the task has a field that is none', async () => {
      const misspelt = { module: module_, exports: 'add' };
      await expect((async () => await run(misspelt).result)()).rejects.toThrow(
        'Unknown field "exports"',
      );
    });

    test('what a module throws while it loads, with its stack', async () => {
      const one = run(join(__dirname, '../fixtures/throws-when-loaded.ts'));
      await expect(one.result).rejects.toMatchObject({
        cause: { name: 'TypeError', stack: expect.stringContaining('throws-when-loaded') },
      });
    });
  });

  describe('is given', () => {
    test('proxies, which may be released here at once', async () => {
      const manager = new Manager({ limits: SHORT_LIMITS });
      const list = manager.list([0]);
      const second = manager.list<number>();
      const one = run<number>(task('push'), [list, 1, 2]);
      const deep = run<{ list: object; length: number }>(task('giveBack'), [second]);
      release(second);
      expect(await one.result).toBe(3);
      expect(await list.toArray()).toEqual([0, 1, 2]);
      const answer = await deep.result;
      expect(answer.length).toBe(1);
      release(answer.list);
      release(list);
      await Promise.all([one.join(), deep.join()]);
      await until(async () => (await manager.inspect()).sessions.length === 1, 'the others to go');
      await expectNothingHeld(manager);
      await endManager(manager);
    });

    test('functions of this process', async () => {
      const one = run(task('report'), [(text: string) => `heard: ${text}`]);
      expect(await one.result).toBe('heard: from the task');
    });

    test('a method of an object that both can reach', async () => {
      const counter = { total: 1, add: (by: number) => (counter.total += by) };
      const remote = ownHost().proxyOf(counter) as { add: (by: number) => number };
      const one = run<number>(remote.add, [4]);
      expect(one.name).toMatch(/^add-/);
      expect(await one.result).toBe(5);
      expect(counter.total).toBe(5);
      release(remote);
    });

    test('an Except, whose records are here before its result', async () => {
      const errors = new Except();
      const one = run(task('keepErrors'), [{ errors }]);
      expect(await one.result).toBe('3 here');
      expect(errors.get('init')).toBeInstanceOf(RangeError);
      expect(errors.get('work')).toMatchObject({ code: 'E_OWN' });
      expect(errors.get()).toBeInstanceOf(SyntaxError);
      expect(errors.all()).toHaveLength(3);
      expect(one.errors.all()).toEqual([]);
    });

    test('an Except for its own errors, which keeps each once', async () => {
      const errors = new Except();
      const one = run(task('keepAndThrow'), [errors], { errors });
      expect(one.errors).toBe(errors);
      const error = await one.result.catch((thrown: unknown) => thrown);
      expect(errors.group('init')).toEqual([error]);
      expect(errors.all()).toHaveLength(1);
      expect(errors.get('init')).toBe(error);
    });

    test('an Except that keeps other errors than those it throws', async () => {
      const errors = new Except(SyntaxError);
      await expect(run(task('fail'), [], { errors }).result).rejects.toThrow(RangeError);
      const failed = run(task('keepAndThrow'), [errors]);
      await expect(failed.result).rejects.toThrow(RangeError);
      expect(errors.all()).toEqual([]);
    });
  });

  describe('that yields', () => {
    test('runs as far as somebody reads', async () => {
      const { told, tell } = listener();
      const one = run<string>(task('countTo'), [3, tell]);
      const stream = one.stream<number>();
      expect(await stream.next()).toEqual({ done: false, value: 1 });
      expect(told).toEqual(['made 1']);
      expect(await stream.next()).toEqual({ done: false, value: 2 });
      expect(told).toEqual(['made 1', 'made 2']);
      expect(await stream.next()).toEqual({ done: false, value: 3 });
      expect(await stream.next()).toEqual({ done: true, value: undefined });
      expect(told.at(-1)).toBe('closed');
      expect(await one.result).toBe('counted');
    });

    test('is closed by whoever leaves', async () => {
      const { told, tell } = listener();
      const one = run(task('countTo'), [1000, tell]);
      for await (const value of one.stream<number>()) if (value === 2) break;
      expect(told).toEqual(['made 1', 'made 2', 'closed']);
      expect(await one.join()).toBeUndefined();
      expect(one.exitCode).toBe(0);
    });

    test('is read to its end by join(), and kept', async () => {
      const { told, tell } = listener();
      const one = run<string>(task('countTo'), [3, tell]);
      expect(await one.join()).toBe('counted');
      expect(told.at(-1)).toBe('closed');
      const values: number[] = [];
      for await (const value of one.stream<number>()) values.push(value);
      expect(values).toEqual([1, 2, 3]);
    });

    test('comes to its result where nobody reads', async () => {
      const { tell } = listener();
      expect(await run(task('countTo'), [3, tell]).result).toBe('counted');
    });

    test('gives what it has yielded before its error', async () => {
      const one = run(task('failAfter'), [2]);
      const values: number[] = [];
      const reading = (async () => {
        for await (const value of one.stream<number>()) values.push(value);
      })();
      await expect(reading).rejects.toThrow('no more');
      expect(values).toEqual([1, 2]);
      await expect(one.join()).rejects.toBe(one.errors.last);
    });

    test('gives any iterator, and nothing of a value', async () => {
      const values: string[] = [];
      for await (const value of run(task('iterator')).stream<string>()) values.push(value);
      expect(values).toEqual(['a', 'b']);
      await expect(run(task('add'), [1, 2]).stream().next()).rejects.toThrow('has no stream');
    });
  });

  describe('that exposes', () => {
    test('is reached by name', async () => {
      const { called, call } = signalled();
      const one = run(task('offer'), ['counter', call]);
      const counter = one.remote<{ add(by: number): number; stop(): void }>('counter');
      expect(() => JSON.stringify(counter)).toThrow('await a call of it first');
      await called;
      expect(await counter.add(2)).toBe(2);
      expect(await withOptions(counter, { timeoutMs: 5000 }).add(3)).toBe(5);
      await expect(one.remote<{ add(): void }>('other').add()).rejects.toBeInstanceOf(
        ObjectGoneError,
      );
      await counter.stop();
      expect(await one.join()).toBe('stopped');
      if (kind === 'inline') ownHost().host.names.delete('counter');
      else
        await expect(one.remote<{ add(): void }>('counter').add()).rejects.toBeInstanceOf(
          ProcessDiedError,
        );
    });

    test('is waited for by ready(), until it is there or the time is over', async () => {
      const { called, call } = signalled();
      const one = run(task('offer'), ['counter', call]);
      const counter = one.remote<{ stop(): void }>('counter');
      await ready(counter, { process: one });
      await called;
      await expect(ready(one.remote('never'), { timeoutMs: 20 })).rejects.toThrow('within 20 ms');
      await counter.stop();
      await one.join();
      if (kind === 'inline') ownHost().host.names.delete('counter');
    });

    test('has a stand-in, once it has ended', async () => {
      if (kind === 'inline') return; // what it exposed here stays
      const { called, call } = signalled();
      const one = run(task('offer'), ['counter', call]);
      const counter = one.remote<{ add(by: number): number; stop(): void }>('counter');
      const withDefault = withOptions(counter, { defaultValue: -1 });
      await called;
      expect(await withDefault.add(2)).toBe(2);
      await counter.stop();
      await one.join();
      expect(await withDefault.add(2)).toBe(-1);
      expect(await withOptions(counter, { fallback: { add: (by: number) => by } }).add(7)).toBe(7);
      const never = one.remote<{ add(by: number): number }>('counter');
      expect(await withOptions(never, { defaultValue: () => -2 }).add(2)).toBe(-2);
    });
  });

  describe('is waited for', () => {
    test('by join(), as long as that says', async () => {
      const { called, call } = signalled();
      const one = run(task('hangUntilAborted'), [call]);
      await called;
      expect(await one.join({ timeoutMs: 1 })).toBeUndefined();
      expect(one.exitCode).toBeNull();
      const reason = new RangeError('enough');
      one.abort(reason);
      await expect(one.join()).rejects.toThrow('enough');
      expect(one.errors.last).toBeInstanceOf(RangeError);
    });

    test('by join(), which calls onJoin before each time', async () => {
      let stop!: () => void;
      const stopped = new Promise<void>((resolve) => (stop = resolve));
      let joins = 0;
      const onJoin = () => {
        joins++;
        stop();
      };
      const one = run(task('report'), [() => stopped.then(() => 'stopped')], { onJoin });
      expect(await one.join()).toBe('stopped');
      expect(await one.join()).toBe('stopped');
      expect(joins).toBe(2);
    });

    test('by the end of a block: its error goes first, and none is lost', async () => {
      const body = async () => {
        await using one = run(task('fail'));
        void one;
        throw new SyntaxError('of the block');
      };
      await expect(body()).rejects.toMatchObject({
        name: 'SuppressedError',
        error: expect.any(RangeError),
        suppressed: expect.any(SyntaxError),
      });
      const told = async () => {
        await using one = run(task('fail'));
        await one.result;
      };
      await expect(told()).rejects.toBeInstanceOf(RangeError); // once: the block had it
      const streamed = async () => {
        await using one = run(task('failAfter'), [2]);
        for await (const _value of one.stream());
      };
      await expect(streamed()).rejects.toBeInstanceOf(RangeError);
      const caught = async () => {
        await using one = run(task('fail'));
        await expect(one.result).rejects.toBeInstanceOf(RangeError);
        return one;
      };
      expect((await caught()).errors.all()).toHaveLength(1);
      const good = async () => {
        await using one = run(task('add'), [1, 2]);
        return one;
      };
      expect((await good()).exitCode).toBe(0);
    });

    test('no longer, where its signal aborts', async () => {
      const { called, call } = signalled();
      const controller = new AbortController();
      const one = run(task('hangUntilAborted'), [call], { signal: controller.signal });
      await called;
      const reason = new TypeError('not wanted any more');
      controller.abort(reason);
      await expect(one.result).rejects.toBe(reason);
      expect(() => run(task('add'), [], { signal: controller.signal })).toThrow(reason);
    });

    test('no longer, where it is killed', async () => {
      const { called, call } = signalled();
      const one = run(task('hang'), [call]);
      await called;
      await one.kill();
      await expect(one.result).rejects.toBeInstanceOf(ProcessDiedError);
      expect(await one.join()).toBeUndefined();
      await one.terminate();
      expect(one.exitCode ?? one.signal).not.toBeNull();
    });
  });
});

describe('names', () => {
  beforeEach(() => {
    kind = 'inline';
  });

  test('are those of the tasks, numbered for each kind', async () => {
    const numberOf = ({ name }: Spawned<unknown>) => Number(/\d+$/.exec(name)?.[0]);
    const first = run(task('add'), [1, 2]);
    const second = run(
      function double(n: number) {
        return 2 * n;
      },
      [1],
    );
    const thread = run(task('add'), [1, 2], { kind: 'thread' });
    const again = run(module_);
    expect(first.name).toMatch(/^add-inline-\d+$/);
    expect(second.name).toBe(`double-inline-${String(numberOf(first) + 1)}`);
    expect(thread.name).toMatch(/^add-thread-\d+$/);
    expect(again.name).toBe(`spawned-inline-${String(numberOf(first) + 2)}`);
    expect(run(task('add'), [1, 2], { name: 'mine' }).name).toBe('mine');
    await thread.join();
  });
});

describe('what is wrong already here', () => {
  test.each<[string, () => unknown, string]>([
    ['no task', () => spawn(undefined as never), 'named by its module'],
    ['a relative path', () => spawn('./tasks.js'), 'relative path'],
    ['a built-in function', () => spawn(Math.max as never), 'has no text'],
    ['a bound function', () => spawn(run.bind(undefined) as never), 'has no text'],
    ['arguments that are no array', () => spawn(task('add'), 1 as never), 'an array'],
    ['an unknown option', () => spawn(task('add'), [], { kin: 1 } as never), '"kin"'],
    ['a kind that is none', () => spawn(task('add'), [], { kind: 'fork' as never }), '"kind"'],
    ['a cwd for a thread', () => spawn(task('add'), [], { kind: 'thread', cwd: '/' }), '"cwd"'],
  ])('%s is thrown at once', (_name, wrong, text) => {
    expect(wrong).toThrow(UsageError);
    expect(wrong).toThrow(text);
  });

  test('an Except in a Map, and one that is sent in another way', async () => {
    kind = 'inline';
    const errors = new Except();
    expect(() => run(task('echo'), [new Map([['errors', errors]])])).toThrow(SerializationError);
    expect(() => structuredClone({ errors })).toThrow(SerializationError);
    expect(() => JSON.stringify({ errors })).toThrow(SerializationError);
    const manager = new Manager();
    const list = manager.list<unknown>();
    await expect(list.push(errors)).rejects.toThrow(SerializationError);
    release(list);
    await endManager(manager);
  });
});
