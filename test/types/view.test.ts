// Views: what is nested is read and changed in the manager, where it is.
import {
  type DictProxy,
  type ListProxy,
  Manager,
  type Remote,
  handle,
  oneway,
  release,
  sameReferent,
  sync,
  view,
  withOptions,
} from '../../src/index';
import { SHORT_LIMITS, expectNothingHeld } from '../support/managers';
import { shareManager } from '../support/shared';
import { until } from '../support/until';

const manager = new Manager({ limits: SHORT_LIMITS });
const mine = shareManager(manager);

/** Released after the test. */
/** A view that is released after the test. As plain JavaScript has it, where members can be written. */
function loose(proxy: object): any {
  return mine(view<any>(proxy) as object);
}

/** What a member is; jest would call it, because members are functions as well. */
async function got(member: unknown): Promise<unknown> {
  return await member;
}

describe('a view of a list', () => {
  test('reads elements and what is in them', async () => {
    const list = mine(manager.list([{ name: 'a', tags: ['x'] }]));
    const seen = mine(view(list));
    await expect(got(seen[0])).resolves.toEqual({ name: 'a', tags: ['x'] });
    await expect(got(seen[0]?.name)).resolves.toBe('a');
    await expect(got(seen.at(0).tags[0])).resolves.toBe('x');
    await expect(got(seen[0]?.tags.length)).resolves.toBe(1);
    await expect(got(loose(list)[-1].name)).resolves.toBe('a');
    await expect(got(seen[7])).resolves.toBeUndefined();
    await expect(got(seen[7]?.name)).rejects.toBeInstanceOf(TypeError);
    await expect(got(seen.length)).resolves.toBe(1);
  });

  test('changes what is nested where it is', async () => {
    const list = mine(manager.list<unknown>([[1], { x: 1 }, new Map([['k', 1]])]));
    const seen = loose(list);
    await expect(got(seen[0].push(2, 3))).resolves.toBe(3);
    seen[1].x = 5;
    await expect(got(seen[1].x)).resolves.toBe(5);
    await seen[2].set('m', 2);
    const map = new Map(Object.entries({ k: 1, m: 2 }));
    await expect(list.toArray()).resolves.toEqual([[1, 2, 3], { x: 5 }, map]);
  });

  test('writes elements', async () => {
    const list = mine(manager.list<unknown>([1, 2]));
    const seen = loose(list);
    seen[0] = 'first';
    await handle(seen).set('-1', 'last');
    oneway(seen)[0] = 'again';
    await expect(list.toArray()).resolves.toEqual(['again', 'last']);
    await expect(handle(seen).set('2', 1)).rejects.toBeInstanceOf(RangeError);
    await expect(handle(seen).set('length', 0)).rejects.toMatchObject({
      name: 'MethodNotExposedError',
    });
    await expect(handle(seen).delete('0')).rejects.toMatchObject({ name: 'MethodNotExposedError' });
    await expect(list.length).resolves.toBe(2);
  });

  test('has the methods of the list, and answers itself', async () => {
    const list = mine(manager.list([2, 1]));
    const seen = mine(view(list));
    expect(await seen.reverse()).toBe(seen);
    await expect(got(seen.slice(0, 1))).resolves.toEqual([1]);
    await expect(got(seen.indexOf(2))).resolves.toBe(1);
    await expect(got(loose(list).nothing)).rejects.toMatchObject({
      name: 'MethodNotExposedError',
      message: expect.not.stringMatching(/Symbol|_chunk/) as string,
    });
  });

  test('a write through it is seen by a sort that compares here', async () => {
    const list = mine(manager.list([3, 1, 2]));
    const seen = loose(list);
    let compared = 0;
    await list.sort((a, b) => {
      if (compared++ === 0) seen[0] = 9;
      return a - b;
    });
    await expect(list.toArray()).resolves.toEqual([1, 2, 9]);
  });

  test('is iterated over', async () => {
    const list = mine(manager.list(['a', 'b', 'c']));
    const seen: string[] = [];
    for await (const item of mine(view(list))) {
      if (item === 'a') await list.push('d');
      seen.push(item);
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
    for await (const _item of mine(view(list))) break;
    await until(async () => (await manager.numberOfObjects()) === 1, 'the iterator to be gone');
  });

  test('takes what the list takes', async () => {
    const list = mine(manager.list<unknown>([[]]));
    const seen = loose(list);
    const refused = { name: 'SerializationError' };
    await expect(got(seen[0].push(() => 1))).rejects.toMatchObject(refused);
    await expect(got(mine(withOptions(seen, {}))[0].push(() => 1))).rejects.toMatchObject(refused);
    await expect(handle(list).set('0', () => 1)).rejects.toMatchObject(refused);
    await seen[0].push(list);
    const inner = (await list.get(0)) as object[];
    expect(sameReferent(mine(inner[0] as object), list)).toBe(true);
  });
});

test('behind sync, a view reads and writes elements, and takes what the list takes', () => {
  const list = mine(manager.list<unknown>([[1]]));
  const blocking: any = mine(sync(mine(view<any>(list) as object)) as object);
  expect(blocking[0]).toEqual([1]);
  blocking[0] = 'written';
  expect(blocking.length).toBe(1);
  expect(blocking.at(0)).toBe('written');
  const again: any = mine(withOptions(blocking as object, {}));
  expect(() => again.push(() => 1)).toThrow(/cannot be copied into a shared object/);
});

describe('a view of', () => {
  test('a dict', async () => {
    const dict = mine(manager.dict<string, number[]>([['a', [1]]]));
    const seen = mine(view(dict));
    await expect(got(seen.get('a').push(2))).resolves.toBe(2);
    await expect(got(seen.get('a'))).resolves.toEqual([1, 2]);
    await expect(got(seen.size)).resolves.toBe(1);
    await expect(got(seen.get('b').push(1))).rejects.toBeInstanceOf(TypeError);
    const entries: unknown[] = [];
    for await (const entry of seen) entries.push(entry);
    expect(entries).toEqual([['a', [1, 2]]]);
  });

  test('a set', async () => {
    const set = mine(manager.set([1, 2]));
    const seen = mine(view(set));
    await expect(got(seen.size)).resolves.toBe(2);
    await expect(got(seen.has(1))).resolves.toBe(true);
    const members: number[] = [];
    for await (const member of seen) members.push(member);
    expect(members).toEqual([1, 2]);
  });

  test('an array', async () => {
    const array = mine(manager.array('i', [1, 2, 3]));
    const seen = mine(view(array));
    await expect(got(seen[2])).resolves.toBe(3);
    await expect(got(seen.length)).resolves.toBe(3);
    loose(array)[0] = 7;
    await expect(handle(seen).set('0', 2 ** 31)).rejects.toBeInstanceOf(RangeError);
    const cells: number[] = [];
    for await (const cell of seen) cells.push(cell);
    expect(cells).toEqual([7, 2, 3]);
  });

  test('a value', async () => {
    const value = mine(manager.value({ items: [1] }));
    await expect(got(mine(view(value)).get().items.push(2))).resolves.toBe(2);
    await expect(value.get()).resolves.toEqual({ items: [1, 2] });
  });

  test('a namespace: attributes are read, methods are called', async () => {
    const namespace = mine(manager.namespace({ l: [1], keys: ['k'], get: 'a text' }));
    const seen = mine(view(namespace));
    await expect(got(seen.l.push(2))).resolves.toBe(2);
    await expect(got(seen.keys[0])).resolves.toBe('k');
    await expect(got(seen.get)).resolves.toBe('a text');
    await expect(got(loose(namespace).get('l'))).resolves.toEqual([1, 2]);
    await expect(got(loose(namespace).keys())).resolves.toEqual(['l', 'keys', 'get']);
    loose(namespace).added = 1;
    await expect(handle(namespace).delete('l')).resolves.toBe(true);
    await expect(handle(namespace).get('l')).resolves.toBeUndefined();
    await expect(namespace.keys()).resolves.toEqual(['keys', 'get', 'added']);
    for (const name of ['_x', '_attributes']) {
      await expect(handle(seen).set(name, 1)).rejects.toMatchObject({
        name: 'MethodNotExposedError',
      });
    }
  });
});

test('a shared object inside keeps what is exposed of it', async () => {
  const inner = mine(manager.dict({ a: [1] }));
  const list = mine(manager.list<DictProxy<string, number[]>>([inner]));
  const seen = loose(list);
  await expect(got(seen[0].get('a').push(2))).resolves.toBe(2);
  await expect(got(seen[0].size)).resolves.toBe(1);
  const read = mine((await seen[0]) as object);
  expect(sameReferent(read, inner)).toBe(true);
  for (const name of ['nothing', 'push', '_map', 'hasOwnProperty']) {
    await expect(handle(seen).call(`0.${name}`)).rejects.toMatchObject({
      name: 'MethodNotExposedError',
    });
  }
  await expect(got(seen[0].push(1))).rejects.toMatchObject({ name: 'MethodNotExposedError' });
  for await (const entry of seen[0]) expect(entry).toEqual(['a', [1, 2]]);
});

test('has a lease of its own', async () => {
  const list = manager.list([1]);
  const seen = view(list) as Remote<number[]>;
  release(list);
  await expect(got(seen[0])).resolves.toBe(1);
  await expect(manager.numberOfObjects()).resolves.toBe(1);
  release(seen);
  expect(() => view({})).toThrow(expect.objectContaining({ name: 'UsageError' }) as Error);
});

test('a view of a view, and of a list made in the same tick', async () => {
  const seen = mine(view<ListProxy<number>>(mine(view(mine(manager.list([1]))))));
  await expect(got(seen.at(0))).resolves.toBe(1);
});

test('of what was made before the manager has started, and of nothing that was released', async () => {
  await using fresh = new Manager({ limits: SHORT_LIMITS });
  const list = fresh.list([[1]]);
  const seen = view(list);
  const again = withOptions(list, {});
  release(list);
  await expect(got(seen.at(0).push(2))).resolves.toBe(2);
  await expect(again.toArray()).resolves.toEqual([[1, 2]]);
  release(seen);
  release(again);
  for (const take of [() => view(list), () => withOptions(list, {})])
    expect(take).toThrow(expect.objectContaining({ code: 'ERR_REFERENT_RELEASED' }) as Error);
  await expectNothingHeld(fresh);
});
