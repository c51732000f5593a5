// What CPython asserts of iterators that come from a manager: baz() of _TestMyManager, the rules of
// iterators that are used up, and what a generator is told.
import { IteratorProxy, Manager, type Remote } from '../../src/index';
import type { Counter } from '../fixtures/classes';
import { all, expectNothingShared, failureOf, onStage, range } from './stage';

jest.setTimeout(60_000);

class TestManager extends Manager {
  static {
    const module = require.resolve('../fixtures/classes');
    this.register('Counter', { module, export: 'Counter' });
  }
}

onStage(
  1,
  ({ shared, manager, inChild }) => {
    afterEach(() => expectNothingShared(manager));
    const counter = (): Remote<Counter> => shared.create<Counter>('Counter');
    const upTo = async (maker: Remote<Counter>, end: number): Promise<IteratorProxy<number>> =>
      (await maker.upTo(end)) as unknown as IteratorProxy<number>;

    test('baz: all of a generator', async () => {
      using maker = counter();
      expect(await all(await upTo(maker, 10))).toEqual(range(10));
    });

    test('one call each, and used up it stays used up', async () => {
      using maker = counter();
      const iterator = await upTo(maker, 2);
      expect(iterator).toBeInstanceOf(IteratorProxy);
      expect(await iterator.next()).toEqual({ done: false, value: 0 });
      expect(await iterator.next()).toEqual({ done: false, value: 1 });
      expect(await iterator.next()).toEqual({ done: true, value: 'finished' });
      expect(await iterator.next()).toMatchObject({ done: true });
      expect(await all(iterator)).toEqual([]);
      expect(await iterator.return('late')).toEqual({ done: true, value: 'late' });
      expect(await failureOf(() => iterator.throw(new SyntaxError()))).toBeInstanceOf(SyntaxError);
    });

    test('send, throw and close', async () => {
      using maker = counter();
      const told = await upTo(maker, 9);
      await told.next();
      expect(await told.next(50)).toEqual({ done: false, value: 1 }); // send(50)
      expect(await maker.total).toBe(50);
      expect(await told.throw(new RangeError('in'))).toEqual({ done: false, value: -1 });
      expect(await failureOf(() => told.next())).toBeInstanceOf(RangeError);
      const closed = await upTo(maker, 9);
      await closed.next();
      const { done } = await closed.return();
      expect(done).toBe(true);
      expect(await maker.total).toBe(2050); // both have run their `finally`
      told[Symbol.dispose]();
    });

    test('used in turn by two processes', async () => {
      using maker = counter();
      const iterator = await upTo(maker, 3);
      expect(await iterator.next()).toMatchObject({ value: 0 });
      const there = await inChild(
        async (_lib, { open }, argument) => {
          const { value } = await open(argument).iterator.next();
          return value as number;
        },
        { iterator },
      );
      expect(there).toBe(1);
      expect(await iterator.next()).toMatchObject({ value: 2 });
      expect(await iterator.next()).toMatchObject({ done: true });
    });

    test('of containers: live between chunks, and used up for good', async () => {
      using list = shared.list([1, 2]);
      using dict = shared.dict<number>({ a: 1, b: 2, c: 3 });
      using set = shared.set([1, 2, 3]);
      const items = list.values({ batch: 1 });
      expect(await items.next()).toEqual({ done: false, value: 1 });
      await list.push(3);
      expect(await all(items)).toEqual([2, 3]);
      await list.push(4); // it has ended
      expect(await all(items)).toEqual([]);

      const entries = dict.iterate({ batch: 1 });
      await entries.next();
      await dict.delete('b'); // RuntimeError in Python
      await dict.set('d', 4);
      expect(await all(entries)).toEqual([
        ['c', 3],
        ['d', 4],
      ]);
      expect(await entries.next()).toMatchObject({ done: true });

      const members = set.iterate({ batch: 1 });
      await members.next();
      await set.clear();
      expect(await members.next()).toMatchObject({ done: true });
      await set.add(5);
      expect(await members.next()).toMatchObject({ done: true });
    });

    test('a chunk is a snapshot', async () => {
      using list = shared.list([1, 2, 3]);
      const items = list.values({ batch: 2 });
      expect(await items.next()).toEqual({ done: false, value: 1 });
      await list.set(1, 20);
      await list.set(2, 30);
      expect(await all(items)).toEqual([2, 30]);
    });
  },
  TestManager,
);
