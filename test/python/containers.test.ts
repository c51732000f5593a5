// What CPython asserts of containers: _TestContainers of Lib/test/_test_multiprocessing.py, and what
// 3.14 adds, in both faces.
import {
  type DictProxy,
  type ListProxy,
  type QueueProxy,
  isProxy,
  release,
  sameReferent,
} from '../../src/index';
import { all, expectNothingShared, failureOf, onStage, range } from './stage';

jest.setTimeout(60_000);

onStage(1, ({ shared, inChild, manager }) => {
  afterEach(() => expectNothingShared(manager));

  describe('lists', () => {
    test('test_list', async () => {
      using a = shared.list<unknown>(range(10));
      expect(await a.slice()).toEqual(range(10));
      using b = shared.list<number>();
      expect(await b.slice()).toEqual([]);
      await b.extend(range(5));
      expect(await b.slice()).toEqual(range(5));
      expect(await b.get(2)).toBe(2);
      expect(await b.slice(2, 10)).toEqual([2, 3, 4]);
      expect(await b.slice(-2)).toEqual([3, 4]);
      expect(await b.extend(b)).toBe(10); // b *= 2
      expect(await b.slice()).toEqual([...range(5), ...range(5)]);
      expect(await b.concat([5, 6])).toEqual([...range(5), ...range(5), 5, 6]);
      expect(await b.length).toBe(10); // a sum is a plain list, and changes nothing
      expect(await a.slice()).toEqual(range(10));

      using e = shared.list([a, b]);
      const contents: unknown[] = [];
      for await (const inner of e) {
        contents.push(await inner.slice());
        release(inner);
      }
      expect(contents).toEqual([range(10), [...range(5), ...range(5)]]);
      using f = shared.list([a]);
      await a.push('hello');
      using first = await f.get(0);
      expect(await first.slice()).toEqual([...range(10), 'hello']);
    });

    test('test_list_iter', async () => {
      using a = shared.list(range(10));
      const iteration = a.values();
      expect(await all(iteration)).toEqual(range(10));
      expect(await all(iteration)).toEqual([]);
      expect(await iteration.next()).toMatchObject({ done: true });
      const late = a.values();
      await a.set(0, 100);
      expect(await late.next()).toEqual({ done: false, value: 100 });
      await late.return?.();
    });

    test('an iteration sees what changes ahead of it, and ends where the list does', async () => {
      using a = shared.list(range(4));
      const seen: number[] = [];
      for await (const item of a.values({ batch: 1 })) {
        seen.push(item);
        if (item === 1) await a.set(3, 33);
        if (item === 33) await a.push(4);
        if (item === 2) await a.delete(0); // what comes after moves: 33 is skipped, as in Python
      }
      expect(seen).toEqual([0, 1, 2]);
      expect(await a.toArray()).toEqual([1, 2, 33]);
    });

    test('test_list_proxy_in_list', async () => {
      const inners = range(3).map(() => shared.list(range(3)));
      using a = shared.list(inners);
      for (const inner of inners) release(inner);
      const at = async <R>(index: number, use: (inner: ListProxy<number>) => R): Promise<R> => {
        using inner = await a.get(index);
        return await use(inner);
      };
      await at(0, (inner) => inner.set(-1, 55));
      expect(await at(0, (inner) => inner.toArray())).toEqual([0, 1, 55]);
      for (const i of [1, 2]) expect(await at(i, (inner) => inner.toArray())).toEqual([0, 1, 2]);
      expect(await at(1, (inner) => inner.pop())).toBe(2);
      expect(await at(1, (inner) => inner.length)).toBe(2);
      for (const i of [0, 2]) expect(await at(i, (inner) => inner.length)).toBe(3);

      using b = shared.list<unknown>();
      await b.push(b);
      using itself = (await b.get(0)) as ListProxy;
      expect([sameReferent(itself, b), await itself.length]).toEqual([true, 1]);
    });

    test('contains, index, count, insert, remove, pop, del, reverse, sort', async () => {
      using a = shared.list(['c', 'a', 'b', 'a']);
      expect([await a.includes('a'), await a.includes('x')]).toEqual([true, false]);
      expect([await a.indexOf('a'), await a.indexOf('a', 2), await a.count('a')]).toEqual([
        1, 3, 2,
      ]);
      await a.remove('a');
      expect(await a.toArray()).toEqual(['c', 'b', 'a']);
      await a.insert(1, 'x');
      expect(await a.delete(1)).toBe('x'); // pop(1) and del a[1]
      expect(await a.delete(-1)).toBe('a');
      expect([await a.pop(), await a.shift()]).toEqual(['b', 'c']);
      await a.extend(['b', 'a', 'c']);
      expect(await a.reverse()).toBe(a); // what works in place answers the proxy
      expect(await a.toArray()).toEqual(['c', 'a', 'b']);
      expect(await a.sort()).toBe(a);
      expect(await a.toArray()).toEqual(['a', 'b', 'c']);
      expect(await a.sort((x, y) => (x < y ? 1 : -1))).toBe(a);
      expect(await a.toArray()).toEqual(['c', 'b', 'a']);
      expect(await a.copy()).toEqual(['c', 'b', 'a']);
      await a.clear();
      expect(await a.length).toBe(0);
    });

    test('what is out of range or not there is an error of its class, as in Python', async () => {
      using a = shared.list([1]);
      expect(await failureOf(() => a.get(1))).toBeInstanceOf(RangeError);
      expect(await failureOf(() => a.set(-2, 0))).toBeInstanceOf(RangeError);
      expect(await failureOf(() => a.delete(5))).toBeInstanceOf(RangeError);
      expect(await failureOf(() => a.remove(7))).toBeInstanceOf(RangeError);
      expect([await a.at(1), await a.indexOf(7)]).toEqual([undefined, -1]);
      expect(await a.toArray()).toEqual([1]);
    });
  });

  describe('dicts', () => {
    const entries = range(70, 65).map((i): [number, string] => [i, String.fromCharCode(i)]);

    test('test_dict', async () => {
      using d = shared.dict<number, string>();
      for (const [key, value] of entries) await d.set(key, value);
      expect(await d.copy()).toEqual(new Map(entries));
      expect(await d.keys()).toEqual(range(70, 65));
      expect(await d.values()).toEqual([...'ABCDE']);
      expect(await d.entries()).toEqual(entries);
    });

    test('test_dict_iter', async () => {
      using d = shared.dict(entries);
      const iteration = d.iterate();
      expect(await all(iteration)).toEqual(entries);
      expect(await all(iteration)).toEqual([]);
      const late = d.iterate();
      await d.clear();
      // RuntimeError in Python; here an iteration is live.
      expect(await late.next()).toMatchObject({ done: true });
    });

    test('contains, get, pop, popitem, setdefault, update, del, clear', async () => {
      using d = shared.dict<number>({ a: 1, b: 2 });
      expect([await d.has('a'), await d.has('x'), await d.size]).toEqual([true, false, 2]);
      expect([await d.get('a'), await d.get('x')]).toEqual([1, undefined]);
      expect([await d.setDefault('a', 9), await d.setDefault('c', 3)]).toEqual([1, 3]);
      expect(await d.popItem()).toEqual(['c', 3]); // the newest first
      await d.update({ b: 20, e: 5 });
      await d.update([['f', 6]]); // d |= …
      expect([await d.pop('f'), await d.pop('f')]).toEqual([6, undefined]);
      expect([await d.delete('e'), await d.delete('e')]).toEqual([true, false]);
      expect(await d.toObject()).toEqual({ a: 1, b: 20 });
      await d.clear();
      expect([await d.popItem(), await d.size]).toEqual([undefined, 0]);
      expect(await failureOf(() => d.set([] as never, 1))).toMatchObject({ name: 'UsageError' });
    });

    test('test_dict_proxy_nested', async () => {
      const pets = shared.dict<number>({ ferrets: 2, hamsters: 4 });
      const supplies = shared.dict<number>({ water: 10, feed: 3 });
      using d = shared.dict({ pets, supplies });
      const inside = async <R>(
        name: string,
        use: (inner: DictProxy<string, number>) => R,
      ): Promise<R> => {
        using inner = (await d.get(name)) as DictProxy<string, number>;
        return await use(inner);
      };
      expect(await inside('supplies', (inner) => inner.get('water'))).toBe(10);
      await inside('supplies', (inner) => inner.set('blankets', 5));
      expect(await supplies.get('blankets')).toBe(5);
      await inside('supplies', (inner) => inner.set('water', 7));
      expect(await supplies.get('water')).toBe(7);
      release(pets);
      release(supplies);

      expect(await inside('pets', (inner) => inner.get('ferrets'))).toBe(2);
      await inside('supplies', (inner) => inner.set('blankets', 11));
      expect(await inside('supplies', (inner) => inner.get('blankets'))).toBe(11);
      const petsAgain = (await d.get('pets')) as DictProxy<string, number>;
      const suppliesAgain = (await d.get('supplies')) as DictProxy<string, number>;
      await d.clear();
      expect([await suppliesAgain.get('water'), await petsAgain.get('hamsters')]).toEqual([7, 4]);

      using l = shared.list([petsAgain, suppliesAgain]);
      using first = await l.get(0);
      await first.set('marmots', 1);
      expect(await petsAgain.get('marmots')).toBe(1);
      release(petsAgain);
      release(suppliesAgain);
      expect(await first.get('marmots')).toBe(1);

      using outer = shared.list<unknown>([[88, 99], l]);
      expect(await outer.get(0)).toEqual([88, 99]); // not a proxy
      expect(isProxy(await outer.get(0))).toBe(false);
      using list = (await outer.get(-1)) as ListProxy<DictProxy<string, number>>;
      using last = await list.get(-1);
      expect(await last.get('feed')).toBe(3);
    });

    test('test_nested_queue', async () => {
      using a = shared.list<QueueProxy<number>>();
      using b = shared.dict<number, QueueProxy<number>>();
      using one = shared.queue<number>();
      await a.push(one);
      using inList = await a.get(0);
      await inList.put(123);
      expect(await inList.get()).toBe(123);
      using other = shared.queue<number>();
      await b.set(0, other);
      using inDict = (await b.get(0)) as QueueProxy<number>;
      await inDict.put(456);
      expect(await other.get()).toBe(456);
    });
  });

  test('test_namespace', async () => {
    interface Person {
      name?: string;
      job?: string;
      _hidden?: string;
    }
    using n = shared.namespace<Person>();
    await n.set('name', 'Bob');
    await n.set('job', 'Builder');
    expect([await n.get('name'), await n.get('job')]).toEqual(['Bob', 'Builder']);
    // Python keeps it on the proxy, where nobody else sees it; here nobody can think that it is shared.
    expect(await failureOf(() => n.set('_hidden', 'hidden'))).toMatchObject({ name: 'UsageError' });
    expect(await n.delete('job')).toBe(true);
    expect(await n.toStringRemote()).toBe("{ name: 'Bob' }");
    expect([await n.has('name'), await n.has('job'), await n.has('_hidden')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  describe('sets', () => {
    test('members', async () => {
      using s = shared.set(['a', 'b']);
      await s.add('c');
      await s.add('c');
      expect([await s.size, await s.has('c'), await s.has('x')]).toEqual([3, true, false]);
      expect([await s.delete('c'), await s.delete('c')]).toEqual([true, false]); // discard
      expect(await all(s)).toEqual(['a', 'b']);
      expect(await s.copy()).toEqual(new Set(['a', 'b']));
      expect([await s.pop(), await s.pop(), await s.pop()]).toEqual(['a', 'b', undefined]);
      await s.add('d');
      await s.clear();
      expect(await s.size).toBe(0);
    });

    test('operators answer plain sets, those in place the proxy', async () => {
      using a = shared.set(['a', 'b', 'c']);
      using b = shared.set(['b', 'c', 'd']);
      expect(await a.union(b)).toEqual(new Set(['a', 'b', 'c', 'd']));
      expect(await a.intersection(b)).toEqual(new Set(['b', 'c']));
      expect(await a.difference(['b'])).toEqual(new Set(['a', 'c']));
      expect(await a.symmetricDifference(b)).toEqual(new Set(['a', 'd']));
      expect(await a.unionUpdate(['e'])).toBe(a);
      expect(await a.intersectionUpdate(['a', 'b', 'e'])).toBe(a);
      expect(await a.differenceUpdate(['e'])).toBe(a);
      expect(await a.symmetricDifferenceUpdate(b)).toBe(a);
      expect(await a.copy()).toEqual(new Set(['a', 'c', 'd']));
      expect(await b.copy()).toEqual(new Set(['b', 'c', 'd']));
    });

    test('comparisons', async () => {
      using small = shared.set([1]);
      using large = shared.set([1, 2]);
      expect([await small.isSubsetOf(large), await large.isSubsetOf(small)]).toEqual([true, false]);
      expect([await large.isSupersetOf(small), await large.isSupersetOf([3])]).toEqual([
        true,
        false,
      ]);
      expect([await large.isDisjointFrom([3]), await large.isDisjointFrom([2])]).toEqual([
        true,
        false,
      ]);
    });
  });

  test('deepcopy and str: the referent, and not the proxy', async () => {
    using inner = shared.dict({ a: 1 });
    using outer = shared.list<unknown>([inner, { plain: true }]);
    expect(await outer._getValue()).toEqual([new Map([['a', 1]]), { plain: true }]);
    expect(await outer.toStringRemote()).toBe("[ Map(1) { 'a' => 1 }, { plain: true } ]");
    using lock = shared.lock();
    expect(await failureOf(() => lock._getValue())).toMatchObject({ name: 'RemoteError' });
    expect(await lock.toStringRemote()).toBe('Lock (free)');
  });

  test('another process changes what is here', async () => {
    using list = shared.list<unknown>([1]);
    using dict = shared.dict<unknown>({ a: 1 });
    using set = shared.set([1]);
    using namespace = shared.namespace<{ x: number }>({ x: 1 });
    await inChild(
      async (_lib, { open }, argument) => {
        const it = open(argument);
        await it.list.push(2);
        await it.dict.set('list', it.list);
        await it.set.add(2);
        await it.namespace.set('x', 2);
      },
      { list, dict, set, namespace },
    );
    expect(await list.toArray()).toEqual([1, 2]);
    using found = (await dict.get('list')) as ListProxy;
    expect(sameReferent(found, list)).toBe(true);
    expect(await set.copy()).toEqual(new Set([1, 2]));
    expect(await namespace.get('x')).toBe(2);
  });
});
