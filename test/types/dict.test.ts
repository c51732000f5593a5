import * as fc from 'fast-check';
import type { ListProxy } from '../../src/index';
import { DictProxy, type Key, Manager, release, sameReferent } from '../../src/index';
import { DictReferent } from '../../src/types/dict';
import { SHORT_LIMITS, expectNothingHeld } from '../support/managers';
import { shareManager } from '../support/shared';
import { until } from '../support/until';

const manager = new Manager({ limits: SHORT_LIMITS });
const mine = shareManager(manager);

/** A dict that is released after the test. */
function dict<K extends Key = Key, V = unknown>(
  items?: Iterable<readonly [K, V]>,
): DictProxy<K, V> {
  return mine(manager.dict<K, V>(items));
}
const KEYS: Key[] = [
  'a',
  '',
  '__proto__',
  'constructor',
  0,
  -1,
  1.5,
  NaN,
  Infinity,
  1n,
  2n ** 70n,
  true,
  false,
  null,
  undefined,
  '1',
  1,
];

test('is made of nothing, of entries, of a Map and of an object', async () => {
  await expect(dict().entries()).resolves.toEqual([]);
  await expect(dict([['a', 1]]).entries()).resolves.toEqual([['a', 1]]);
  await expect(dict(new Map([[1, 'x']])).entries()).resolves.toEqual([[1, 'x']]);
  const fromObject = mine(manager.dict({ a: 1, b: 2 }));
  await expect(fromObject.toObject()).resolves.toEqual({ a: 1, b: 2 });
  expect(fromObject).toBeInstanceOf(DictProxy);
});

test('is made of another dict, whose entries it copies', async () => {
  const first = dict([['a', 1]]);
  const second = dict(first as unknown as Iterable<[string, number]>);
  await second.set('b', 2);
  await expect(first.size).resolves.toBe(1);
  await expect(second.toObject()).resolves.toEqual({ a: 1, b: 2 });
});

test('every primitive is a key of its own', async () => {
  const proxy = dict<Key, number>(KEYS.map((key, i) => [key, i]));
  await expect(proxy.size).resolves.toBe(KEYS.length);
  for (const [i, key] of KEYS.entries()) {
    await expect(proxy.get(key)).resolves.toBe(i);
    await expect(proxy.has(key)).resolves.toBe(true);
  }
  await expect(proxy.get(-0)).resolves.toBe(4);
  await expect(proxy.keys()).resolves.toEqual(KEYS);
  await expect(proxy.has(2)).resolves.toBe(false);
});

test.each([
  ['an object', {}],
  ['an array', []],
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['a date', new Date()],
])('%s is refused as a key, by every way', async (_what, key) => {
  const bad = key as unknown as string;
  const proxy = dict<string, unknown>([['a', 1]]);
  expect(() => manager.dict([[bad, 1]])).toThrow(
    expect.objectContaining({ name: 'UsageError' }) as Error,
  );
  const calls = [
    () => proxy.get(bad),
    () => proxy.set(bad, 1),
    () => proxy.has(bad),
    () => proxy.delete(bad),
    () => proxy.pop(bad),
    () => proxy.setDefault(bad, 1),
    () => proxy.getOrInsert(bad, 1),
    () => proxy.increment(bad),
    () => proxy.compareAndSet(bad, 1, 2),
    () => proxy.update([[bad, 1]]),
    () => proxy.update(new Map([[bad, 1]])),
  ];
  for (const call of calls) {
    const answer = (async () => call())();
    await expect(answer).rejects.toMatchObject({ name: 'UsageError' });
  }
  await expect(proxy.toObject()).resolves.toEqual({ a: 1 });
});

test('a wrong key rejects and does not throw', async () => {
  const proxy = dict();
  let answer: Promise<unknown> | undefined;
  expect(() => (answer = proxy.get({} as never))).not.toThrow();
  await expect(answer).rejects.toMatchObject({ name: 'UsageError' });
});

