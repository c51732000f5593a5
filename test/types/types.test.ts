// What the types say; `npm run typecheck` checks it, nothing here runs.
import {
  type ArrayProxy,
  type BaseProxy,
  type DictProxy,
  type IteratorProxy,
  type Key,
  type Landed,
  type ListProxy,
  Manager,
  type NamespaceProxy,
  type QueueProxy,
  type Remote,
  type SetProxy,
  type TakenItem,
  type ValueProxy,
  oneway,
  sync,
  view,
  withOptions,
} from '../../src/index';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Assert<T extends true> = T;

class Point {
  x = 1;
  readonly label?: string;
  move(dx: number, dy = 0): this {
    this.x += dx + dy;
    return this;
  }
  async load(): Promise<{ a: number[] }> {
    return await Promise.resolve({ a: [1] });
  }
  *steps(): Generator<number, string> {
    yield 1;
    return '';
  }
  each(callback: (value: number) => void): void {
    callback(1);
  }
  origin(): this {
    return this;
  }
  static of(x: number): Point {
    return new Point().move(x);
  }
  #hidden = 1;
  get hidden(): number {
    return this.#hidden;
  }
}

declare const manager: Manager;

/** Never called: only its types count. */
async function lists(): Promise<void> {
  const list = manager.list([1, 2]);
  const a: Assert<Equal<typeof list, ListProxy<number>>> = true;
  const at = await list.at(0);
  const b: Assert<Equal<typeof at, number | undefined>> = true;
  const get = await list.get(0);
  const c: Assert<Equal<typeof get, number>> = true;
  const { length } = list;
  const d: Assert<Equal<typeof length, Promise<number>>> = true;
  // @ts-expect-error -- a text is no number
  await list.push('a');
  // @ts-expect-error -- length is read only
  list.length = Promise.resolve(1);
  // @ts-expect-error -- a proxy is no iterable of this process
  for (const item of list) void item;
  for await (const item of list) {
    const e: Assert<Equal<typeof item, number>> = true;
    void e;
  }
  for await (const entry of list.entries({ batch: 2 })) {
    const e: Assert<Equal<typeof entry, [number, number]>> = true;
    void e;
  }
  const nested = manager.list([list]);
  const inner = await nested.get(0);
  const f: Assert<Equal<typeof inner, ListProxy<number>>> = true;
  const untyped = manager.list();
  const g: Assert<Equal<typeof untyped, ListProxy>> = true;
  const sorted = await list.sort((x, y) => x - y);
  const h: Assert<Equal<typeof sorted, ListProxy<number>>> = true;
  const base: BaseProxy = list;
  using disposable: Disposable = list;
  await list.extend(new Set([1]));
  await list.extend(manager.list([3]));
  void [a, b, c, d, f, g, h, base, disposable];
}

/** Never called: only its types count. */
async function dicts(): Promise<void> {
  const entries = manager.dict<string | number, Date>([['a', new Date()]]);
  const a: Assert<Equal<typeof entries, DictProxy<string | number, Date>>> = true;
  const object = manager.dict({ a: 1, b: 2 });
  const b: Assert<Equal<typeof object, DictProxy<string, number>>> = true;
  const got = await entries.get(1);
  const c: Assert<Equal<typeof got, Date | undefined>> = true;
  const map = await entries.toMap();
  const d: Assert<Equal<typeof map, Map<string | number, Date>>> = true;
  // @ts-expect-error -- an object is no key
  manager.dict([[{}, 1]]);
  const inferred = manager.dict([['a', 1]]);
  const f: Assert<Equal<typeof inferred, DictProxy<string, number>>> = true;
  // @ts-expect-error -- a number is no date
  await entries.set('a', 1);
  // @ts-expect-error -- true is no key of this one
  await entries.has(true);
  for await (const entry of entries) {
    const e: Assert<Equal<typeof entry, [string | number, Date]>> = true;
    void e;
  }
  const keys: Assert<Equal<Key, string | number | bigint | boolean | null | undefined>> = true;
  void [a, b, c, d, f, keys];
}

