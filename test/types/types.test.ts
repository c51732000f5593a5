// What the types say; `npm run typecheck` checks it, nothing here runs.
import {
  type BaseProxy,
  type DictProxy,
  type IteratorProxy,
  type Key,
  type Landed,
  type ListProxy,
  Manager,
  type Remote,
  oneway,
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
  manager.dict<object, number>();
  // @ts-expect-error -- a number is no date
  await entries.set('a', 1);
  // @ts-expect-error -- true is no key of this one
  await entries.has(true);
  for await (const entry of entries) {
    const e: Assert<Equal<typeof entry, [string | number, Date]>> = true;
    void e;
  }
  const keys: Assert<Equal<Key, string | number | bigint | boolean | null | undefined>> = true;
  void [a, b, c, d, keys];
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
  expect([lists, dicts, remotes, landings, managers]).toHaveLength(5);
});
