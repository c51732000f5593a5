// `freeze: true`: a change of what was read, which would be lost, throws.
import { deepFreeze } from '../../src/session/freeze';
import { type BaseProxy, Manager, handle, release, view } from '../../src/index';
import { SHORT_LIMITS, expectNothingHeld } from '../support/managers';
import { shareManager } from '../support/shared';

const manager = new Manager({ limits: SHORT_LIMITS, freeze: true });
const mine = shareManager(manager);
const NESTED = { items: [1, { deep: new Map([['k', [1]]]) }], set: new Set([1]) };

/** Whether all of a copy of `NESTED` is frozen. */
function expectFrozen(copy: unknown): void {
  expect(copy).toEqual(NESTED);
  const { items, set } = copy as typeof NESTED;
  const { deep } = items[1] as { deep: Map<string, number[]> };
  for (const change of [
    () => items.push(2),
    () => (items[0] = 2),
    () => set.add(2),
    () => {
      set.clear();
    },
    () => deep.set('k', []),
    () => deep.delete('k'),
    () => deep.get('k')?.push(2),
  ])
    expect(change).toThrow(/^Cannot /);
  expect(copy).toEqual(NESTED);
}

test('what is read from each of the containers is frozen at every depth', async () => {
  const list = mine(manager.list<unknown>([NESTED]));
  const dict = mine(manager.dict<string, unknown>([['a', NESTED]]));
  const value = mine(manager.value<unknown>(NESTED));
  const namespace = mine(manager.namespace<Record<string, unknown>>({ a: NESTED }));
  const seen = mine(view<any>(list));
  const reads: Promise<unknown>[] = [
    list.get(0),
    list.toArray().then(([item]) => item),
    dict.get('a'),
    dict.toMap().then((map) => map.get('a')),
    value.get(),
    value._getValue(),
    namespace.get('a'),
    handle(list).get('0'),
    seen[0] as Promise<unknown>,
  ];
  for (const copy of await Promise.all(reads)) expectFrozen(copy);
  for await (const item of list) expectFrozen(item);
  for await (const [, item] of dict) expectFrozen(item);
  for await (const item of seen) expectFrozen(item);
});

test('a set that is read is frozen, and what it was made of is not', async () => {
  const members = [1, 2];
  const set = mine(manager.set(members));
  const copy = await set.union([3]);
  expect(() => copy.add(4)).toThrow(/Cannot change a copy/);
  expect([...copy]).toEqual([1, 2, 3]);
  expect(members.push(3)).toBe(3);
});

test('what is frozen can be shared again and copied once more', async () => {
  const list = mine(manager.list<unknown>([NESTED]));
  await list.push(await list.get(0));
  expectFrozen(await list.get(1));
  const own = structuredClone(await list.get(0)) as typeof NESTED;
  expect(own.items.push(2)).toBe(3);
  expect(own.set.add(2).size).toBe(2);
});

test('proxies, cells and bytes inside are left as they are', async () => {
  const inner = mine(manager.list([1]));
  const list = mine(
    manager.list<unknown>([{ inner, cells: new Uint8Array(2), bytes: Buffer.from('ab') }]),
  );
  const copy = (await list.get(0)) as { inner: BaseProxy; cells: Uint8Array; bytes: Buffer };
  mine(copy.inner);
  expect(Object.isFrozen(copy)).toBe(true);
  expect(Object.isFrozen(copy.inner)).toBe(false);
  copy.cells[0] = 1;
  copy.bytes[0] = 99;
  expect([copy.cells[0], copy.bytes.toString()]).toEqual([1, 'cb']);
  const array = mine(manager.array('d', [1]));
  const slice = await array.slice();
  slice[0] = 2;
  expect(slice[0]).toBe(2);
});

test('by default nothing is frozen', async () => {
  await using open = new Manager({ limits: SHORT_LIMITS });
  const list = open.list<number[]>([[1]]);
  expect((await list.get(0)).push(2)).toBe(2);
  for await (const item of list) expect(item.push(2)).toBe(2);
  release(list);
  await expectNothingHeld(open);
});

test('a ring is frozen once', () => {
  const ring: { self?: unknown; map: Map<unknown, unknown> } = { map: new Map() };
  ring.self = ring;
  ring.map.set(ring, ring.map);
  expect(deepFreeze(ring)).toBe(ring);
  expect(() => ring.map.clear()).toThrow(TypeError);
});

test('what is taken out of a queue is the own of who took it', async () => {
  const queue = mine(manager.queue<number[]>());
  await queue.put([1]);
  const item = await queue.get();
  expect(item.push(2)).toBe(2);
});
