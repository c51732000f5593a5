import * as fc from 'fast-check';
import { ListProxy, Manager, release, sameReferent } from '../../src/index';
import { ListReferent } from '../../src/types/list';
import { SHORT_LIMITS, expectNothingHeld } from '../support/managers';
import { shareManager } from '../support/shared';
import { until } from '../support/until';

const manager = new Manager({ limits: SHORT_LIMITS });
const mine = shareManager(manager);

/** A list that is released after the test. */
function list<T = unknown>(items?: Iterable<T>): ListProxy<T> {
  return mine(manager.list<T>(items));
}
describe('a list is made', () => {
  test('of nothing, of an array, of any iterable', async () => {
    await expect(list().toArray()).resolves.toEqual([]);
    await expect(list([1, 'a', null, undefined]).toArray()).resolves.toEqual([
      1,
      'a',
      null,
      undefined,
    ]);
    await expect(list(new Set([1, 2])).toArray()).resolves.toEqual([1, 2]);
    await expect(list('abc').toArray()).resolves.toEqual(['a', 'b', 'c']);
  });

  test('without a round trip: errors come with the calls', async () => {
    const proxy = list([1]);
    expect(proxy).toBeInstanceOf(ListProxy);
    expect(proxy.typeid).toBe('list');
    await expect(proxy.length).resolves.toBe(1);
  });

  test('of another list, whose items it copies', async () => {
    const first = list([1, 2]);
    const second = list(first as unknown as Iterable<number>);
    await second.push(3);
    await expect(first.toArray()).resolves.toEqual([1, 2]);
    await expect(second.toArray()).resolves.toEqual([1, 2, 3]);
  });

  test('what cannot be shared is refused at once, with its path', () => {
    class Point {}
    expect(() => manager.list([{ a: [new Point()] }])).toThrow(/Point/);
    expect(() => manager.list([Symbol('s')])).toThrow(/symbol/i);
    expect(() => manager.list([() => 1])).toThrow(/function/);
  });
});

describe('reading', () => {
  test('at gives undefined out of range, get refuses; both count from the end', async () => {
    const proxy = list(['a', 'b', 'c']);
    await expect(proxy.at(0)).resolves.toBe('a');
    await expect(proxy.at(-1)).resolves.toBe('c');
    await expect(proxy.at(3)).resolves.toBeUndefined();
    await expect(proxy.at(-4)).resolves.toBeUndefined();
    await expect(proxy.get(2)).resolves.toBe('c');
    await expect(proxy.get(-3)).resolves.toBe('a');
    await expect(proxy.get(3)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.get(-4)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.get(0.5)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.get(NaN)).rejects.toBeInstanceOf(RangeError);
  });

  test('length is asked for when awaited, and only once', async () => {
    const proxy = list([1]);
    const { length } = proxy;
    await proxy.push(2);
    await expect(length).resolves.toBe(2);
    await proxy.push(3);
    await expect(length).resolves.toBe(2);
  });

  test('touching length sends nothing', async () => {
    await manager.ping();
    const before = (await manager.inspect()).calls.total;
    const proxy = list([1]);
    void proxy.length;
    expect(Array.from(proxy as unknown as ArrayLike<unknown>)).toEqual([]);
    const after = (await manager.inspect()).calls.total;
    expect(after - before).toBe(1); // the second inspect()
  });

  test('slice, concat, join, copy and toArray', async () => {
    const proxy = list([1, 2, 3, 4]);
    await expect(proxy.slice()).resolves.toEqual([1, 2, 3, 4]);
    await expect(proxy.slice(1, -1)).resolves.toEqual([2, 3]);
    await expect(proxy.slice(-2)).resolves.toEqual([3, 4]);
    await expect(proxy.slice(undefined, 1)).resolves.toEqual([1]);
    await expect(proxy.concat(5, [6, 7])).resolves.toEqual([1, 2, 3, 4, 5, 6, 7]);
    await expect(proxy.join()).resolves.toBe('1,2,3,4');
    await expect(proxy.join('-')).resolves.toBe('1-2-3-4');
    await expect(proxy.copy()).resolves.toEqual([1, 2, 3, 4]);
    const copy = await proxy.toArray();
    copy.push(9);
    await expect(proxy.length).resolves.toBe(4);
  });

  test('a value is a copy when read', async () => {
    const proxy = list([{ a: [1] }]);
    const value = await proxy.get(0);
    value.a.push(2);
    await expect(proxy.get(0)).resolves.toEqual({ a: [1] });
  });

  test('every kind of data survives', async () => {
    const data: unknown[] = [
      NaN,
      -0,
      10n ** 30n,
      new Date(5),
      /a/gi,
      new Map([[1, { a: 1 }]]),
      new Set(['x']),
      new Uint8Array([1, 2]),
      Buffer.from('b'),
      new Float64Array([1.5]),
      new Error('e'),
      '',
      'ä\0😀',
      { constructor: 2, then: 1 },
      [[[]]],
      { '@r': 1 },
    ];
    const proxy = list(data);
    const back = await proxy.toArray();
    expect(back).toHaveLength(data.length);
    expect(back.slice(0, 10)).toEqual(data.slice(0, 10));
    expect(Object.is(back[1], -0)).toBe(true);
    expect(back[10]).toBeInstanceOf(Error);
    expect(back.slice(11, 13)).toEqual(data.slice(11, 13));
    expect(JSON.stringify(back[13])).toBe(JSON.stringify(data[13]));
    expect(back.slice(14)).toEqual(data.slice(14));
  });

  test('a key "__proto__" is refused with its path', async () => {
    const hostile = JSON.parse('{"__proto__": {"polluted": 1}}') as unknown;
    expect(() => manager.list([hostile])).toThrow(/__proto__/);
    await expect(list().push({ deep: hostile })).rejects.toThrow(/deep.*__proto__/);
  });
});

