// Serializers, value types and classes of errors between real processes.
import {
  LimitError,
  Manager,
  type ManagerOptions,
  type Remote,
  SerializationError,
  TimeoutError,
  UsageError,
  handle,
  isProxy,
  oneway,
  registerSerializer,
  registerValueType,
  release,
  revive,
  sync,
  withOptions,
} from '../../src/index';
import { type Depot, FarPoint, OrderError, Point, calls } from '../fixtures/values';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { until } from '../support/until';

jest.setTimeout(60_000);

const VALUES = require.resolve('../fixtures/values');
const NAMES = ['v8', 'json', 'msgpack', 'reversed'] as const;

/** Only this process knows it. */
class Stranger {
  readonly n = 1;
}
registerValueType(Stranger, {
  name: 'Stranger',
  toPlain: ({ n }) => n,
  fromPlain: () => new Stranger(),
});
registerSerializer('only-here', {
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as unknown,
});

/** Too large, and too mixed, for the small tags. */
function sample() {
  const twice = { once: true };
  return {
    many: Array.from({ length: 40 }, (_, i) => ({ i, big: 2n ** 70n })),
    map: new Map<unknown, unknown>([[new Date(5), new Set([undefined, NaN, -0])]]),
    floats: new Float64Array([1.5, -0]),
    twice: [twice, twice],
    lone: '\ud800',
    '@r': 1,
  };
}

/** One depot of `manager` for the tests around this call; both end with them. */
function shareDepot(manager: Manager, give: (depot: Remote<Depot>) => void): void {
  let depot: Remote<Depot>;
  beforeAll(async () => {
    await manager.start();
    give((depot = manager.create<Depot>('Depot')));
  });
  afterAll(async () => {
    release(depot);
    await endManager(manager);
  });
}

describe.each(NAMES)('a manager whose data goes by %s', (serializer) => {
  const manager = new Manager({ serializer, types: VALUES, limits: SHORT_LIMITS });
  let depot: Remote<Depot>;
  shareDepot(manager, (made) => (depot = made));

  test('keeps values, also in containers', async () => {
    using list = manager.list<unknown>([sample()]);
    await list.push(sample(), new Point(1, [new Point(2, new Date(3))]));
    const [first, second, point] = (await list.toArray()) as [unknown, { twice: object[] }, Point];
    expect([first, second]).toEqual([sample(), sample()]);
    expect(second.twice[0]).toBe(second.twice[1]);
    expect(point).toBeInstanceOf(Point);
    expect((point.y as Point[])[0]?.x).toBe(2);
    expect((point.y as Point[])[0]?.y).toEqual(new Date(3));
  });

  test('keeps proxies and functions inside of them', async () => {
    using list = manager.list([1]);
    const given = { ...sample(), list, deep: [new Map([['f', (n: number) => n + 1]])] };
    const got = (await depot.echo(given)) as {
      list: typeof list;
      deep: [Map<string, (n: number) => Promise<number>>];
    };
    expect(await got.list.length).toBe(1);
    const f = got.deep[0].get('f')!;
    expect(await f(1)).toBe(2);
    release(got.list);
  });

  test('keeps a value type that holds a proxy', async () => {
    using list = manager.list([7]);
    const point = (await depot.echo(new Point(1, list))) as Point;
    expect(await (point.y as typeof list).at(0)).toBe(7);
    release(point.y as object);
  });

  test('refuses what cannot be copied with its place', async () => {
    using list = manager.list();
    const bad = { many: sample(), a: [{ b: new FarPoint(1, 2) }] };
    await expect(list.push(bad)).rejects.toThrow(/argument 1\.a\[0\]\.b: an instance of FarPoint/);
    await expect(list.push({ many: sample(), s: Symbol('s') })).rejects.toThrow(SerializationError);
    let deep: unknown = 1;
    for (let i = 0; i < 200; i++) deep = [deep];
    await expect(list.push(deep)).rejects.toThrow(LimitError);
  });

  test('answers sync calls', () => {
    const list = sync(manager).list([sample()]);
    expect(list[0]).toEqual(sample());
    const blocking = sync(depot);
    expect(blocking.echo(new Point(4, sample()))).toBeInstanceOf(Point);
    for (const proxy of [list, blocking]) release(proxy as object);
  });

  test('tells the processes of its user, which find it by a token', async () => {
    using list = manager.list();
    const other = Manager.connect(manager.address);
    await other.start();
    using own = other.list([sample()]);
    expect(await own.toArray()).toEqual([sample()]);
    using again = revive(JSON.parse(JSON.stringify(list)) as typeof list);
    await again.push(sample());
    expect(await list.toArray()).toEqual([sample()]);
    release(own);
    await other.close();
  });

  test('has workers in its pools, to which value types and errors go', async () => {
    using pool = manager.pool(1);
    const task = { module: VALUES, export: 'shift' };
    const points = (await pool.map(task, [new Point(1, 'a'), new Point(5, sample())])) as Point[];
    expect(points.map(({ x }) => x)).toEqual([2, 6]);
    expect(points[1]?.y).toEqual(sample());
    const failure = await pool.apply(task, [new Point(-1, 0)]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OrderError);
    await pool.terminate();
    await pool.join();
  });
});

