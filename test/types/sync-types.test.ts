// What the types of `sync` say; `npm run typecheck` checks it, nothing here runs.
import {
  type ArrayProxy,
  type DictProxy,
  type ListProxy,
  type LockHandle,
  type LockProxy,
  type Manager,
  type NamespaceProxy,
  type PoolProxy,
  type QueueProxy,
  type SetProxy,
  type Sync,
  type SyncLockHandle,
  type SyncManager,
  type SyncRemote,
  type ValueProxy,
  sync,
} from '../../src/index';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Assert<T extends true> = T;
/** Each can stand for the other; `any` can do that with everything, and so it is no match. */
type IsAny<T> = 0 extends 1 & T ? true : false;
type Same<A, B> = true extends IsAny<A> | IsAny<B> ? false : [A, B] extends [B, A] ? true : false;
/** None of the members is `any`, nor do their methods answer it. */
type Leaks<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => infer R ? IsAny<R> : IsAny<T[K]>;
}[keyof T];

class Counter {
  total = 1;
  readonly options: { readonly step: number } = { step: 1 };
  add(by: number): this {
    this.total += by;
    return this;
  }
  async load(): Promise<string[]> {
    return await Promise.resolve([]);
  }
  *steps(): Generator<number> {
    yield 1;
  }
}

declare const manager: Manager;
declare const shared: SyncManager;

/** Never called: only its types count. */
function containers(): void {
  const list = shared.list([1, 2]);
  type List = Sync<ListProxy<number>>;
  const item = list[0];
  const length = list.length;
  const popped = list.pop();
  const copied = [...list];
  list[1] = 5;
  // @ts-expect-error -- a text is no number
  list[1] = 'x';
  // @ts-expect-error -- a text is no number
  list.push('x');
  // @ts-expect-error -- there are no promises to wait for
  void list.toArray().then;
  const entries = [...list.entries()];

  const dict = sync(manager.dict<number>({ a: 1 }));
  const found = dict.get('a');
  const pairs = [...dict];
  const map = dict.toMap();
  // @ts-expect-error -- entries are no members
  void dict.a;

  const set = sync(manager.set(['a']));
  const union = set.union(['b']);
  const members = [...set];

  const namespace = sync(manager.namespace({ a: 1, b: 'x' }));
  const attribute = namespace.a;
  namespace.b = 'y';
  // @ts-expect-error -- of another type
  namespace.a = 'y';
  // @ts-expect-error -- there is none
  void namespace.c;

  const array = shared.array('q', [1n]);
  const cell = array[0];
  // @ts-expect-error -- cells of 'q' are bigints
  array.set(0, 1);

  const value = shared.value(5);
  const old = value.get();
  const lock = value.getLock();

  type Checks = [
    Assert<Same<typeof list, List>>,
    Assert<Same<typeof item, number | undefined>>,
    Assert<Equal<typeof length, number>>,
    Assert<Same<typeof popped, number | undefined>>,
    Assert<Same<typeof copied, number[]>>,
    Assert<Same<typeof entries, [number, number][]>>,
    Assert<Same<typeof dict, Sync<DictProxy<string, number>>>>,
    Assert<Same<typeof found, number | undefined>>,
    Assert<Same<typeof pairs, [string, number][]>>,
    Assert<Same<typeof map, Map<string, number>>>,
    Assert<Same<typeof union, Set<string>>>,
    Assert<Same<typeof members, string[]>>,
    Assert<Same<typeof attribute, number>>,
    Assert<Same<typeof cell, bigint | undefined>>,
    Assert<Same<typeof array, Sync<ArrayProxy<bigint>>>>,
    Assert<Same<typeof old, number>>,
    Assert<Same<typeof lock, Sync<LockProxy>>>,
  ];
  type NothingLeaks = [
    Assert<Equal<Leaks<List>, false>>,
    Assert<Equal<Leaks<Sync<DictProxy<string, number>>>, false>>,
    Assert<Equal<Leaks<Sync<SetProxy<string>>>, false>>,
    Assert<Equal<Leaks<Sync<ValueProxy<number>>>, false>>,
    Assert<Equal<Leaks<Sync<ArrayProxy<bigint>>>, false>>,
    Assert<Equal<Leaks<Sync<NamespaceProxy<{ a: number }>>>, false>>,
    Assert<Equal<Leaks<Sync<QueueProxy<number>>>, false>>,
    Assert<Equal<Leaks<Sync<LockProxy>>, false>>,
  ];
  void (0 as unknown as [Checks, NothingLeaks]);
}

function waiting(): void {
  const queue = shared.queue<number>();
  const got = queue.get({ timeoutMs: 5 });
  const taken = queue.take();
  const nothing = taken.ack();

  const lock = sync(manager.lock());
  const handle = lock.acquire();
  using again = lock.acquire();
  void again;
  const maybe = lock.tryAcquire();
  const used = lock.use((held) => held.fence);
  const isHeld = shared.condition(lock).waitFor(() => true);

  const pool = shared.pool(2);
  const result = pool.applyAsync<number>('module');
  const answer = result.get();
  const mapped = pool.map<string>('module', [1]);

  type Checks = [
    Assert<Same<typeof got, number>>,
    Assert<Same<typeof taken.item, number>>,
    Assert<Equal<typeof nothing, void>>,
    Assert<Same<typeof handle, SyncLockHandle>>,
    Assert<Same<typeof handle, Sync<LockHandle>>>,
    Assert<Same<ReturnType<typeof handle.release>, void>>,
    Assert<Same<typeof maybe, SyncLockHandle | undefined>>,
    Assert<Same<typeof used, number>>,
    Assert<Equal<typeof isHeld, boolean>>,
    Assert<Same<typeof pool, Sync<PoolProxy>>>,
    Assert<Same<ReturnType<typeof result.ready>, boolean>>,
    Assert<Same<typeof answer, number>>,
    Assert<Same<typeof mapped, string[]>>,
  ];
  void (0 as unknown as Checks);
}

function remotes(): void {
  const counter = shared.create<Counter>('Counter');
  const other = sync(manager.create<Counter>('Counter'));
  const total = counter.total;
  const step = counter.options.step;
  const chained = counter.add(1).add(2).total;
  const loaded = counter.load();
  counter.total = 5;
  // @ts-expect-error -- a member of another type
  counter.total = 'x';
  // @ts-expect-error -- there is none
  void counter.nope;
  const unknown = shared.create('Counter');
  void unknown;

  type Checks = [
    Assert<Same<typeof counter, SyncRemote<Counter>>>,
    Assert<Same<typeof other.total, number>>,
    Assert<Same<typeof total, number>>,
    Assert<Same<typeof step, number>>,
    Assert<Same<typeof chained, number>>,
    Assert<Same<typeof loaded, string[]>>,
    Assert<Equal<Leaks<SyncRemote<Counter>>, false>>,
  ];
  void (0 as unknown as Checks);
}

it('compiles', () => {
  expect([containers, waiting, remotes].every((check) => check.length === 0)).toBe(true);
});