/** Never called: only its types count. */
async function sets(): Promise<void> {
  const inferred = manager.set(['a']);
  const a: Assert<Equal<typeof inferred, SetProxy<string>>> = true;
  const narrow = manager.set<'a' | 'b'>();
  const b: Assert<Equal<typeof narrow, SetProxy<'a' | 'b'>>> = true;
  const untyped = manager.set();
  const c: Assert<Equal<typeof untyped, SetProxy>> = true;
  // @ts-expect-error -- an object is no member
  manager.set([{}]);
  // @ts-expect-error -- a number is no text
  await inferred.add(1);
  const union = await inferred.union(manager.set(['b']));
  const d: Assert<Equal<typeof union, Set<string>>> = true;
  const updated = await inferred.unionUpdate(['b']);
  const e: Assert<Equal<typeof updated, SetProxy<string>>> = true;
  for await (const member of inferred) {
    const f: Assert<Equal<typeof member, string>> = true;
    void f;
  }
  void [a, b, c, d, e];
}

/** Never called: only its types count. */
async function cells(): Promise<void> {
  const value = manager.value(1);
  const a: Assert<Equal<typeof value, ValueProxy<number>>> = true;
  const sum = await value.increment();
  const b: Assert<Equal<typeof sum, number>> = true;
  const small = manager.array('i', [1]);
  const c: Assert<Equal<typeof small, ArrayProxy<number>>> = true;
  const big = manager.array('q', 3);
  const d: Assert<Equal<typeof big, ArrayProxy<bigint>>> = true;
  // @ts-expect-error -- cells of 'q' are bigints
  manager.array('q', [1]);
  // @ts-expect-error -- there is no such typecode
  manager.array('x', 1);
  // @ts-expect-error -- a bigint is no number
  await small.set(0, 1n);
  await small.setSlice(0, new Int32Array(1));
  const slice = await small.slice();
  const e: Assert<Equal<typeof slice, NodeJS.TypedArray>> = true;
  for await (const cell of big) {
    const f: Assert<Equal<typeof cell, bigint>> = true;
    void f;
  }
  void [a, b, c, d, e];
}

/** Never called: only its types count. */
async function namespaces(): Promise<void> {
  const namespace = manager.namespace({ rounds: 1, names: ['a'] });
  const rounds = await namespace.get('rounds');
  const a: Assert<Equal<typeof rounds, number>> = true;
  // @ts-expect-error -- there is no such attribute
  await namespace.get('turns');
  // @ts-expect-error -- a text is no number
  await namespace.set('rounds', 'a');
  const open = manager.namespace();
  await open.set('anything', 1);
  void a;
}

/** Never called: only its types count. */
async function views(): Promise<void> {
  const list = view(manager.list([{ name: 'a', tags: ['x'] }]));
  const name = await list[0]?.name;
  const a: Assert<Equal<typeof name, string | undefined>> = true;
  const pushed = await list.at(0).tags.push('y');
  const b: Assert<Equal<typeof pushed, number>> = true;
  // @ts-expect-error -- a number is no text
  await list.at(0).tags.push(1);
  const dict = view(manager.dict({ a: [1] }));
  const size = await dict.size;
  const c: Assert<Equal<typeof size, number>> = true;
  await dict.get('a').push(2);
  const namespace = view(manager.namespace({ l: [1] }));
  const first = await namespace.l[0];
  const d: Assert<Equal<typeof first, number | undefined>> = true;
  const cell = await view(manager.array('q', 1))[0];
  const e: Assert<Equal<typeof cell, bigint | undefined>> = true;
  for await (const item of list) {
    const f: Assert<Equal<typeof item, { name: string; tags: string[] }>> = true;
    void f;
  }
  using disposable: Disposable = view(manager.set([1]));
  await view<any>(manager.create('x')).whatever();
  void [a, b, c, d, e, disposable];
}

/** Types of the same shape stay apart. Never called: only its types count. */
function apart(): void {
  type Fits<A, B> = A extends B ? true : false;
  const a: Assert<Equal<Fits<DictProxy<string, any>, NamespaceProxy<any>>, false>> = true;
  const b: Assert<Equal<Fits<DictProxy<any, any>, SetProxy<any>>, false>> = true;
  const c: Assert<Equal<Fits<ListProxy<any>, ValueProxy<any>>, false>> = true;
  const d: Assert<Equal<Fits<ListProxy<any>, ArrayProxy<any>>, false>> = true;
  const e: Assert<Equal<Fits<ArrayProxy<any>, ValueProxy<any>>, false>> = true;
  const f: Assert<Equal<Fits<NamespaceProxy<any>, DictProxy<any, any>>, false>> = true;
  void [a, b, c, d, e, f];
}