test('an object is refused as a key by the manager too', async () => {
  const proxy = dict();
  await expect(proxy._callMethod('set', [{}, 1])).rejects.toThrow();
  await expect(proxy._callMethod('update', [[[{}, 1]]])).rejects.toThrow();
  await expect(proxy._callMethod('setDefault', [[], 1])).rejects.toThrow();
  await expect(proxy._callMethod('increment', [{}, 1])).rejects.toThrow();
  await expect(proxy.size).resolves.toBe(0);
});

test('get, set, has, delete, pop, popItem and clear', async () => {
  const proxy = dict<Key, unknown>([
    ['a', 1],
    ['b', undefined],
    ['c', 3],
  ]);
  await expect(proxy.set('a', 2)).resolves.toBeUndefined();
  await expect(proxy.get('a')).resolves.toBe(2);
  await expect(proxy.get('x')).resolves.toBeUndefined();
  await expect(proxy.get('toString')).resolves.toBeUndefined();
  await expect(proxy.has('b')).resolves.toBe(true);
  await expect(proxy.delete('b')).resolves.toBe(true);
  await expect(proxy.delete('b')).resolves.toBe(false);
  await expect(proxy.pop('a')).resolves.toBe(2);
  await expect(proxy.pop('a')).resolves.toBeUndefined();
  await proxy.set('d', 4);
  await expect(proxy.popItem()).resolves.toEqual(['d', 4]);
  await expect(proxy.popItem()).resolves.toEqual(['c', 3]);
  await expect(proxy.popItem()).resolves.toBeUndefined();
  await proxy.set(undefined, 1);
  await expect(proxy.popItem()).resolves.toEqual([undefined, 1]);
  await proxy.set('e', 1);
  await expect(proxy.clear()).resolves.toBeUndefined();
  await expect(proxy.size).resolves.toBe(0);
});

test('setDefault and getOrInsert keep what is there, undefined too', async () => {
  const proxy = dict<Key, unknown>([['a', undefined]]);
  await expect(proxy.setDefault('a', 1)).resolves.toBeUndefined();
  await expect(proxy.getOrInsert('b', 2)).resolves.toBe(2);
  await expect(proxy.getOrInsert('b', 3)).resolves.toBe(2);
});

test('update takes entries, an object, a Map, a dict, itself', async () => {
  const proxy = dict<string, number>([['a', 1]]);
  await proxy.update([
    ['a', 2],
    ['b', 2],
  ]);
  await proxy.update({ c: 3 });
  await proxy.update(new Map([['d', 4]]));
  await proxy.update(dict<string, number>([['e', 5]]) as unknown as Iterable<[string, number]>);
  await proxy.update(proxy as unknown as Iterable<[string, number]>);
  await expect(proxy.toObject()).resolves.toEqual({ a: 2, b: 2, c: 3, d: 4, e: 5 });
});

test('increment: absent counts as 0, what is no number is refused', async () => {
  const proxy = dict<Key, unknown>([
    ['text', 'x'],
    ['null', null],
    ['big', 1n],
  ]);
  await expect(proxy.increment('n')).resolves.toBe(1);
  await expect(proxy.increment('n', 2.5)).resolves.toBe(3.5);
  await expect(proxy.increment('b', 2n)).resolves.toBe(2n);
  await expect(proxy.increment('big')).resolves.toBe(2n);
  await expect(proxy.increment('big', 1)).rejects.toBeInstanceOf(TypeError);
  await expect(proxy.increment('text')).rejects.toBeInstanceOf(TypeError);
  await expect(proxy.increment('null')).rejects.toBeInstanceOf(TypeError);
  const all = await Promise.all(Array.from({ length: 200 }, () => proxy.increment('many')));
  expect(all.at(-1)).toBe(200);
});