describe('changing', () => {
  test('set, push, pop, shift, unshift and insert', async () => {
    const proxy = list<unknown>([1, 2, 3]);
    await expect(proxy.set(0, 'a')).resolves.toBeUndefined();
    await expect(proxy.set(-1, 'z')).resolves.toBeUndefined();
    await expect(proxy.set(3, 0)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.set(-4, 0)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.push()).resolves.toBe(3);
    await expect(proxy.push('p', 'q')).resolves.toBe(5);
    await expect(proxy.unshift('u', 'v')).resolves.toBe(7);
    await expect(proxy.toArray()).resolves.toEqual(['u', 'v', 'a', 2, 'z', 'p', 'q']);
    await expect(proxy.pop()).resolves.toBe('q');
    await expect(proxy.shift()).resolves.toBe('u');
    await proxy.insert(1, 'i');
    await proxy.insert(-1, 'j');
    await proxy.insert(100, 'end');
    await proxy.insert(-100, 'start');
    await expect(proxy.toArray()).resolves.toEqual([
      'start',
      'v',
      'i',
      'a',
      2,
      'z',
      'j',
      'p',
      'end',
    ]);
    await proxy.clear();
    await expect(proxy.pop()).resolves.toBeUndefined();
    await expect(proxy.shift()).resolves.toBeUndefined();
  });

  test('unshift of arrays keeps them whole', async () => {
    const proxy = list<unknown>([1]);
    await proxy.unshift([2, 3], [[4]]);
    await expect(proxy.toArray()).resolves.toEqual([[2, 3], [[4]], 1]);
  });

  test('extend takes an iterable, a list, and itself', async () => {
    const proxy = list([1]);
    await expect(proxy.extend(new Set([2, 3]))).resolves.toBe(3);
    await expect(proxy.extend(list([4]))).resolves.toBe(4);
    await expect(proxy.extend(proxy)).resolves.toBe(8);
    await expect(proxy.toArray()).resolves.toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  });

  test('extend takes more items than a call has room for', async () => {
    const proxy = list<number>();
    const many = Array.from({ length: 300_000 }, (_, i) => i);
    await expect(proxy.extend(many)).resolves.toBe(300_000);
    await expect(proxy.at(-1)).resolves.toBe(299_999);
  });

  test('splice without a count removes the rest, otherwise as in JavaScript', async () => {
    const proxy = list([1, 2, 3, 4, 5]);
    await expect(proxy.splice(3)).resolves.toEqual([4, 5]);
    await expect(proxy.splice(1, 1, 8, 9)).resolves.toEqual([2]);
    await expect(proxy.splice(-1, 0, 7)).resolves.toEqual([]);
    await expect(proxy.splice(1, -1)).resolves.toEqual([]);
    await expect(proxy.toArray()).resolves.toEqual([1, 8, 9, 7, 3]);
    await expect(proxy.splice(0)).resolves.toEqual([1, 8, 9, 7, 3]);
    await expect(proxy.length).resolves.toBe(0);
  });

  test('delete and remove refuse what is not there', async () => {
    const proxy = list<unknown>([1, { a: 1 }, 2, { a: 1 }]);
    await expect(proxy.delete(-2)).resolves.toBe(2);
    await expect(proxy.delete(3)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.delete(-4)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.remove({ a: 1 })).resolves.toBeUndefined();
    await expect(proxy.toArray()).resolves.toEqual([1, { a: 1 }]);
    await expect(proxy.remove({ a: 2 })).rejects.toBeInstanceOf(RangeError);
    await expect(list().remove(undefined)).rejects.toBeInstanceOf(RangeError);
  });

  test('reverse, sort and fill answer the list itself', async () => {
    const proxy = list([3, 10, 2]);
    expect(await proxy.sort()).toBe(proxy);
    await expect(proxy.toArray()).resolves.toEqual([10, 2, 3]);
    expect(await proxy.reverse()).toBe(proxy);
    await expect(proxy.toArray()).resolves.toEqual([3, 2, 10]);
    expect(await proxy.fill(0, 1)).toBe(proxy);
    await expect(proxy.toArray()).resolves.toEqual([3, 0, 0]);
    await proxy.fill(1, -1, 3);
    await expect(proxy.toArray()).resolves.toEqual([3, 0, 1]);
    await proxy.fill(5);
    await expect(proxy.toArray()).resolves.toEqual([5, 5, 5]);
  });

  test('increment counts in one step, numbers and bigints apart', async () => {
    const proxy = list<unknown>([1, 5n, 'a', null, undefined]);
    await expect(proxy.increment(0)).resolves.toBe(2);
    await expect(proxy.increment(0, -0.5)).resolves.toBe(1.5);
    await expect(proxy.increment(1)).resolves.toBe(6n);
    await expect(proxy.increment(-4, 4n)).resolves.toBe(10n);
    await expect(proxy.increment(0, 1n)).rejects.toBeInstanceOf(TypeError);
    await expect(proxy.increment(2)).rejects.toBeInstanceOf(TypeError);
    await expect(proxy.increment(3)).rejects.toBeInstanceOf(TypeError);
    await expect(proxy.increment(9)).rejects.toBeInstanceOf(RangeError);
    const all = await Promise.all(Array.from({ length: 100 }, () => proxy.increment(0, 1)));
    expect(new Set(all).size).toBe(100);
  });

  test('compareAndSet lets one of many win', async () => {
    const proxy = list<unknown>([{ v: [1] }]);
    await expect(proxy.compareAndSet(0, { v: [2] }, 0)).resolves.toBe(false);
    await expect(proxy.compareAndSet(0, { v: [1] }, 0)).resolves.toBe(true);
    await expect(proxy.compareAndSet(1, undefined, 0)).rejects.toBeInstanceOf(RangeError);
    const wins = await Promise.all([1, 2, 3].map((i) => proxy.compareAndSet(0, 0, i)));
    expect(wins.filter(Boolean)).toHaveLength(1);
    await proxy.set(0, NaN);
    await expect(proxy.compareAndSet(0, NaN, 1)).resolves.toBe(true);
  });
});

