import * as fc from 'fast-check';
import { Manager, NamespaceProxy, handle, release, sameReferent } from '../../src/index';
import { NamespaceReferent } from '../../src/types/namespace';
import { SHORT_LIMITS } from '../support/managers';
import { shareManager } from '../support/shared';

const manager = new Manager({ limits: SHORT_LIMITS });
const mine = shareManager(manager);

/** A namespace that is released after the test. */
function namespace<T extends object = Record<string, unknown>>(members?: T): NamespaceProxy<T> {
  return mine(manager.namespace<T>(members));
}
test('get, set, has, delete and keys', async () => {
  const proxy = namespace<Record<string, unknown>>({ a: 1, b: { c: 2 } });
  expect(proxy).toBeInstanceOf(NamespaceProxy);
  await expect(proxy.get('a')).resolves.toBe(1);
  await expect(proxy.get('x')).resolves.toBeUndefined();
  await expect(proxy.set('x', [1])).resolves.toBeUndefined();
  await expect(proxy.has('x')).resolves.toBe(true);
  await expect(proxy.keys()).resolves.toEqual(['a', 'b', 'x']);
  await expect(proxy.delete('x')).resolves.toBe(true);
  await expect(proxy.delete('x')).resolves.toBe(false);
  await expect(proxy._getValue()).resolves.toEqual({ a: 1, b: { c: 2 } });
  await expect(proxy.toStringRemote()).resolves.toBe('{ a: 1, b: { c: 2 } }');
  await expect(handle(proxy).equals({ b: { c: 2 }, a: 1 })).resolves.toBe(true);
});

test('is made of another namespace, whose attributes it copies', async () => {
  const first = namespace<Record<string, unknown>>({ a: 1 });
  const second = namespace(first) as unknown as NamespaceProxy;
  await second.set('b', 2);
  await expect(first.keys()).resolves.toEqual(['a']);
  await expect(second._getValue()).resolves.toEqual({ a: 1, b: 2 });
});

test('increment: absent counts as 0', async () => {
  const proxy = namespace<Record<string, unknown>>({ text: 'x' });
  const sums = await Promise.all([1, 2, 3].map(() => proxy.increment('n')));
  expect(sums).toEqual([1, 2, 3]);
  await expect(proxy.increment('big', 2n)).resolves.toBe(2n);
  await expect(proxy.increment('text')).rejects.toBeInstanceOf(TypeError);
});

test.each(['_x', '__proto__', '_'])('%s is refused, and the error says why', async (name) => {
  const refused = expect.objectContaining({
    name: 'UsageError',
    message: expect.stringContaining('names that begin with "_" are private') as string,
  }) as Error;
  const members = Object.fromEntries([[name, 1]]) as Record<string, unknown>;
  expect(() => manager.namespace(members)).toThrow(refused);
  const proxy = namespace<Record<string, unknown>>();
  await expect(proxy.set(name, 1)).rejects.toEqual(refused);
  await expect(proxy.get(name)).rejects.toEqual(refused);
  await expect(proxy.delete(name)).rejects.toEqual(refused);
  await expect(proxy.increment(name)).rejects.toEqual(refused);
  await expect(proxy._callMethod('set', [name, 1])).rejects.toEqual(refused);
  await expect(proxy.has(name)).resolves.toBe(false);
  await expect(proxy.keys()).resolves.toEqual([]);
});

test('what is no text is no name, and what is no object makes none', async () => {
  const proxy = namespace<Record<string, unknown>>();
  const refused = { name: 'UsageError' };
  await expect(proxy.set(1 as never, 1)).rejects.toMatchObject(refused);
  await expect(proxy._callMethod('set', [1, 1])).rejects.toMatchObject(refused);
  expect(() => manager.namespace(5 as never)).toThrow(expect.objectContaining(refused) as Error);
});

test.each(['constructor', 'toString', 'hasOwnProperty', 'get', 'prototype'])(
  'an attribute "%s" is only data',
  async (name) => {
    const proxy = namespace<Record<string, unknown>>();
    await expect(proxy.get(name)).resolves.toBeUndefined();
    await proxy.set(name, { a: 1 });
    await expect(proxy.get(name)).resolves.toEqual({ a: 1 });
    const copy = (await proxy._getValue()) as object;
    expect(Object.getOwnPropertyNames(copy)).toEqual([name]);
    await expect(handle(proxy).has(name)).resolves.toBe(true);
    await expect(proxy.keys()).resolves.toEqual([name]);
  },
);

test('holds shared objects, itself too', async () => {
  const proxy = namespace<Record<string, unknown>>();
  await proxy.set('self', proxy);
  expect(sameReferent(mine((await proxy.get('self')) as object), proxy)).toBe(true);
  const copy = (await proxy._getValue()) as { self: unknown };
  expect(copy.self).toBe(copy);
  await expect(proxy.set('f', () => 1)).rejects.toMatchObject({ name: 'SerializationError' });
});

const name = fc.constantFrom('a', 'b', 'constructor', 'toString', 'get', '');
const steps = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('set' as const), name, fc.integer()),
    fc.tuple(fc.constantFrom('get' as const, 'has' as const, 'delete' as const), name),
    fc.tuple(fc.constant('keys' as const)),
    fc.tuple(fc.constant('increment' as const), name, fc.integer()),
  ),
  { maxLength: 12 },
);

/** What a Map does for each of the methods. */
function expected(model: Map<string, number>, [method, key = '', by = 0]: Step): unknown {
  if (method === 'keys') return [...model.keys()];
  if (method === 'set') return void model.set(key, by);
  if (method !== 'increment') return model[method](key);
  model.set(key, (model.get(key) ?? 0) + by);
  return model.get(key);
}
type Step = readonly ['get' | 'set' | 'has' | 'delete' | 'keys' | 'increment', string?, number?];

test('the referent behaves as a Map does', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const model = new Map<string, number>();
      const referent = new NamespaceReferent();
      for (const step of all as readonly Step[]) {
        const [method, ...args] = step;
        const answer: unknown = Reflect.apply(referent[method] as never, referent, args);
        expect(answer).toEqual(expected(model, step));
      }
      expect(referent.entries()).toEqual([...model]);
    }),
    { numRuns: 1000 },
  );
});

test('and so it does through a manager', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const model = new Map<string, number>();
      const proxy = manager.namespace();
      try {
        const calls = (all as readonly Step[]).map((step) => {
          const [method, ...args] = step;
          return { step, answer: proxy._callMethod(method, args) };
        });
        for (const { step, answer } of calls) expect(await answer).toEqual(expected(model, step));
        expect(await proxy._getValue()).toEqual(Object.fromEntries(model));
      } finally {
        release(proxy);
      }
    }),
    { numRuns: 25 },
  );
});
