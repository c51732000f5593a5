import { Manager, ValueProxy, sameReferent } from '../../src/index';
import { ValueReferent } from '../../src/types/value';
import { toPlain } from '../../src/session/plain-copy';
import { SHORT_LIMITS } from '../support/managers';
import { shareManager } from '../support/shared';

const manager = new Manager({ limits: SHORT_LIMITS });
const mine = shareManager(manager);

/** A value that is released after the test. */
function value<T = unknown>(initial?: T): ValueProxy<T> {
  return mine(manager.value<T>(initial));
}
test('get and set', async () => {
  const proxy = value<unknown>();
  expect(proxy).toBeInstanceOf(ValueProxy);
  await expect(proxy.get()).resolves.toBeUndefined();
  await expect(proxy.set({ a: [1] })).resolves.toBeUndefined();
  await expect(proxy.get()).resolves.toEqual({ a: [1] });
  await expect(value(null).get()).resolves.toBeNull();
});

test('increment happens in one step', async () => {
  const proxy = value(0);
  const sums = await Promise.all(Array.from({ length: 100 }, () => proxy.increment()));
  expect(sums).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  await expect(proxy.increment(0.5)).resolves.toBe(100.5);
  await expect(value(1n).increment(2n)).resolves.toBe(3n);
  await expect(value<number>().increment()).resolves.toBe(1);
});

test('increment of what is no number changes nothing', async () => {
  const proxy = value<unknown>('x');
  await expect(proxy.increment()).rejects.toBeInstanceOf(TypeError);
  await expect(value(1).increment(1n)).rejects.toBeInstanceOf(TypeError);
  await expect(proxy.get()).resolves.toBe('x');
});

test('compareAndSet: deep equality, undefined for what was never set', async () => {
  const proxy = value<unknown>();
  const wins = await Promise.all([1, 2].map((i) => proxy.compareAndSet(undefined, { i })));
  expect(wins).toEqual([true, false]);
  await expect(proxy.compareAndSet({ i: 2 }, 'no')).resolves.toBe(false);
  await expect(proxy.compareAndSet({ i: 1 }, NaN)).resolves.toBe(true);
  await expect(proxy.compareAndSet(NaN, 'yes')).resolves.toBe(true);
  await expect(proxy.get()).resolves.toBe('yes');
});

test('holds shared objects, itself too', async () => {
  const list = mine(manager.list([1]));
  const proxy = value<unknown>(list);
  expect(sameReferent(mine((await proxy.get()) as object), list)).toBe(true);
  await expect(proxy._getValue()).resolves.toEqual([1]);
  await expect(proxy.compareAndSet(list, proxy)).resolves.toBe(true);
  expect(sameReferent(mine((await proxy.get()) as object), proxy)).toBe(true);
  await expect(proxy._getValue()).resolves.toBeUndefined();
  await proxy.set({ self: proxy });
  const copy = (await proxy._getValue()) as { self: unknown };
  expect(copy.self).toBe(copy);
  await expect(proxy.toStringRemote()).resolves.toMatch(/Circular/);
});

test('values that hold each other are copied as what is at their end', () => {
  const first = new ValueReferent(1);
  const second = new ValueReferent(first);
  expect(toPlain(second)).toBe(1);
  first.set(second);
  expect(toPlain(second)).toBeUndefined();
});

test('what cannot be shared is refused', async () => {
  const proxy = value<unknown>(1);
  await expect(proxy.set(() => 1)).rejects.toMatchObject({ name: 'SerializationError' });
  expect(() => manager.value(Symbol('s'))).toThrow(
    expect.objectContaining({ name: 'SerializationError' }) as Error,
  );
  await expect(proxy.get()).resolves.toBe(1);
  await expect(proxy._callMethod('constructor')).rejects.toMatchObject({
    name: 'MethodNotExposedError',
  });
});