describe('sort(compare)', () => {
  test('compares here and orders there; it is stable', async () => {
    const proxy = list([
      { k: 2, n: 1 },
      { k: 1, n: 2 },
      { k: 2, n: 3 },
      { k: 1, n: 4 },
    ]);
    expect(await proxy.sort((a, b) => a.k - b.k)).toBe(proxy);
    expect((await proxy.toArray()).map(({ n }) => n)).toEqual([2, 4, 1, 3]);
  });

  test('undefined items go last, as in JavaScript', async () => {
    const proxy = list<number | undefined>([undefined, 2, undefined, 1]);
    await proxy.sort((a, b) => Number(a) - Number(b));
    await expect(proxy.toArray()).resolves.toEqual([1, 2, undefined, undefined]);
  });

  test('starts again when the list changed meanwhile, and loses nothing', async () => {
    const proxy = list([3, 1]);
    let changes = 0;
    await proxy.sort((a, b) => {
      if (changes++ < 3) void proxy.push(2);
      return a - b;
    });
    expect(changes).toBeGreaterThan(3);
    await expect(proxy.toArray()).resolves.toEqual([1, 2, 2, 2, 3]);
  });

  test('gives up with LimitError when it never gets through', async () => {
    const proxy = list([2, 1]);
    const sorting = proxy.sort((a, b) => {
      void proxy.push(0);
      return a - b;
    });
    await expect(sorting).rejects.toMatchObject({ name: 'LimitError' });
  });

  test('an error of the function changes nothing', async () => {
    const proxy = list([2, 1]);
    const sorting = proxy.sort(() => {
      throw new SyntaxError('mine');
    });
    await expect(sorting).rejects.toBeInstanceOf(SyntaxError);
    await expect(proxy.toArray()).resolves.toEqual([2, 1]);
  });

  test('a comparator that answers no number is told so, and NaN is 0 as in arrays', async () => {
    const proxy = list([2, 1, 3]);
    const answers: unknown[] = [Promise.resolve(1), true, undefined, 1n];
    for (const answer of answers) {
      await expect(proxy.sort(() => answer as number)).rejects.toThrow('answers no number');
    }
    await proxy.sort(() => NaN);
    await expect(proxy.toArray()).resolves.toEqual([2, 1, 3]);
  });
});