describe('one call', () => {
  const manager = new Manager({ types: VALUES, limits: SHORT_LIMITS });
  let depot: Remote<Depot>;
  shareDepot(manager, (made) => (depot = made));

  test('goes by its own serializer, and so does its answer', async () => {
    const before = (await depot.counts()) as typeof calls;
    const here = { ...calls };
    using reversed = withOptions(depot, { serializer: 'reversed' });
    expect(await reversed.echo([1, { a: 2 }])).toEqual([1, { a: 2 }]);
    expect(calls).toEqual({ encode: here.encode + 1, decode: here.decode + 1 });
    const after = (await depot.counts()) as typeof calls;
    expect(after).toEqual({ encode: before.encode + 1, decode: before.decode + 1 });
    using list = manager.list([[1]]);
    expect(await list._callMethod('at', [0], { serializer: 'reversed' })).toEqual([1]);
    expect(calls.decode).toBe(here.decode + 2);
    const blocking = sync(reversed);
    const counted = calls.decode;
    expect(blocking.echo([3])).toEqual([3]);
    expect(calls.decode).toBeGreaterThan(counted); // it looks at the member first
    release(blocking as object);
  });

  test('by a serializer that is not here is a UsageError at once', async () => {
    using list = manager.list();
    expect(() => withOptions(list, { serializer: 'nowhere' })).toThrow(UsageError);
    expect(() => withOptions(list, { serializer: 'nowhere' })).toThrow(/registerSerializer/);
    expect(() => new Manager({ serializer: 'nowhere' })).toThrow(UsageError);
    expect(() => Manager.connect('unix:/x', { serializer: 'nowhere' })).toThrow(UsageError);
    expect(await list.length).toBe(0);
  });

  test('by one that is not there is a SerializationError that says what to do', async () => {
    using strange = withOptions(depot, { serializer: 'only-here' });
    for (const argument of [1, [1], sample()]) {
      const error = await got(strange.keep(argument));
      expect(error).toBeInstanceOf(SerializationError);
      expect((error as Error).message).toMatch(/'only-here'.*registerSerializer\('only-here'/);
    }
    expect(await depot.kept()).toBeUndefined();
  });

  test('with a value type that is not there is a SerializationError that names it', async () => {
    const error = await got(depot.keep({ deep: [new Stranger()] }));
    expect(error).toBeInstanceOf(SerializationError);
    expect((error as Error).message).toContain('"Stranger"');
    expect(await depot.isPoint(new Point(1, 2))).toBe(true);
  });

  test('answers instances of the very class by copy, of one that extends it by proxy', async () => {
    const far = await got(depot.far());
    expect(isProxy(far)).toBe(true);
    release(far as object);
    const { at } = (await depot.mixed()) as { at: [Point, Remote<Point>] };
    expect(at[0]).toBeInstanceOf(Point);
    expect(isProxy(at[1])).toBe(true);
    expect(await at[1].x).toBe(3);
    release(at[1]);
  });

  test('that throws a registered error gives its class, properties, cause and stack', async () => {
    const error = (await got(depot.fail(7))) as OrderError & { remoteStack: string };
    expect(error).toBeInstanceOf(OrderError);
    expect(error).toBeInstanceOf(RangeError);
    expect([error.name, error.message, error.order]).toEqual(['OrderError', 'order 7 is wrong', { id: 7 }]); // prettier-ignore
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.remoteStack).toContain('fixtures/values');
    const thrown = await got(
      depot.callBack(() => {
        throw new OrderError({ id: 8 });
      }, 0),
    );
    expect(thrown).toBeInstanceOf(OrderError);
  });

  test('returns: copy copies what is shared, and names the place of what it cannot', async () => {
    using inner = manager.list([1, new Point(1, 2)]);
    using outer = manager.list([[inner]]);
    const copying = { returns: 'copy' } as const;
    expect(await outer._callMethod('at', [0], copying)).toMatchObject([[1, { y: 2 }]]);
    await expect(handle(depot).call('mixed', [], copying)).rejects.toThrow(
      /the result\.at\[1\]: an instance of FarPoint is no plain data/,
    );
    const shared = (await outer._callMethod('at', [0], { returns: 'proxy' })) as Remote<unknown[]>;
    expect(isProxy(shared)).toBe(true);
    expect(await handle(shared).length()).toBe(1);
    release(shared);
    const [auto] = (await outer.at(0)) as [typeof inner];
    expect(await auto.length).toBe(2);
    release(auto);
  });

  test('returns: proxy gives a handle of a function too, and copy refuses it', async () => {
    type Adder = (n: number) => Promise<number>;
    const adder = (await handle(depot).call('adder', [], { returns: 'proxy' })) as Adder;
    expect(await adder(1)).toBe(2);
    release(adder);
    await expect(handle(depot).call('adder', [], { returns: 'copy' })).rejects.toThrow(
      /the result: a function is no plain data/,
    );
  });

  test('that is given up tells the method why', async () => {
    const stop = new AbortController();
    using stoppable = withOptions(depot, { signal: stop.signal });
    const waiting = got(stoppable.waitForEnd());
    const reason = new OrderError({ id: 9 });
    await manager.numberOfObjects(); // the call has come before
    stop.abort(reason);
    expect(await waiting).toBe(reason);
    await until(async () => (await depot.reason()) !== undefined, 'the reason');
    expect(await depot.reason()).toMatchObject({ order: { id: 9 } });
    expect(await depot.reason()).toBeInstanceOf(OrderError);

    using hasty = withOptions(depot, { timeoutMs: 20 });
    expect(await got(hasty.waitForEnd())).toBeInstanceOf(TimeoutError);
    await until(async () => (await depot.reason()) instanceof TimeoutError, 'the timeout');
    const blocking = sync(hasty);
    expect(() => blocking.waitForEnd()).toThrow(TimeoutError);
    release(blocking as object);
  });

  test('whose reason cannot cross is given up all the same', async () => {
    const stop = new AbortController();
    using stoppable = withOptions(depot, { signal: stop.signal });
    const waiting = got(stoppable.waitForEnd());
    await manager.numberOfObjects(); // the call has come before
    stop.abort(new WeakMap());
    expect(await waiting).toBeInstanceOf(WeakMap);
    await until(
      async () => ((await depot.reason()) as Error).name === 'AbortError',
      'the end of the call',
    );
  });

  test('oneway has the options of its handle', async () => {
    const here = calls.encode;
    using reversed = withOptions(depot, { serializer: 'reversed' });
    oneway(reversed).keep([5]);
    expect(await depot.kept()).toEqual([5]);
    expect(calls.encode).toBe(here + 1);
  });
});

