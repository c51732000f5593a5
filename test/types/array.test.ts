import * as fc from 'fast-check';
import { ArrayProxy, type Cell, Manager, type Typecode, handle, release } from '../../src/index';
import { ArrayReferent } from '../../src/types/array';
import { cellsFrom, pack, zeroes } from '../../src/types/cells';
import { SHORT_LIMITS } from '../support/managers';
import { shareManager } from '../support/shared';

const manager = new Manager({ limits: SHORT_LIMITS });
const mine = shareManager(manager);

/** An array that is released after the test. */
function array<C extends Typecode>(
  typecode: C,
  items: Iterable<Cell<C>> | number,
): ArrayProxy<Cell<C>> {
  return mine(manager.array(typecode, items));
}

/** By typecode: the name of its typed array, what just fits, and what just does not. */
const KINDS: readonly [Typecode, string, (number | bigint)[], (number | bigint)[]][] = [
  ['b', 'Int8Array', [-128, 127], [-129, 128]],
  ['B', 'Uint8Array', [0, 255], [-1, 256]],
  ['h', 'Int16Array', [-32768, 32767], [-32769, 32768]],
  ['H', 'Uint16Array', [0, 65535], [-1, 65536]],
  ['i', 'Int32Array', [-(2 ** 31), 2 ** 31 - 1], [-(2 ** 31) - 1, 2 ** 31]],
  ['I', 'Uint32Array', [0, 2 ** 32 - 1], [-1, 2 ** 32]],
  ['q', 'BigInt64Array', [-(2n ** 63n), 2n ** 63n - 1n], [-(2n ** 63n) - 1n, 2n ** 63n]],
  ['Q', 'BigUint64Array', [0n, 2n ** 64n - 1n], [-1n, 2n ** 64n]],
  ['f', 'Float32Array', [0.5, -Infinity, NaN], [1e39, -1e39]],
  ['d', 'Float64Array', [0.1, 1e308, Infinity, NaN, -0], []],
];

describe.each(KINDS)('an array of %s', (typecode, name, fitting, beyond) => {
  const isBig = typecode === 'q' || typecode === 'Q';
  const isFloat = typecode === 'f' || typecode === 'd';
  const zero = (isBig ? 0n : 0) as never;

  test(`is a ${name}`, async () => {
    const proxy = array(typecode, fitting as never);
    const slice = await proxy.slice();
    expect(slice[Symbol.toStringTag]).toBe(name);
    expect([...slice]).toEqual(fitting);
    await expect(array(typecode, 2).slice()).resolves.toEqual(zeroes(typecode, 2));
  });

  test('refuses what does not fit, when made, set and filled, and changes nothing', async () => {
    const proxy = array(typecode, 2);
    for (const value of beyond as never[]) {
      expect(() => manager.array(typecode, [value])).toThrow(RangeError);
      await expect(proxy.set(0, value)).rejects.toBeInstanceOf(RangeError);
      await expect(proxy.setSlice(0, [zero, value])).rejects.toBeInstanceOf(RangeError);
    }
    const wrong = [
      '1',
      null,
      undefined,
      true,
      {},
      isBig ? 1 : 1n,
      ...(isFloat || isBig ? [] : [1.5, NaN]),
    ];
    for (const value of wrong as never[]) {
      expect(() => manager.array(typecode, [value])).toThrow(TypeError);
      await expect(proxy.set(0, value)).rejects.toBeInstanceOf(TypeError);
      await expect(proxy.setSlice(0, [zero, value])).rejects.toBeInstanceOf(TypeError);
    }
    expect([...(await proxy.slice())]).toEqual([zero, zero]);
  });

  test('increment refuses a sum that does not fit, and changes nothing', async () => {
    const proxy = array(typecode, [fitting[1] as never]);
    if (isFloat) return void (await expect(proxy.increment(0, '1' as never)).rejects.toThrow());
    await expect(proxy.increment(0)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.get(0)).resolves.toBe(fitting[1]);
    await expect(proxy.increment(0, (isBig ? 1 : 1n) as never)).rejects.toBeInstanceOf(TypeError);
  });
});

test('an unknown typecode is refused, and the error lists what there is', async () => {
  const refused = {
    name: 'UsageError',
    message: "Unknown typecode 'x'; there are b, B, h, H, i, I, q, Q, f, d",
  };
  expect(() => manager.array('x' as never, 1)).toThrow(expect.objectContaining(refused) as Error);
  expect(() => manager.array('__proto__' as never, 1)).toThrow(/Unknown typecode/);
  expect(() => manager.array(undefined as never, 1)).toThrow(/Unknown typecode undefined/);
});