describe('equality', () => {
  test('SameValueZero for primitives', async () => {
    const proxy = list<unknown>([NaN, 0, null, undefined, '1', 1n]);
    await expect(proxy.indexOf(NaN)).resolves.toBe(0);
    await expect(proxy.indexOf(-0)).resolves.toBe(1);
    await expect(proxy.indexOf(undefined)).resolves.toBe(3);
    await expect(proxy.includes(1)).resolves.toBe(false);
    await expect(proxy.includes(1n)).resolves.toBe(true);
  });

  test('deep for plain values', async () => {
    const values = [
      { a: { b: [1, NaN] } },
      new Map([['k', [1]]]),
      new Set([1]),
      new Date(3),
      /x/g,
      Buffer.from('abc'),
      new Uint16Array([7]),
    ];
    const proxy = list<unknown>([{}, [], ...values]);
    for (const [i, value] of values.entries()) {
      await expect(proxy.indexOf(structuredClone(value))).resolves.toBe(i + 2);
    }
    await expect(proxy.includes({ a: { b: [1] } })).resolves.toBe(false);
    await expect(proxy.includes({ a: { b: [1, NaN] }, c: undefined })).resolves.toBe(false);
    await expect(proxy.includes(/x/)).resolves.toBe(false);
  });

  test('a value is compared with values of every other kind', async () => {
    const kinds = [
      1,
      'a',
      null,
      undefined,
      {},
      [],
      new Map(),
      new Set(),
      new Date(0),
      /a/,
      Buffer.from('a'),
      new Uint8Array(1),
      new Float32Array(1),
      new ArrayBuffer(1),
      new Error('e'),
      { equals: 1 },
    ];
    const proxy = list<unknown>(kinds);
    for (const [i, kind] of kinds.entries()) await expect(proxy.indexOf(kind)).resolves.toBe(i);
  });

  test('same referent for proxies', async () => {
    const inner = list([1]);
    const twin = list([1]);
    const proxy = list<unknown>([inner]);
    await expect(proxy.includes(inner)).resolves.toBe(true);
    await expect(proxy.includes(twin)).resolves.toBe(false);
    await expect(proxy.includes([1])).resolves.toBe(false);
    await expect(proxy.indexOf({ inner })).resolves.toBe(-1);
    await proxy.push({ inner });
    await expect(proxy.indexOf({ inner })).resolves.toBe(1);
    await expect(proxy.indexOf({ inner: twin })).resolves.toBe(-1);
  });

  test('indexOf, lastIndexOf and count', async () => {
    const proxy = list([1, 2, 1, 2]);
    await expect(proxy.indexOf(1, 1)).resolves.toBe(2);
    await expect(proxy.indexOf(1, -1)).resolves.toBe(-1);
    await expect(proxy.indexOf(1, -100)).resolves.toBe(0);
    await expect(proxy.indexOf(1, 100)).resolves.toBe(-1);
    await expect(proxy.lastIndexOf(1)).resolves.toBe(2);
    await expect(proxy.lastIndexOf(1, 1)).resolves.toBe(0);
    await expect(proxy.lastIndexOf(2, -2)).resolves.toBe(1);
    await expect(proxy.lastIndexOf(2, -100)).resolves.toBe(-1);
    await expect(proxy.lastIndexOf(2, 100)).resolves.toBe(3);
    await expect(proxy.count(2)).resolves.toBe(2);
    await expect(proxy.count(9)).resolves.toBe(0);
  });
});