describe('withOptions of a manager', () => {
  const manager = new Manager({ types: VALUES, limits: SHORT_LIMITS });
  beforeAll(() => manager.start());
  afterAll(() => endManager(manager));

  test('is the manager, whose proxies have the options', async () => {
    const reversed = withOptions(manager, { serializer: 'reversed' });
    expect(reversed).toBeInstanceOf(Manager);
    expect([reversed.address, reversed.pid, reversed.state]).toEqual([
      manager.address,
      manager.pid,
      'started',
    ]);
    using list = reversed.list<unknown>();
    const before = calls.encode;
    await list.push([1]);
    expect(calls.encode).toBe(before + 1);
    using depot = reversed.create<Depot>('Depot');
    await depot.echo([1]);
    expect(calls.encode).toBe(before + 2);
    using plain = manager.list<unknown>();
    await plain.push([1]);
    expect(calls.encode).toBe(before + 2);
    expect(await reversed.numberOfObjects()).toBe(3);
    expect(reversed.ref().unref()).toBe(reversed);
  });

  test('adds to what was given before, and goes with sync in any order', async () => {
    const hasty = withOptions(withOptions(manager, { serializer: 'reversed' }), { timeoutMs: 30 });
    using depot = hasty.create<Depot>('Depot');
    expect(await got(depot.waitForEnd())).toBeInstanceOf(TimeoutError);
    for (const blocking of [sync(hasty), withOptions(sync(manager), { timeoutMs: 30 })]) {
      const event = blocking.event();
      const before = calls.decode;
      const list = blocking.list([[1]]);
      expect(list[0]).toEqual([1]);
      if (calls.decode > before) expect(calls.decode).toBe(before + 1);
      const waiting = blocking.create<Depot>('Depot');
      expect(() => waiting.waitForEnd()).toThrow(TimeoutError);
      for (const proxy of [event, list, waiting]) release(proxy as object);
    }
  });

  test('refuses what is no option', () => {
    expect(() => withOptions(manager, { timeout: 1 } as object)).toThrow(UsageError);
  });
});

