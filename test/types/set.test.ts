import * as fc from 'fast-check';
import { type Key, Manager, SetProxy, release } from '../../src/index';
import { SetReferent } from '../../src/types/set';
import { SHORT_LIMITS, endManager, expectNothingHeld } from '../support/managers';
import { until } from '../support/until';

const manager = new Manager({ limits: SHORT_LIMITS });
const made: object[] = [];

/** A set that is released after the test. */
function set<T = Key>(items?: Iterable<T & Key>): SetProxy<T & Key> {
  const proxy = manager.set<T>(items);
  made.push(proxy);
  return proxy;
}

const MEMBERS: Key[] = ['a', '', '__proto__', 0, -1, NaN, 1n, true, false, null, undefined, '1', 1];

beforeAll(() => manager.start());
afterEach(async () => {
  for (const proxy of made.splice(0)) release(proxy);
  await expectNothingHeld(manager);
});
afterAll(() => endManager(manager));

test('is made of nothing, of an iterable, of a text and of another set', async () => {
  await expect(set().values()).resolves.toEqual([]);
  await expect(set([2, 1, 2]).values()).resolves.toEqual([2, 1]);
  await expect(set(new Set(['a'])).copy()).resolves.toEqual(new Set(['a']));
  await expect(set('aba').values()).resolves.toEqual(['a', 'b']);
  const copied = set(set([1, 2]) as unknown as Iterable<number>);
  await expect(copied.values()).resolves.toEqual([1, 2]);
  expect(copied).toBeInstanceOf(SetProxy);
  expect(() => manager.set(5 as never)).toThrow(
    expect.objectContaining({ name: 'UsageError' }) as Error,
  );
});

test('every primitive is a member of its own', async () => {
  const proxy = set<Key>(MEMBERS);
  await expect(proxy.size).resolves.toBe(MEMBERS.length);
  for (const member of MEMBERS) await expect(proxy.has(member)).resolves.toBe(true);
  await expect(proxy.has(-0)).resolves.toBe(true);
  await expect(proxy.has('b')).resolves.toBe(false);
  await expect(proxy.values()).resolves.toEqual(MEMBERS);
});

test('add, delete, pop and clear', async () => {
  const proxy = set(['a', 'b']);
  await expect(proxy.add('c')).resolves.toBeUndefined();
  await proxy.add('a');
  await expect(proxy.delete('b')).resolves.toBe(true);
  await expect(proxy.delete('b')).resolves.toBe(false);
  await expect(proxy.pop()).resolves.toBe('a');
  await expect(proxy.pop()).resolves.toBe('c');
  await expect(proxy.pop()).resolves.toBeUndefined();
  await proxy.add('d');
  await proxy.clear();
  await expect(proxy.size).resolves.toBe(0);
});

test.each([
  ['an object', {}],
  ['an array', []],
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
])('%s is refused as a member, by every way', async (_what, member) => {
  const bad = member as unknown as string;
  const refused = expect.objectContaining({
    name: 'UsageError',
    message: expect.stringMatching(/^A member of a set is a primitive/) as string,
  }) as Error;
  expect(() => manager.set([bad])).toThrow(refused);
  const proxy = set(['a']);
  const calls = [
    () => proxy.add(bad),
    () => proxy.has(bad),
    () => proxy.delete(bad),
    () => proxy.union([bad]),
    () => proxy.unionUpdate(['b', bad]),
    () => proxy.isDisjointFrom([bad]),
  ];
  for (const call of calls) await expect(call()).rejects.toEqual(refused);
  await expect(proxy.values()).resolves.toEqual(['a']);
});

test('an object is refused by the manager too, before anything is changed', async () => {
  const proxy = set(['a']);
  const refused = { name: 'UsageError' };
  await expect(proxy._callMethod('add', [{}])).rejects.toMatchObject(refused);
  await expect(proxy._callMethod('unionUpdate', [['b', {}]])).rejects.toMatchObject(refused);
  await expect(proxy._callMethod('union', [5])).rejects.toMatchObject(refused);
  await expect(proxy.union(5 as never)).rejects.toMatchObject(refused);
  await expect(proxy.values()).resolves.toEqual(['a']);
});

test('the operators answer plain sets, with iterables and with shared sets', async () => {
  const proxy = set([1, 2, 3]);
  for (const other of [[3, 4], new Set([3, 4]), set([3, 4])]) {
    await expect(proxy.union(other)).resolves.toEqual(new Set([1, 2, 3, 4]));
    await expect(proxy.intersection(other)).resolves.toEqual(new Set([3]));
    await expect(proxy.difference(other)).resolves.toEqual(new Set([1, 2]));
    await expect(proxy.symmetricDifference(other)).resolves.toEqual(new Set([1, 2, 4]));
    await expect(proxy.isSubsetOf(other)).resolves.toBe(false);
    await expect(proxy.isSupersetOf(other)).resolves.toBe(false);
    await expect(proxy.isDisjointFrom(other)).resolves.toBe(false);
  }
  await expect(proxy.isSubsetOf([1, 2, 3, 4])).resolves.toBe(true);
  await expect(proxy.isSupersetOf([1])).resolves.toBe(true);
  await expect(proxy.isDisjointFrom([5])).resolves.toBe(true);
  await expect(proxy.values()).resolves.toEqual([1, 2, 3]);
});

test('the updates answer the same proxy', async () => {
  const proxy = set([1, 2, 3]);
  expect(await proxy.unionUpdate([4])).toBe(proxy);
  expect(await proxy.intersectionUpdate(set([2, 3, 4]))).toBe(proxy);
  expect(await proxy.differenceUpdate([2])).toBe(proxy);
  expect(await proxy.symmetricDifferenceUpdate(new Set([4, 5]))).toBe(proxy);
  await expect(proxy.values()).resolves.toEqual([3, 5]);
});