describe('iterating', () => {
  const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = [];
    for await (const item of items) all.push(item);
    return all;
  };

  test('gives every item, whatever the length and the batch', async () => {
    for (const length of [0, 1, 2, 3, 255, 256, 257, 600]) {
      const proxy = list(Array.from({ length }, (_, i) => i));
      const expected = Array.from({ length }, (_, i) => i);
      expect(await collect(proxy)).toEqual(expected);
      expect(await collect(proxy.values({ batch: 3 }))).toEqual(expected);
    }
  });

  test('keys, values and entries', async () => {
    const proxy = list(['a', 'b', 'c']);
    expect(await collect(proxy.keys())).toEqual([0, 1, 2]);
    expect(await collect(proxy.values())).toEqual(['a', 'b', 'c']);
    expect(await collect(proxy.entries({ batch: 1 }))).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ]);
  });

  test('is live between chunks', async () => {
    const proxy = list([1, 2, 3, 4]);
    const seen: number[] = [];
    for await (const item of proxy.values({ batch: 2 })) {
      seen.push(item);
      if (item === 1) await proxy.push(5);
      if (item === 2) await proxy.set(2, 30);
    }
    expect(seen).toEqual([1, 2, 30, 4, 5]);
    const cleared: number[] = [];
    for await (const item of proxy.values({ batch: 2 })) {
      cleared.push(item);
      await proxy.clear();
    }
    expect(cleared).toEqual([1, 2]);
  });

  test('break, return and an error give the iterator of the manager back', async () => {
    const proxy = list([1, 2, 3, 4, 5]);
    const count = () => manager.numberOfObjects();
    for await (const item of proxy.values({ batch: 1 })) {
      if (item === 2) {
        expect(await count()).toBe(2);
        break;
      }
    }
    await until(async () => (await count()) === 1);
    const failing = (async () => {
      for await (const item of proxy.values({ batch: 1 })) throw new Error(String(item));
    })();
    await expect(failing).rejects.toThrow('1');
    await until(async () => (await count()) === 1);
    const iterator = proxy.entries({ batch: 1 });
    await iterator.next();
    await iterator.return?.(undefined);
    await expect(iterator.next()).resolves.toMatchObject({ done: true });
    await until(async () => (await count()) === 1);
  });

  test('return before the first chunk has come leaves nothing', async () => {
    const proxy = list([1, 2, 3]);
    const iterator = proxy.values({ batch: 1 });
    const first = iterator.next();
    await iterator.return?.();
    await expect(first).resolves.toMatchObject({ done: true });
  });

  test('next may be called without waiting', async () => {
    const proxy = list([1, 2, 3]);
    const iterator = proxy.values({ batch: 1 });
    const results = await Promise.all([1, 2, 3, 4, 5].map(() => iterator.next()));
    expect(results.map(({ done }) => done)).toEqual([false, false, false, true, true]);
    expect(results.slice(0, 3).map(({ value }) => value as number)).toEqual([1, 2, 3]);
  });

  test.each([NaN, 0, -1, 'x', null])('a batch of %p is refused', async (batch) => {
    const proxy = list([1, 2, 3]);
    const iterating = (async () => {
      let rounds = 0;
      for await (const _ of proxy.values({ batch: batch as number })) if (++rounds > 5) break;
    })();
    await expect(iterating).rejects.toMatchObject({ name: 'UsageError' });
  });

  test('an unknown option is refused', async () => {
    const proxy = list([1]);
    const iterating = (async () => {
      await collect(proxy.values({ bacth: 3 } as object));
    })();
    await expect(iterating).rejects.toMatchObject({ name: 'UsageError' });
  });
});

