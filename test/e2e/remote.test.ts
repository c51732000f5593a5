import {
  DictProxy,
  IteratorProxy,
  ListProxy,
  Manager,
  type Remote,
  handle,
  isProxy,
  oneway,
  release,
  sameReferent,
  withOptions,
} from '../../src/index';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';
import type { Counter, Emitter, Hostile, Narrow, maths } from '../fixtures/classes';

const CLASSES = require.resolve('../fixtures/classes');

class NarrowProxy extends ListProxy {
  open(): Promise<unknown> {
    return this.call('open', []);
  }
}

class TestManager extends Manager {
  static {
    for (const name of ['Counter', 'Emitter', 'Hostile', 'maths', 'makeCounter', 'makeLater']) {
      this.register(name, { module: CLASSES, export: name });
    }
    this.register('Narrow', {
      module: CLASSES,
      export: 'Narrow',
      exposed: ['open', '_under', 'numbers', 'table', 'missing'],
      methodToTypeid: { numbers: 'list', table: 'dict' },
    });
    this.register('Own', { module: CLASSES, export: 'Narrow', proxyType: NarrowProxy });
  }
}

const manager = new TestManager({ limits: SHORT_LIMITS });
const made: object[] = [];
const warnings: Error[] = [];

/** A root handle; awaits and keeps the answer of a call, which jest would call as a function. */
function mine<T extends object>(proxy: T): T {
  made.push(proxy);
  return proxy;
}
function counter(start = 0): Remote<Counter> {
  return mine(manager.create<Counter>('Counter', start));
}
async function got<T>(answer: PromiseLike<T>): Promise<T> {
  return await answer;
}
async function failure(answer: unknown): Promise<Error & Record<string, unknown>> {
  try {
    await (answer as Promise<unknown>);
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('It did not fail');
}
async function callsOf(body: () => unknown): Promise<number> {
  const before = (await manager.inspect()).calls.total;
  await body();
  return (await manager.inspect()).calls.total - before - 1;
}

beforeAll(async () => {
  manager.on('warning', (warning) => warnings.push(warning));
  await manager.start();
});
afterEach(async () => {
  for (const proxy of made.splice(0)) release(proxy);
  await until(
    async () =>
      (await manager.inspect()).objects.every(
        (row) => row.sessions === 0 || row.typeid === 'function',
      ),
    'nothing held',
    2000,
  ).catch(async () => {
    expect((await manager.inspect()).objects.filter(({ sessions }) => sessions > 0)).toEqual([]);
  });
});
afterAll(() => endManager(manager));

describe('members', () => {
  test('methods, fields, getters and deep paths', async () => {
    const remote = counter(5);
    expect(await remote.sum(1, 2, 3)).toBe(6);
    expect(await remote.total).toBe(5);
    expect(await remote.double).toBe(10);
    expect(await remote.items[0]?.name).toBe('first');
    expect(await remote.items).toEqual([{ name: 'first', tags: ['a'] }]);
    expect(await remote.items[0]?.tags.push('b')).toBe(2);
    expect(await remote.items[0]?.tags.join('+')).toBe('a+b');
    expect(await failure(remote.failing)).toBeInstanceOf(SyntaxError);
  });

  test('reading is lazy, calling is not, and order is kept', async () => {
    const remote = counter();
    const { total } = remote;
    const added = remote.add(2);
    expect(await total).toBe(2);
    await added;
    expect(await callsOf(() => void remote.total)).toBe(0);
  });

  test('writing is ordered with calls', async () => {
    const remote = counter() as Remote<Counter> & {
      total: unknown;
      preset: unknown;
      fixed: unknown;
      add: unknown;
      unknown: unknown;
    };
    const before = remote.add(1);
    (remote as { total: unknown }).total = 10;
    const after = remote.add(1);
    await before;
    await after;
    expect(await remote.total).toBe(11);
    (remote as { preset: unknown }).preset = 3;
    expect(await remote.total).toBe(3);
  });

  test.each([
    ['add', () => 1],
    ['unknown', 1],
    ['constructor', 1],
    ['_secret', 1],
    ['double', 1],
  ])('writing %s is refused by the next call', async (name, value) => {
    const remote = counter();
    (remote as unknown as Record<string, unknown>)[name] = value;
    await manager.ping();
    await until(() => warnings.length > 0, 'a warning').catch(() => undefined);
    const error = await failure(remote.sum(1));
    expect(error.name).toMatch(/MethodNotExposed|TypeError/);
    expect(await remote.sum(1)).toBe(1);
    expect(await remote.total).toBe(0);
    warnings.length = 0;
  });

  test('handle: get, set, delete, has, keys, length, call, value, path, equals, alive', async () => {
    const remote = counter(1);
    const control = handle(remote);
    expect(await control.get('total')).toBe(1);
    await control.set('total', 4);
    expect(await control.call('sum', [1, 2])).toBe(3);
    expect(await control.has(2)).toBe(true); // it is iterable
    expect(await control.keys()).toEqual(
      expect.arrayContaining(['total', 'add', 'double', 'items']),
    );
    expect(await control.keys()).not.toContain('_secret');
    expect(
      await got(control.path<string>('items.0', 'name') as unknown as PromiseLike<string>),
    ).toBe('first');
    expect(await control.alive()).toBe(true);
    expect(control.typeid).toBe('Counter');
    expect(control.address).toContain(manager.address);
    expect(await control.equals(remote)).toBe(true);
    expect(await control.toStringRemote()).toMatch(/Counter/);
    expect((await failure(control.set('nothing', 1))).name).toBe('MethodNotExposedError');
    expect((await failure(control.delete('total'))).name).toBe('MethodNotExposedError');
    const list = mine(manager.list([1, 2]));
    const dict = mine(manager.dict({ a: 1 }));
    expect(await handle(list).length()).toBe(2);
    expect(await handle(dict).length()).toBe(1);
    expect(await handle(list).has(2)).toBe(true);
    expect(await handle(dict).has('a')).toBe(true);
    expect(await handle(list).value()).toEqual([1, 2]);
    expect(await handle(list).equals([1, 2])).toBe(true);
    expect(await handle(list).equals([1, 3])).toBe(false);
  });

  test('hostile names are refused at every hop, and nothing that was not exposed exists', async () => {
    const remote = counter();
    const control = handle(remote);
    for (const name of [
      'constructor',
      '__proto__',
      'prototype',
      'hasOwnProperty',
      'toString',
      '__defineGetter__',
      '_secret',
      '_hidden',
      'nothing',
    ]) {
      expect((await failure(control.get(name))).name).toBe('MethodNotExposedError');
      expect((await failure(control.call(name))).name).toBe('MethodNotExposedError');
      expect(await control.has(name)).toBe(false);
    }
    const deep = (
      remote as unknown as { items: { map: Record<string, () => PromiseLike<unknown>> } }
    ).items.map;
    for (const name of ['caller', 'arguments', 'length', 'name', 'nothing']) {
      expect(
        (await failure((deep as unknown as Record<string, PromiseLike<unknown>>)[name])).name,
      ).toBe('MethodNotExposedError');
    }
    expect((remote as unknown as { constructor: unknown }).constructor).toBeUndefined();
    expect((remote as unknown as { then: unknown }).then).toBeUndefined();
  });

  test('a class with members of hostile names can be used by handle', async () => {
    const remote = mine(manager.create<Hostile>('Hostile'));
    const control = handle(remote);
    expect(await control.call('call')).toBe('call');
    expect(await control.call('apply')).toBe('apply');
    expect(await control.call('toString')).toBe('text of Hostile');
    expect(await control.get('then')).toBe('then is a field');
    expect(await control.get('length')).toBe(3);
    expect(await got((remote as unknown as { name: PromiseLike<string> }).name)).toBe('named');
    expect(String(remote)).toMatch(/Remote/);
  });

  test('exposed lists what is reachable; methodToTypeid shares results', async () => {
    const remote = mine(manager.create<Narrow>('Narrow'));
    expect(await remote.open()).toBe('open');
    expect(await remote._under()).toBe('under');
    expect((await failure(remote.closed())).name).toBe('MethodNotExposedError');
    expect((await failure((remote as unknown as { missing(): unknown }).missing())).name).toBe(
      'MethodNotExposedError',
    );
    const list = mine((await remote.numbers()) as unknown as ListProxy);
    expect(list).toBeInstanceOf(ListProxy);
    expect(await list.push(3)).toBe(3);
    const dict = mine((await remote.table()) as unknown as DictProxy);
    expect(dict).toBeInstanceOf(DictProxy);
    expect(await dict.get('a')).toBe(1);
  });

  test('an own proxy class is used, and typeid makes a method of the manager', async () => {
    const remote = mine((manager as unknown as { Own(): NarrowProxy }).Own());
    expect(remote).toBeInstanceOf(NarrowProxy);
    expect(await remote.open()).toBe('open');
  });

  test('registering a typeid that is a member of Manager is refused', () => {
    expect(() => {
      TestManager.register('shutdown', { module: CLASSES });
    }).toThrow(/shutdown/);
    expect(() => {
      TestManager.register('x', { modul: CLASSES } as never);
    }).toThrow(/modul/);
  });
});

describe('results', () => {
  test('a function makes the referent, sync or not', async () => {
    const object = mine(manager.create<ReturnType<typeof maths>>('maths'));
    expect(await object.square(3)).toBe(9);
    expect(await object.pi).toBe(3);
    expect(await mine(manager.create<Counter>('makeCounter', 3)).total).toBe(3);
    expect(await mine(manager.create<Counter>('makeLater', 4)).total).toBe(4);
  });

  test('a method that returns its own object gives the same handle', async () => {
    const remote = counter();
    expect((await remote.add(1)) === remote).toBe(true);
    expect((await remote.add(1).add(1)) === remote).toBe(true);
    expect((await remote.addLater(1)) === remote).toBe(true);
    expect(await remote.total).toBe(4);
    expect(await manager.numberOfObjects()).toBe(1);
  });

  test('instances and functions come back by proxy, data by copy', async () => {
    const remote = counter(1);
    const other = mine(await remote.other());
    expect(isProxy(other)).toBe(true);
    expect(await other.total).toBe(7);
    const add = mine(await remote.adder()) as unknown as (by: number) => PromiseLike<number>;
    expect(await add(5)).toBe(6);
    expect(await remote.adder()(4)).toBe(10);
    expect(isProxy(await remote.items)).toBe(false);
    const byProxy = mine(withOptions(remote, { returns: 'proxy' }));
    const items = mine((await byProxy.items) as unknown as object);
    expect(isProxy(items)).toBe(true);
  });

  test('a chain is one message and runs once; branches too', async () => {
    const remote = counter();
    expect(await remote.add(1).add(1).add(1).total).toBe(3);
    const chain = remote.add(1);
    const [a, b] = await Promise.all([got(chain.total), got(chain.double)]);
    expect([a, b]).toEqual([4, 8]);
    const later = remote.add(1);
    await later;
    expect(await later.total).toBe(5);
    expect(await later.items[0]?.name).toBe('first');
  });

  test('a member later on an answer that nobody awaited', async () => {
    const remote = counter();
    const answer = remote.other();
    await manager.ping();
    expect(await answer.add(1).total).toBe(8);
    mine((await answer) as unknown as object);
  });

  test('an error in the middle of a chain reaches its end', async () => {
    const remote = counter();
    const chain = (remote.fail('range') as unknown as { a: { b(): PromiseLike<unknown> } }).a.b();
    expect(await failure(chain)).toBeInstanceOf(RangeError);
    expect(await remote.sum(1)).toBe(1);
  });

  test('generators run as far as they are asked, and close', async () => {
    const remote = counter();
    const iterator = (await remote.upTo(3)) as unknown as IteratorProxy<number>;
    expect(iterator).toBeInstanceOf(IteratorProxy);
    expect(await iterator.next()).toEqual({ done: false, value: 0 });
    expect(await iterator.next(50)).toEqual({ done: false, value: 1 });
    expect(await remote.total).toBe(50);
    expect(await iterator.return('early')).toEqual({ done: true, value: 'early' });
    expect(await remote.total).toBe(1050);
    const throwing = (await remote.upTo(3)) as unknown as IteratorProxy<number>;
    await throwing.next();
    expect(await throwing.throw(new RangeError('in'))).toEqual({ done: false, value: -1 });
    expect(await failure(throwing.next())).toBeInstanceOf(RangeError);
    release(throwing);
    const whole: number[] = [];
    for await (const value of (await remote.upTo(3)) as unknown as AsyncIterable<number>)
      whole.push(value);
    for await (const value of (await remote.later(3)) as unknown as AsyncIterable<number>)
      whole.push(value);
    for await (const value of remote as unknown as AsyncIterable<number>) whole.push(value);
    expect(whole).toEqual([0, 1, 2, 0, 1, 2, 1, 2, 3]);
    for await (const value of (await remote.upTo(9)) as unknown as AsyncIterable<number>)
      if (value === 1) break;
    for await (const value of remote.upTo(9) as unknown as AsyncIterable<number>)
      if (value === 1) break;
    await until(async () => (await manager.numberOfObjects()) === 1, 'the iterators to go');
  });
});

describe('errors', () => {
  test('keep class, cause, fields and both stacks', async () => {
    const remote = counter();
    const range = await failure(remote.fail('range'));
    expect(range).toBeInstanceOf(RangeError);
    expect(range.cause).toBeInstanceOf(TypeError);
    expect((range.cause as Error).cause).toBe('text');
    expect(range.remoteStack).toMatch(/classes\.ts/);
    const custom = await failure(remote.fail('custom'));
    expect(custom).toMatchObject({
      name: 'RemoteError',
      remoteName: 'ValidationError',
      message: 'bad',
      field: 'age',
      code: 'E_VALID',
    });
    expect((custom.cause as Error).message).toBe('why');
    const many = (await failure(remote.fail('aggregate'))) as unknown as AggregateError;
    expect(many).toBeInstanceOf(AggregateError);
    expect(many.errors[0]).toBeInstanceOf(TypeError);
    expect(many.errors[1]).toMatchObject({ remoteName: 'ValidationError', field: 'f' });
    expect(await failure(remote.fail('cyclic'))).toMatchObject({ message: 'cyclic' });
    expect(
      await got(remote.fail('text') as PromiseLike<unknown>).catch((error: unknown) => error),
    ).toBe('a text');
  });

  test('a reply that cannot be sent says why, and the connection goes on', async () => {
    const remote = counter();
    expect((await failure(remote.unsendable())).message).toMatch(/symbol/i);
    expect((await failure(remote.promiseInside())).message).toMatch(/promise/i);
    expect((await failure(remote.sum(Symbol('x') as never))).name).toBe('SerializationError');
    expect(await remote.sum(1)).toBe(1);
  });
});

describe('calls to this side', () => {
  test('callbacks, nested and failing', async () => {
    const remote = counter();
    expect(await remote.call((value) => value * 2, 21)).toBe(42);
    expect(await remote.call(async (value) => await got(remote.sum(value, 1)), 1)).toBe(2);
    const error = await failure(
      remote.call(() => {
        throw new RangeError('from the client');
      }),
    );
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe('from the client');
  });

  test('an instance goes by proxy as an argument', async () => {
    const remote = counter();
    class Local {
      calls = 0;
      hit(): number {
        return ++this.calls;
      }
    }
    const local = new Local();
    const answer = await remote.call(((value: Local) => value.hit()) as never, local as never);
    expect(answer).toBe(1);
    expect(local.calls).toBe(1);
  });
});

describe('options', () => {
  test('timeoutMs rejects, and the callee is told by currentSignal()', async () => {
    const remote = counter();
    const hasty = mine(withOptions(remote, { timeoutMs: 30 }));
    expect((await failure(hasty.wait())).name).toBe('TimeoutError');
    await until(async () => (await remote.total) === -1, 'the callee to notice');
    expect(await hasty.sum(1)).toBe(1);
  });

  test('an AbortSignal rejects with its reason, before and during a call', async () => {
    const remote = counter();
    const abort = new AbortController();
    const abortable = mine(withOptions(remote, { signal: abort.signal }));
    const waiting = failure(abortable.wait());
    await manager.ping();
    abort.abort(new RangeError('enough'));
    expect((await waiting).message).toBe('enough');
    await until(async () => (await remote.total) === -1, 'the callee to notice');
    expect((await failure(abortable.add(1))).message).toBe('enough');
    expect(await remote.total).toBe(-1);
  });

  test('oneway returns at once and tells errors as warnings', async () => {
    const remote = counter();
    warnings.length = 0;
    expect(oneway(remote).add(5)).toBeUndefined();
    oneway(remote).total = 7;
    oneway(remote).fail('range');
    expect(await remote.sum(1)).toBe(1);
    await until(() => warnings.some((warning) => warning instanceof RangeError), 'the warning');
  });

  test('a lazy member as an argument is read by its owner', async () => {
    const one = counter(20);
    const two = counter(3);
    expect(await one.sum(one.total as never, two.total as never, 1)).toBe(24);
    expect(await callsOf(() => got(one.sum(two.total as never)))).toBe(1);
    expect(await one.sum(two.add(1).total as never)).toBe(4);
    const list = mine(manager.list<unknown>());
    await list.push(one.total as never);
    expect(await list.at(0)).toBe(20);
  });

  test('a proxy as an argument arrives as its referent', async () => {
    const one = counter();
    const list = mine(manager.list([1]));
    const back = mine(
      (await one.call(((value: object) => mine(value)) as never, list as never)) as ListProxy,
    );
    expect(sameReferent(back, list)).toBe(true);
    const holder = mine(manager.list<unknown>([one]));
    expect(sameReferent(mine((await holder.get(0)) as object), one)).toBe(true);
  });

  test('after release calls reject, and the object is gone', async () => {
    const remote = manager.create<Counter>('Counter');
    await remote.sum(1);
    release(remote);
    expect(() => {
      release(remote);
    }).not.toThrow();
    let error: unknown;
    try {
      await remote.sum(1);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_REFERENT/) });
    expect(await manager.numberOfObjects()).toBe(0);
    {
      using scoped = manager.create<Counter>('Counter');
      expect(await scoped.sum(2)).toBe(2);
    }
    await until(async () => (await manager.numberOfObjects()) === 0);
  });
});