test('compareAndSet: undefined stands for absent', async () => {
  const proxy = dict<string, unknown>();
  await expect(proxy.compareAndSet('a', 1, 2)).resolves.toBe(false);
  await expect(proxy.has('a')).resolves.toBe(false);
  const wins = await Promise.all([1, 2, 3].map((i) => proxy.compareAndSet('a', undefined, i)));
  expect(wins).toEqual([true, false, false]);
  await proxy.set('a', { x: [1] });
  await expect(proxy.compareAndSet('a', { x: [1] }, 'won')).resolves.toBe(true);
  await expect(proxy.get('a')).resolves.toBe('won');
});

test('keys, values, entries, copy, toMap and toObject', async () => {
  const proxy = dict<string, unknown>([
    ['b', 1],
    ['a', 2],
  ]);
  await expect(proxy.keys()).resolves.toEqual(['b', 'a']);
  await expect(proxy.values()).resolves.toEqual([1, 2]);
  await expect(proxy.entries()).resolves.toEqual([
    ['b', 1],
    ['a', 2],
  ]);
  const map = new Map<string, unknown>([
    ['b', 1],
    ['a', 2],
  ]);
  await expect(proxy.copy()).resolves.toEqual(map);
  await expect(proxy.toMap()).resolves.toEqual(map);
  await expect(proxy._getValue()).resolves.toEqual(map);
  await expect(proxy.toObject()).resolves.toEqual({ b: 1, a: 2 });
});

test("toObject keeps a key '__proto__' as data and refuses keys that are no text", async () => {
  const proxy = dict<Key, unknown>([
    ['__proto__', { polluted: 1 }],
    ['constructor', 1],
  ]);
  const object = await proxy.toObject();
  expect(Object.keys(object)).toEqual(['__proto__', 'constructor']);
  expect((object as { polluted?: unknown }).polluted).toBeUndefined();
  expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
  await proxy.set(1, 1);
  await expect(proxy.toObject()).rejects.toBeInstanceOf(TypeError);
});

test('size is asked for when awaited', async () => {
  const proxy = dict<string, number>([['a', 1]]);
  const { size } = proxy;
  await proxy.set('b', 1);
  await expect(size).resolves.toBe(2);
});

test('iterates over entries, live between chunks', async () => {
  for (const length of [0, 1, 255, 256, 257, 600]) {
    const proxy = dict<number, number>(Array.from({ length }, (_, i) => [i, i * 2]));
    const entries: [number, number][] = [];
    for await (const entry of proxy) entries.push(entry);
    expect(entries).toEqual(Array.from({ length }, (_, i) => [i, i * 2]));
  }
  const proxy = dict<number, number>(Array.from({ length: 300 }, (_, i) => [i, i]));
  let seen = 0;
  for await (const [key] of proxy) {
    if (key === 0) {
      await proxy.delete(299);
      await proxy.set(1000, 1);
    }
    expect(key).not.toBe(299);
    seen++;
  }
  expect(seen).toBe(300);
});

test('break gives the iterator of the manager back', async () => {
  const proxy = dict<number, number>(Array.from({ length: 600 }, (_, i) => [i, i]));
  for await (const [key] of proxy) {
    if (key !== 3) continue;
    await expect(manager.numberOfObjects()).resolves.toBe(2);
    break;
  }
  await until(async () => (await manager.numberOfObjects()) === 1);
});

test('shared objects inside, three deep, are proxies when read', async () => {
  const deepest = mine(manager.list(['x']));
  const middle = dict<string, ListProxy<string>>([['list', deepest]]);
  const outer = dict<string, typeof middle>([['dict', middle]]);
  const readMiddle = mine((await outer.get('dict')) as typeof middle);
  expect(readMiddle).toBeInstanceOf(DictProxy);
  const readDeepest = mine((await readMiddle.get('list')) as typeof deepest);
  expect(sameReferent(readDeepest, deepest)).toBe(true);
  await readDeepest.push('y');
  await expect(outer._getValue()).resolves.toEqual(
    new Map([['dict', new Map([['list', ['x', 'y']]])]]),
  );
  expect(sameReferent(mine((await outer.values())[0] as object), middle)).toBe(true);
});