describe('shared objects inside', () => {
  test('a list inside a list is a proxy when read', async () => {
    const inner = list<number>();
    const outer = list([inner]);
    const read = mine(await outer.get(0));
    expect(read).toBeInstanceOf(ListProxy);
    expect(sameReferent(read, inner)).toBe(true);
    await read.push(1);
    await expect(inner.toArray()).resolves.toEqual([1]);
    await expect(outer._getValue()).resolves.toEqual([[1]]);
  });

  test('lives as long as it is contained, after its proxies are gone', async () => {
    const outer = list<ListProxy>();
    const inner = manager.list<unknown>(['kept']);
    await outer.push(inner);
    release(inner);
    await until(async () => (await manager.numberOfObjects()) === 1);
    const again = mine(await outer.get(0));
    await expect(again.toArray()).resolves.toEqual(['kept']);
  });

  test('three levels deep, inside of plain data too', async () => {
    const c = list(['deep']);
    const b = list([{ path: { c } }]);
    const a = list([new Map([['b', b]])]);
    const map = await a.get(0);
    const readB = mine(map.get('b') as typeof b);
    const { path } = await readB.get(0);
    const readC = mine(path.c);
    await expect(readC.get(0)).resolves.toBe('deep');
    await readC.set(0, 'changed');
    await expect(a._getValue()).resolves.toEqual([
      new Map([['b', [{ path: { c: ['changed'] } }]]]),
    ]);
  });

  test('contains itself', async () => {
    const proxy = list<unknown>([1]);
    await proxy.push(proxy);
    const self = mine((await proxy.get(1)) as ListProxy);
    expect(sameReferent(self, proxy)).toBe(true);
    const value = (await proxy._getValue()) as unknown[];
    expect(value[1]).toBe(value);
    await expect(proxy.includes(proxy)).resolves.toBe(true);
    await expect(proxy.toStringRemote()).resolves.toMatch(/\[Circular/);
    mine((await proxy.toArray())[1] as object);
  });

  test('is a proxy in every method that reads', async () => {
    const inner = list([1]);
    const proxy = list<unknown>([inner]);
    const read = [
      await proxy.at(0),
      (await proxy.slice())[0],
      (await proxy.concat())[0],
      (await proxy.copy())[0],
      await proxy.pop(),
    ];
    await proxy.push(inner, inner, inner, inner);
    read.push(await proxy.shift(), await proxy.delete(0), (await proxy.splice(0, 1))[0]);
    for await (const item of proxy) read.push(item);
    expect(read).toHaveLength(9);
    for (const item of read) expect(sameReferent(mine(item as object), inner)).toBe(true);
    await expect(list([inner]).join()).resolves.toEqual(expect.any(String));
  });

  test('a proxy that was released can be given no more', async () => {
    const gone = manager.list();
    release(gone);
    const outer = list<unknown>();
    await expect(outer.push(gone)).rejects.toMatchObject({
      name: expect.stringMatching(/Usage|Gone/),
    });
    await expect(gone.push(1)).rejects.toMatchObject({ name: expect.stringMatching(/Usage|Gone/) });
    await expect(outer.length).resolves.toBe(0);
  });
});

test('what goes wrong here rejects and never throws, and the list stays as it was', async () => {
  const proxy = list<unknown>([1]);
  class Point {}
  await expect(proxy.push(2, { deep: [new Point()] })).rejects.toThrow(/Point/);
  await expect(proxy.push(Symbol('s'))).rejects.toMatchObject({ name: 'SerializationError' });
  await expect(proxy.push(() => 1)).rejects.toMatchObject({ name: 'SerializationError' });
  let extending: Promise<unknown> | undefined;
  expect(() => (extending = proxy.extend(5 as never))).not.toThrow();
  await expect(extending).rejects.toBeInstanceOf(TypeError);
  await expect(proxy.toArray()).resolves.toEqual([1]);
});

test('only what is exposed can be called', async () => {
  const proxy = list([1]);
  for (const name of [
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'nothing',
    '#items',
  ]) {
    await expect(proxy._callMethod(name)).rejects.toMatchObject({ name: 'MethodNotExposedError' });
  }
  await expect(proxy._callMethod('length')).resolves.toBe(1);
});

test('is extended by a list of another manager, which is read first', async () => {
  await using other = new Manager({ limits: SHORT_LIMITS });
  const theirs = other.list([2, 3]);
  const proxy = list([1]);
  await expect(proxy.extend(theirs)).resolves.toBe(3);
  await expect(proxy.toArray()).resolves.toEqual([1, 2, 3]);
  release(theirs);
  await expectNothingHeld(other);
});

const value = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom('a', null, undefined, NaN, 2n),
  fc.constant({ a: [1] }),
);
const index = fc.integer({ min: -6, max: 6 });
const steps = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('push' as const), value, value),
    fc.tuple(fc.constant('unshift' as const), value),
    fc.tuple(fc.constant('pop' as const)),
    fc.tuple(fc.constant('shift' as const)),
    fc.tuple(fc.constant('at' as const), index),
    fc.tuple(fc.constant('splice' as const), index, index, value),
    fc.tuple(fc.constant('slice' as const), index, index),
    fc.tuple(fc.constant('fill' as const), value, index, index),
    fc.tuple(fc.constant('reverse' as const)),
    fc.tuple(fc.constant('join' as const), fc.constantFrom('', ',', '--')),
    fc.tuple(fc.constant('concat' as const), value),
  ),
  { maxLength: 12 },
);