test('an unknown option of withOptions is refused, and leaves nothing', () => {
  const remote = counter();
  expect(() => withOptions(remote, { timeout: 1 } as never)).toThrow(/timeout/);
});

describe('an emitter in a manager of its own', () => {
  const own = new TestManager({ limits: SHORT_LIMITS });
  beforeAll(() => own.start());
  afterAll(() => endManager(own));

  test('calls its listeners back, and forgets them', async () => {
    const emitter = own.create<Emitter>('Emitter');
    const seen: unknown[] = [];
    const listener = (value: unknown) => void seen.push(value);
    await emitter.on('fired', listener);
    await emitter.fire({ a: 1 });
    await until(() => seen.length === 1, 'the event');
    expect(seen).toEqual([{ a: 1 }]);
    await emitter.off('fired', listener);
    expect(await emitter.listenerCount('fired')).toBe(0);
    expect(await emitter.fire(2)).toBe(false);
    expect(seen).toHaveLength(1);
    release(emitter);
  });

  test('outlives listeners that fail', async () => {
    const emitter = own.create<Emitter>('Emitter');
    await emitter.on('fired', () => {
      throw new Error('a listener failed');
    });
    await emitter.fire(1);
    await own.ping();
    await own.ping();
    expect(await emitter.fire(2)).toBe(true);
    expect(await emitter.listenerCount('fired')).toBe(1);
    release(emitter);
  });

  test('outlives listeners whose process was killed', async () => {
    const emitter = own.create<Emitter>('Emitter');
    const child = new Child();
    await child.run(
      async (library, state, argument: { emitter: unknown }) => {
        state.emitter = library.revive(argument).emitter;
        await state.emitter.on('fired', () => undefined);
      },
      { emitter },
    );
    await child.kill();
    for (let i = 0; i < 5; i++) expect(await emitter.fire(i)).toBe(true);
    await until(async () => (await own.inspect()).sessions.length === 1, 'the end of the session');
    for (let i = 0; i < 5; i++) expect(await emitter.fire(i)).toBe(true);
    release(emitter);
  });
});