describe('a server that takes no v8', () => {
  const authkey = 'a key of more than sixteen bytes';
  const start = async (options: Partial<ManagerOptions> = {}): Promise<Manager> => {
    const manager = new Manager({ address: 'tcp://127.0.0.1:0', authkey, serializer: 'json', types: VALUES, ...options }); // prettier-ignore
    await manager.start();
    return manager;
  };

  test('refuses the data and not the client, and says what to do', async () => {
    await using manager = await start();
    await using other = Manager.connect(manager.address, { authkey });
    using list = other.list<unknown>();
    expect(await list.push(1, 'two', { small: [3n] })).toBe(3);
    const error = await got(list.push(new Map([[1, 2]])));
    expect(error).toBeInstanceOf(SerializationError);
    expect((error as Error).message).toContain(`serializer: 'json'`);
    using depot = other.create<Depot>('Depot');
    const fromCallback = await got(depot.callBack(() => new Map([[1, 2]]), 1));
    expect(fromCallback).toEqual(new Map([[1, 2]])); // the server's call asks for json
    using safe = withOptions(list, { serializer: 'msgpack' });
    await safe.push(new Map([[1, 2]]));
    expect(await list.at(-1)).toEqual(new Map([[1, 2]]));
    await using told = Manager.connect(manager.address, { authkey, serializer: 'json' });
    using dict = told.dict([['a', new Map([[sample(), 1]])]]);
    expect(await dict.size).toBe(1);
  });
});

describe('a value type and a class of errors', () => {
  test('that another class has the name of are refused', () => {
    class Point {}
    const codec = { name: 'Point', toPlain: () => 1, fromPlain: () => new Point() };
    expect(() => {
      registerValueType(Point, codec);
    }).toThrow(/another class has that name/);
    expect(() => {
      registerValueType(Point, { ...codec, name: '' });
    }).toThrow(UsageError);
    expect(() => {
      registerSerializer('json', { encode: () => Buffer.alloc(0), decode: () => 1 });
    }).toThrow(UsageError);
  });

  test('that a manager on the way does not know: the error arrives, the value is refused', async () => {
    const manager = new Manager({ limits: SHORT_LIMITS });
    await manager.start();
    const pool = manager.pool(1);
    const run = (task: string, argument: unknown): Promise<unknown> =>
      got(pool.apply({ module: VALUES, export: task }, [argument]));
    const failure = await run('failing', 3);
    expect(failure).toBeInstanceOf(OrderError);
    expect(failure).toMatchObject({ order: { id: 3 } });
    expect(failure).not.toHaveProperty('remoteName');
    const unknown = await run('shift', new Point(1, 1));
    expect(unknown).toBeInstanceOf(SerializationError);
    expect((unknown as Error).message).toContain('"Point"');
    await pool.terminate();
    await pool.join();
    release(pool);
    await endManager(manager);
  });
});

async function got(answer: unknown): Promise<unknown> {
  try {
    return await (answer as Promise<unknown>);
  } catch (error) {
    return error;
  }
}