test('the referent behaves as an array does', () => {
  fc.assert(
    fc.property(fc.array(value), steps, (items, all) => {
      const model: unknown[] = [...items];
      const referent = new ListReferent([...items]);
      for (const [name, ...args] of all) {
        const expected = Reflect.apply(model[name] as never, model, args) as unknown;
        const answer: unknown = Reflect.apply(referent[name] as never, referent, args);
        if (expected === model) expect(answer).toBe(referent);
        else expect(answer).toEqual(expected);
      }
      expect(referent.toArray()).toEqual(model);
    }),
    { numRuns: 1000 },
  );
});

test('and so it does through a manager', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(value), steps, async (items, all) => {
      const model: unknown[] = [...items];
      const proxy = manager.list<unknown>(items);
      try {
        const answers = all.map(([name, ...args]) => proxy._callMethod(name, args));
        const whole = proxy.toArray();
        for (const [i, [name, ...args]] of all.entries()) {
          const expected = Reflect.apply(model[name] as never, model, args) as unknown;
          if (expected !== model) expect(await answers[i]).toEqual(expected);
          else expect(await answers[i]).toBe(proxy);
        }
        expect(await whole).toEqual(model);
        const iterated: unknown[] = [];
        for await (const item of proxy.values({ batch: 2 })) iterated.push(item);
        expect(iterated).toEqual(model);
      } finally {
        release(proxy);
      }
    }),
    { numRuns: 25 },
  );
});