test('a length is a whole number >= 0, and items are an iterable', () => {
  for (const length of [-1, 1.5, NaN, Infinity])
    expect(() => manager.array('d', length)).toThrow(RangeError);
  const refused = expect.objectContaining({ name: 'UsageError' }) as Error;
  expect(() => manager.array('d', '12' as never)).toThrow(refused);
  expect(() => manager.array('d', undefined as never)).toThrow(refused);
});

test('the manager checks what it is told, too', async () => {
  const bad = manager.create('array', 'x', 1) as unknown as ArrayProxy;
  await expect(bad.length).rejects.toMatchObject({ name: 'RemoteError' });
  release(bad);
});

test('is made of a typed array, of a generator and of another array', async () => {
  function* numbers(): Generator<number> {
    yield 1;
    yield 2;
  }
  await expect(array('i', numbers()).slice()).resolves.toEqual(Int32Array.of(1, 2));
  const source = Float64Array.of(1, 2, 3).subarray(1);
  const first = array('d', source);
  source[0] = 9;
  const second = array('h', first as unknown as Iterable<number>);
  await second.set(0, 5);
  await expect(first.slice()).resolves.toEqual(Float64Array.of(2, 3));
  await expect(second.slice()).resolves.toEqual(Int16Array.of(5, 3));
  await expect(array('B', Buffer.from('ab')).slice()).resolves.toEqual(Uint8Array.of(97, 98));
});

test('length, at, get and set', async () => {
  const proxy = array('d', [1, 2, 3]);
  expect(proxy).toBeInstanceOf(ArrayProxy);
  await expect(proxy.length).resolves.toBe(3);
  await expect(proxy.at(-1)).resolves.toBe(3);
  await expect(proxy.at(3)).resolves.toBeUndefined();
  await expect(proxy.get(-3)).resolves.toBe(1);
  await expect(proxy.set(-1, 0.5)).resolves.toBeUndefined();
  await expect(proxy.slice(1)).resolves.toEqual(Float64Array.of(2, 0.5));
  for (const index of [3, -4, 0.5, NaN]) {
    await expect(proxy.get(index)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.set(index, 1)).rejects.toBeInstanceOf(RangeError);
    await expect(proxy.increment(index)).rejects.toBeInstanceOf(RangeError);
  }
  await expect(proxy.get('0' as never)).rejects.toBeInstanceOf(TypeError);
});

test('cells of another kind are converted, and refused where they change', () => {
  expect(cellsFrom('b', Float64Array.of(-1, -0))).toEqual(Int8Array.of(-1, 0));
  expect(cellsFrom('f', Float64Array.of(0.1, NaN))).toEqual(Float32Array.of(0.1, NaN));
  expect(cellsFrom('Q', BigInt64Array.of(1n))).toEqual(BigUint64Array.of(1n));
  expect(() => cellsFrom('b', Float64Array.of(1.5))).toThrow(TypeError);
  expect(() => cellsFrom('b', Float64Array.of(NaN))).toThrow(TypeError);
  expect(() => cellsFrom('b', Int16Array.of(128))).toThrow(RangeError);
  expect(() => cellsFrom('Q', BigInt64Array.of(-1n))).toThrow(RangeError);
  expect(() => cellsFrom('f', Float64Array.of(1e39))).toThrow(RangeError);
  expect(() => cellsFrom('i', BigInt64Array.of(1n))).toThrow(TypeError);
  expect(() => cellsFrom('q', Int8Array.of(1))).toThrow(TypeError);
});

test('setSlice: from the end too, and only what fits in', async () => {
  const proxy = array('i', 4);
  await proxy.setSlice(1, [1, 2]);
  await proxy.setSlice(-1, Int32Array.of(9));
  await proxy.setSlice(4, []);
  await expect(proxy.slice()).resolves.toEqual(Int32Array.of(0, 1, 2, 9));
  for (const start of [3, -5, 5, 0.5])
    await expect(proxy.setSlice(start, [7, 7])).rejects.toBeInstanceOf(RangeError);
  await expect(proxy.setSlice(0, 5 as never)).rejects.toMatchObject({ name: 'UsageError' });
  await expect(proxy.setSlice(0, Float64Array.of(1.5))).rejects.toBeInstanceOf(TypeError);
  await expect(proxy.slice()).resolves.toEqual(Int32Array.of(0, 1, 2, 9));
});

test('increment answers what is there then', async () => {
  const proxy = array('f', [0]);
  await expect(proxy.increment(0, 0.1)).resolves.toBe(Math.fround(0.1));
  const counts = array('Q', 1);
  const sums = await Promise.all(Array.from({ length: 50 }, () => counts.increment(0)));
  expect(sums.at(-1)).toBe(50n);
});