test('contains itself', async () => {
  const proxy = dict<string, unknown>();
  await proxy.set('self', proxy);
  expect(sameReferent(mine((await proxy.get('self')) as object), proxy)).toBe(true);
  const value = (await proxy._getValue()) as Map<string, unknown>;
  expect(value.get('self')).toBe(value);
  await expect(proxy.toStringRemote()).resolves.toMatch(/Circular/);
});

test('what cannot be shared is refused, and nothing is lost', async () => {
  class Point {}
  const proxy = dict<string, unknown>([['a', 1]]);
  await expect(proxy.set('p', new Point())).rejects.toThrow(/Point/);
  await expect(proxy.update({ b: 1, p: { q: [new Point()] } })).rejects.toThrow(/Point/);
  await expect(proxy.set('s', Symbol('s'))).rejects.toMatchObject({ name: 'SerializationError' });
  await expect(proxy.toObject()).resolves.toEqual({ a: 1 });
  await expect(proxy._callMethod('constructor')).rejects.toMatchObject({
    name: 'MethodNotExposedError',
  });
  await expect(proxy._callMethod('__proto__')).rejects.toMatchObject({
    name: 'MethodNotExposedError',
  });
});

test('is updated by a dict of another manager, which is read first', async () => {
  await using other = new Manager({ limits: SHORT_LIMITS });
  const theirs = other.dict({ b: 2 });
  const proxy = dict<string, number>([['a', 1]]);
  await proxy.update(theirs as unknown as Iterable<[string, number]>);
  await expect(proxy.toObject()).resolves.toEqual({ a: 1, b: 2 });
  release(theirs);
  await expectNothingHeld(other);
});

const key = fc.constantFrom<Key[]>('a', '__proto__', 0, -0, NaN, 1n, null, undefined, true);
const value = fc.oneof(
  fc.integer(),
  fc.constantFrom('x', undefined, null),
  fc.constant({ a: [1] }),
);
const entries = fc.array(fc.tuple(key, value));
const steps = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('set' as const), key, value),
    fc.tuple(fc.constant('get' as const), key),
    fc.tuple(fc.constant('has' as const), key),
    fc.tuple(fc.constant('delete' as const), key),
    fc.tuple(fc.constant('clear' as const)),
  ),
  { maxLength: 12 },
);

test('the referent behaves as a Map does', () => {
  fc.assert(
    fc.property(entries, steps, (items, all) => {
      const model = new Map<unknown, unknown>(items);
      const referent = new DictReferent(items);
      for (const [name, ...args] of all) {
        const expected = Reflect.apply(model[name] as never, model, args) as unknown;
        const answer: unknown = Reflect.apply(referent[name] as never, referent, args);
        expect(answer).toEqual(expected === model ? undefined : expected);
      }
      expect(referent.entries()).toEqual([...model]);
    }),
    { numRuns: 1000 },
  );
});

test('and so it does through a manager', async () => {
  await fc.assert(
    fc.asyncProperty(entries, steps, async (items, all) => {
      const model = new Map<unknown, unknown>(items);
      const proxy = manager.dict<Key, unknown>(items);
      try {
        const answers = all.map(([name, ...args]) => proxy._callMethod(name, args));
        const whole = proxy.entries();
        for (const [i, [name, ...args]] of all.entries()) {
          const expected = Reflect.apply(model[name] as never, model, args) as unknown;
          expect(await answers[i]).toEqual(expected === model ? undefined : expected);
        }
        expect(await whole).toEqual([...model]);
        const iterated: unknown[] = [];
        for await (const entry of proxy) iterated.push(entry);
        expect(iterated).toEqual([...model]);
      } finally {
        release(proxy);
      }
    }),
    { numRuns: 25 },
  );
});