test('a set can be its own operand', async () => {
  const proxy = set([1, 2]);
  await proxy.unionUpdate(proxy);
  await proxy.intersectionUpdate(proxy);
  await expect(proxy.isSubsetOf(proxy)).resolves.toBe(true);
  await expect(proxy.values()).resolves.toEqual([1, 2]);
  await proxy.symmetricDifferenceUpdate(proxy);
  await expect(proxy.size).resolves.toBe(0);
});

test('a set of another manager is read first', async () => {
  await using other = new Manager({ limits: SHORT_LIMITS });
  const theirs = other.set([2, 3]);
  const proxy = set([1, 2]);
  await expect(proxy.union(theirs)).resolves.toEqual(new Set([1, 2, 3]));
  expect(await proxy.differenceUpdate(theirs)).toBe(proxy);
  await expect(proxy.values()).resolves.toEqual([1]);
  release(theirs);
  await expectNothingHeld(other);
});

test('iterates in chunks, live between them, and gives the iterator back', async () => {
  for (const length of [0, 1, 256, 257]) {
    const seen: number[] = [];
    for await (const member of set(Array.from({ length }, (_, i) => i))) seen.push(member);
    expect(seen).toEqual(Array.from({ length }, (_, i) => i));
  }
  const proxy = set([1, 2, 3, 4]);
  const seen: number[] = [];
  for await (const member of proxy.iterate({ batch: 2 })) {
    if (member === 1) await proxy.symmetricDifferenceUpdate([4, 5]);
    seen.push(member);
  }
  expect(seen).toEqual([1, 2, 3, 5]);
  for await (const _member of proxy.iterate({ batch: 1 })) break;
  for (const one of made.splice(0)) release(one);
  await until(async () => (await manager.numberOfObjects()) === 0);
});

test('the copy and the text of the whole', async () => {
  const proxy = set<Key>([1, 'a']);
  await expect(proxy._getValue()).resolves.toEqual(new Set([1, 'a']));
  await expect(proxy.toStringRemote()).resolves.toBe("Set(2) { 1, 'a' }");
});

/** What a Set does for each of the methods; undefined: the set answers itself. */
const MODEL: Record<string, (model: Set<unknown>, operand: unknown[]) => unknown> = {
  size: (model) => model.size,
  add: (model, [member]) => void model.add(member),
  has: (model, [member]) => model.has(member),
  delete: (model, [member]) => model.delete(member),
  pop: (model) => {
    const [first] = model;
    model.delete(first);
    return first;
  },
  clear: (model) => {
    model.clear();
  },
  union: (model, other) => new Set([...model, ...other]),
  intersection: (model, other) => new Set([...model].filter((one) => new Set(other).has(one))),
  difference: (model, other) => new Set([...model].filter((one) => !new Set(other).has(one))),
  unionUpdate: (model, other) => {
    for (const one of other) model.add(one);
  },
  differenceUpdate: (model, other) => {
    for (const one of other) model.delete(one);
  },
  intersectionUpdate: (model, other) => {
    for (const one of [...model]) if (!new Set(other).has(one)) model.delete(one);
  },
  symmetricDifferenceUpdate: (model, other) => {
    for (const one of new Set(other)) if (!model.delete(one)) model.add(one);
  },
  isSubsetOf: (model, other) => [...model].every((one) => new Set(other).has(one)),
  isSupersetOf: (model, other) => other.every((one) => model.has(one)),
  isDisjointFrom: (model, other) => other.every((one) => !model.has(one)),
  values: (model) => [...model],
};
const ONE_MEMBER = new Set(['add', 'has', 'delete']);
const member = fc.constantFrom<Key[]>('a', '__proto__', 0, -0, NaN, 1n, null, undefined, true);
const members = fc.array(member, { maxLength: 6 });
const steps = fc.array(fc.tuple(fc.constantFrom(...Object.keys(MODEL)), members), {
  maxLength: 12,
});
const argsOf = (name: string, other: unknown[]): unknown[] => [
  ONE_MEMBER.has(name) ? other[0] : other,
];

test('the referent behaves as a Set does', () => {
  fc.assert(
    fc.property(members, steps, (items, all) => {
      const model = new Set<unknown>(items);
      const referent = new SetReferent(items);
      for (const [name, other] of all) {
        const method = referent[name as 'union'] as (...args: unknown[]) => unknown;
        const answer = Reflect.apply(method, referent, argsOf(name, other));
        const expected = MODEL[name]?.(model, other);
        expect(answer === referent ? undefined : answer).toEqual(expected);
      }
      expect(referent.values()).toEqual([...model]);
    }),
    { numRuns: 1000 },
  );
});

test('and so it does through a manager', async () => {
  await fc.assert(
    fc.asyncProperty(members, steps, async (items, all) => {
      const model = new Set<unknown>(items);
      const proxy = manager.set<Key>(items);
      try {
        const answers = all.map(([name, other]) => proxy._callMethod(name, argsOf(name, other)));
        for (const [i, [name, other]] of all.entries()) {
          const answer = await answers[i];
          const expected = MODEL[name]?.(model, other);
          expect(answer === proxy ? undefined : answer).toEqual(expected);
        }
        const iterated: unknown[] = [];
        for await (const one of proxy.iterate({ batch: 2 })) iterated.push(one);
        expect(iterated).toEqual([...model]);
      } finally {
        release(proxy);
      }
    }),
    { numRuns: 25 },
  );
});