test('iterates in chunks, live between them', async () => {
  const proxy = array(
    'h',
    Array.from({ length: 600 }, (_, i) => i),
  );
  const seen: number[] = [];
  for await (const cell of proxy) {
    if (cell === 0) await proxy.set(599, -1);
    seen.push(cell);
  }
  expect(seen).toEqual([...Array.from({ length: 599 }, (_, i) => i), -1]);
  for await (const _cell of proxy.iterate({ batch: 1 })) break;
});

test('the copy, the text, and whether a number is in it', async () => {
  const proxy = array('b', [1, 2]);
  await expect(proxy._getValue()).resolves.toEqual(Int8Array.of(1, 2));
  await expect(proxy.toStringRemote()).resolves.toBe('Int8Array(2) [ 1, 2 ]');
  await expect(handle(proxy).has(2)).resolves.toBe(true);
  await expect(handle(proxy).has(3)).resolves.toBe(false);
  await expect(handle(proxy).equals(Int8Array.of(1, 2))).resolves.toBe(true);
  await expect(handle(proxy).equals(array('b', [1, 3]))).resolves.toBe(false);
});

test('a million floats travel as one block', async () => {
  const numbers = Array.from({ length: 1e6 }, (_, i) => i / 3);
  const proxy = array('d', 1e6);
  await proxy.setSlice(0, numbers);
  const slice = (await proxy.slice()) as Float64Array;
  expect(slice).toHaveLength(1e6);
  expect(slice[999_999]).toBe(999_999 / 3);
});

describe('values are packed for the way', () => {
  it.each([
    [[1, 2.5], 'Float64Array'],
    [[1n, -1n], 'BigInt64Array'],
    [[2n ** 63n], 'BigUint64Array'],
    [new Int8Array(1), 'Int8Array'],
  ])('%p as a %s', (values, name) => {
    expect((pack(values) as NodeJS.TypedArray)[Symbol.toStringTag]).toBe(name);
  });
  it('but for bigints that no cell holds', () => {
    expect(pack([-1n, 2n ** 63n])).toEqual([-1n, 2n ** 63n]);
  });
});

const index = fc.integer({ min: -6, max: 6 });
const cell = fc.integer({ min: -128, max: 127 });
const steps = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('set' as const), index, cell),
    fc.tuple(fc.constant('increment' as const), index, cell),
    fc.tuple(fc.constantFrom('get' as const, 'at' as const), index),
    fc.tuple(fc.constant('slice' as const), index, index),
    fc.tuple(fc.constant('setSlice' as const), index, fc.array(cell, { maxLength: 4 })),
  ),
  { maxLength: 12 },
);
const initial = fc.array(cell, { maxLength: 6 });

/** What a typed array does; 'RangeError' where it would lose something. */
function expected(model: Int8Array, [method, at, more]: readonly unknown[]): unknown {
  const where = (at as number) < 0 ? model.length + (at as number) : (at as number);
  const isThere = where >= 0 && where < model.length;
  if (method === 'at') return model.at(at as number);
  if (method === 'slice') return model.slice(at as number, more as number);
  if (method === 'setSlice') {
    if (where < 0 || where + (more as number[]).length > model.length) return 'RangeError';
    return model.set(more as number[], where);
  }
  if (!isThere) return 'RangeError';
  if (method === 'get') return model[where];
  const next = method === 'set' ? (more as number) : (model[where] as number) + (more as number);
  if (next < -128 || next > 127) return 'RangeError';
  model[where] = next;
  return method === 'set' ? undefined : next;
}

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return (error as Error).name;
  }
}

test('the referent behaves as a typed array does', () => {
  fc.assert(
    fc.property(initial, steps, (items, all) => {
      const model = Int8Array.from(items);
      const referent = new ArrayReferent('b', cellsFrom('b', items));
      for (const step of all) {
        const [method, ...args] = step;
        const answer = outcome(
          () => Reflect.apply(referent[method] as never, referent, args) as unknown,
        );
        expect(answer).toEqual(expected(model, step));
      }
      expect(referent.slice()).toEqual(model);
    }),
    { numRuns: 1000 },
  );
});

test('and so it does through a manager', async () => {
  await fc.assert(
    fc.asyncProperty(initial, steps, async (items, all) => {
      const model = Int8Array.from(items);
      const proxy = manager.array('b', items);
      try {
        const answers = all.map(([method, ...args]) =>
          proxy._callMethod(method, args).catch((error: unknown) => (error as Error).name),
        );
        for (const [i, step] of all.entries())
          expect(await answers[i]).toEqual(expected(model, step));
        const iterated: number[] = [];
        for await (const one of proxy.iterate({ batch: 2 })) iterated.push(one);
        expect(iterated).toEqual([...model]);
      } finally {
        release(proxy);
      }
    }),
    { numRuns: 25 },
  );
});