/** Never called: only its types count. */
async function queues(): Promise<void> {
  const queue = manager.queue<number>(2);
  const a: Assert<Equal<typeof queue, QueueProxy<number>>> = true;
  const got = await queue.get({ timeoutMs: 1 });
  const b: Assert<Equal<typeof got, number>> = true;
  const taken = await queue.take({ blocking: false });
  const c: Assert<Equal<typeof taken, TakenItem<number>>> = true;
  const d: Assert<Equal<typeof taken.item, number>> = true;
  // @ts-expect-error -- a text is no number
  await queue.put('a');
  // @ts-expect-error -- join is not told to block
  await queue.join({ blocking: false });
  const blocking = sync(queue).take();
  const e: Assert<Equal<typeof blocking.item, number>> = true;
  const h: Assert<Equal<ReturnType<typeof blocking.ack>, void>> = true;
  const barrier = manager.barrier(2, { action: () => undefined });
  const { parties, broken } = barrier;
  const f: Assert<Equal<typeof parties, Promise<number>>> = true;
  const g: Assert<Equal<typeof broken, Promise<boolean>>> = true;
  const index: number = sync(barrier).wait();
  const isSet: boolean = sync(manager).event().wait({ timeoutMs: 1 });
  void [a, b, c, d, e, f, g, h, index, isSet];
}

/** Never called: only its types count. */
async function remotes(): Promise<void> {
  const point = manager.create<Point>('Point');
  const a: Assert<Equal<typeof point, Remote<Point>>> = true;
  const x = await point.x;
  const b: Assert<Equal<typeof x, number>> = true;
  const label = await point.label;
  const c: Assert<Equal<typeof label, string | undefined>> = true;
  const loaded = await point.load();
  const d: Assert<Equal<typeof loaded, { a: number[] }>> = true;
  const deep = await point.load().a[0];
  const e: Assert<Equal<typeof deep, number | undefined>> = true;
  const chained: number = await point.origin().origin().x;
  const origin = await point.origin();
  const f: Assert<Equal<typeof origin, Remote<Point>>> = true;
  const steps = await point.steps();
  const g: Assert<Equal<typeof steps, IteratorProxy<number>>> = true;
  await point.each((value: number) => value);
  // @ts-expect-error -- a text is no number
  await point.move('a');
  // @ts-expect-error -- members are written by handle() or oneway()
  point.x = 1;
  // @ts-expect-error -- there is no such member
  await point.nothing;
  // @ts-expect-error -- a root cannot be awaited for its members: it is no promise
  const promise: Promise<unknown> = point;
  oneway(point).x = 1;
  const nothing = oneway(point).move(1);
  const same = withOptions(point, { timeoutMs: 1 });
  const h: Assert<Equal<typeof same, Remote<Point>>> = true;
  // @ts-expect-error -- there is no such option
  withOptions(point, { timeout: 1 });
  const type = manager.create<typeof Point>('type');
  const made = new type();
  const i: Assert<Equal<typeof made, Remote<Point>>> = true;
  const ofX: number = await type.of(1).x;
  const loose = manager.create('whatever');
  void (await loose.anything?.at?.all?.(1, 'a'));
  const any = manager.create<any>('any');
  any.whatever();
  using disposable: Disposable = point;
  void [a, b, c, d, e, f, g, h, i, chained, promise, nothing, ofX, disposable];
}

/** Never called: only its types count. */
function landings(): void {
  const a: Assert<Equal<Landed<Date>, Date>> = true;
  const b: Assert<Equal<Landed<{ plain: number }>, { plain: number }>> = true;
  const c: Assert<Equal<Landed<Map<string, number>>, Map<string, number>>> = true;
  const d: Assert<Equal<Landed<Point>, Remote<Point>>> = true;
  const e: Assert<Equal<Landed<ListProxy<number>>, ListProxy<number>>> = true;
  const f: Assert<Equal<Landed<number | undefined>, number | undefined>> = true;
  const g: Assert<Equal<Landed<Iterator<string>>, IteratorProxy<string>>> = true;
  void [a, b, c, d, e, f, g];
}

/** Never called: only its types count. */
function managers(): void {
  class Mine extends Manager {}
  const mine = Mine.connect('unix:/x', { authkey: 'k', retries: 1 });
  const a: Assert<Equal<typeof mine, Mine>> = true;
  // @ts-expect-error -- there is no such option
  new Manager({ adress: 'unix:/x' });
  // @ts-expect-error -- a typeid is a text
  Manager.register(1, {});
  // @ts-expect-error -- the state is read only
  mine.state = 'shutdown';
  void a;
}

test('the types of the package are checked by the compiler', () => {
  const data = [lists, dicts, sets, cells, namespaces, views, apart];
  expect([...data, queues, remotes, landings, managers]).toHaveLength(11);
});
