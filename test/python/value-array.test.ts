// What CPython asserts of values and arrays: _TestValue and _TestArray of
// Lib/test/_test_multiprocessing.py. Python makes them of ctypes there; here a manager holds them.
import { type LockProxy, type Typecode, release, sameReferent } from '../../src/index';
import { all, expectNothingShared, failureOf, onStage, range } from './stage';

jest.setTimeout(60_000);

onStage(2, ({ shared, manager, inChild, inChildren }) => {
  afterEach(() => expectNothingShared(manager));

  test('test_value', async () => {
    const pairs = [
      [4343, 24234],
      [3.625, -4.25],
      [-232, 234],
      [2n ** 33n, 2n ** 34n],
      ['x', 'y'],
    ] as const;
    for (const [first, second] of pairs) {
      using value = shared.value<string | number | bigint>(first);
      expect(await value.get()).toBe(first);
      // Bigints do not go through the channel of a forked process: they are made there.
      const told = { value, kind: typeof second, text: String(second) };
      await inChild(async (_lib, { open }, argument) => {
        const { value: it, kind, text } = open(argument);
        const next = kind === 'bigint' ? BigInt(text) : kind === 'number' ? Number(text) : text;
        await it.set(next);
      }, told);
      expect(await value.get()).toBe(second);
    }
  });

  const seq = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];

  test('test_array', async () => {
    using array = shared.array('i', seq);
    expect(await array.length).toBe(seq.length);
    expect([await array.get(3), await array.get(-1)]).toEqual([seq[3], seq.at(-1)]);
    expect(await array.slice(2, 7)).toEqual(new Int32Array(seq.slice(2, 7)));
    await array.setSlice(4, [1, 2, 3, 4]);
    const changed = [...seq.slice(0, 4), 1, 2, 3, 4, ...seq.slice(8)];
    expect(await all(array)).toEqual(changed);
    await inChild(
      async (_lib, { open }, argument) => {
        const it = open(argument).array;
        const length = await it.length;
        for (let i = 1; i < length; i++) await it.increment(i, await it.get(i - 1));
      },
      { array },
    );
    for (let i = 1; i < changed.length; i++) changed[i]! += changed[i - 1]!;
    expect(await all(array)).toEqual(changed);
  });

  test('test_array_from_size', async () => {
    for (let round = 0; round < 3; round++) {
      using array = shared.array('i', 10);
      expect(await array.length).toBe(10);
      expect(await all(array)).toEqual(Array(10).fill(0));
      await array.setSlice(0, range(10));
      expect(await all(array)).toEqual(range(10));
    }
  });

  test('an array is typed, and keeps its length', async () => {
    using array = shared.array('h', [1, 2]);
    expect(await failureOf(() => array.set(0, 'x' as never))).toBeInstanceOf(TypeError);
    expect(await failureOf(() => array.set(0, 1.5))).toBeInstanceOf(TypeError);
    expect(await failureOf(() => array.set(0, 40_000))).toBeInstanceOf(RangeError);
    expect(await failureOf(() => array.get(2))).toBeInstanceOf(RangeError);
    expect(await failureOf(() => array.setSlice(1, [1, 2]))).toBeInstanceOf(RangeError);
    expect(await failureOf(() => shared.array('c' as Typecode, 1))).toMatchObject({
      name: 'UsageError',
    });
    expect(await array.slice()).toEqual(new Int16Array([1, 2]));
  });

  describe('test_getobj_getlock', () => {
    test('one lock for the object, whoever asks; it goes round read and write', async () => {
      using value = shared.value(0);
      using array = shared.array('i', 1);
      const counts = 25;
      await inChildren(
        async ({ release: giveBack }, { open }, argument) => {
          const it = open(argument);
          const addTo = async (
            owner: { getLock(): LockProxy },
            add: () => Promise<void>,
          ): Promise<void> => {
            const lock = owner.getLock();
            for (let i = 0; i < it.counts; i++) {
              const held = await lock.acquire();
              await add();
              await held.release();
            }
            giveBack(lock);
          };
          await addTo(it.value, async () => it.value.set((await it.value.get()) + 1));
          await addTo(it.array, async () => it.array.set(0, (await it.array.get(0)) + 1));
        },
        { value, array, counts },
      );
      expect([await value.get(), await array.get(0)]).toEqual([2 * counts, 2 * counts]);
    });

    test('two objects have two locks', async () => {
      using one = shared.value(1);
      using other = shared.value(1);
      const locks = [one.getLock(), one.getLock(), other.getLock()];
      const fences = [
        await locks[0]?.acquire({ owner: 'me' }),
        await locks[1]?.acquire({ owner: 'me' }), // the same lock, and re-entrant
        await locks[2]?.acquire({ owner: 'me' }),
      ];
      expect(sameReferent(locks[0], locks[2])).toBe(false);
      for (const held of fences) await held?.release();
      for (const lock of locks) expect(await lock.locked()).toBe(false);
      for (const lock of locks) release(lock);
    });
  });
});
