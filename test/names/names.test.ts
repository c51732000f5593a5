// The names of a host, without a network: what they stand for, how long, and who makes what is missing.
import { ObjectGoneError, UsageError } from '../../src/base/errors';
import { Names } from '../../src/names/names';
import { ObjectTable, Row } from '../../src/refs/objects';
import { type Exposure, openExposure } from '../../src/session/exposure';
import { FakeClient, microtasks } from '../support/fake-client';

let disposed: object[];
let objects: ObjectTable<Exposure>;
let now: number;
let names: Names;

beforeEach(() => {
  disposed = [];
  now = 1000;
  objects = new ObjectTable<Exposure>((referent) => disposed.push(referent));
  names = new Names(objects, () => now);
});
afterEach(() => {
  names.clear();
  expect(objects.held).toBe(0);
});

/** An object that the host shares already. */
function shared(typeid = 'thing', owned = false): object {
  const object = { typeid };
  const row = new Row(objects.nextId(), object, { typeid, exposure: openExposure(typeid), owned });
  objects.add(row);
  return object;
}
const rowOf = (object: object): Row<Exposure> => objects.rowOf(object) as Row<Exposure>;

describe('a name', () => {
  it('stands for a shared object, which it keeps alive', () => {
    const object = shared();
    names.replace('key', object);
    expect(names.get('key')).toBe(object);
    expect(objects.held).toBe(1);
    expect(names.bind('key', 'thing')?.referent).toBe(object);
    expect(names.delete('key')).toBe(true);
    expect(objects.held).toBe(0);
    expect(names.delete('key')).toBe(false);
  });

  it.each([undefined, null, 0, '', { a: [1] }])('stands for the plain value %p', (value) => {
    names.replace('key', value);
    expect(names.has('key')).toBe(true);
    expect(names.get('key')).toBe(value);
    expect(names.bind('key', 'object')).toBeUndefined();
    expect(() => names.ask('key', true)).toThrow(UsageError);
    expect(objects.held).toBe(0);
  });

  it('can be any primitive', () => {
    const keys = ['', 'text', 0, NaN, 7n, true, false, null, undefined];
    for (const key of keys) names.replace(key, 1);
    expect(names.keys()).toEqual(keys);
    for (const key of keys) expect(names.has(key)).toBe(true);
    expect(names.has(7)).toBe(false);
  });

  it.each([{}, [], () => 1, Symbol('s')])('cannot be %p', (key) => {
    expect(() => names.replace(key as never, 1)).toThrow(UsageError);
    expect(() => names.desk.has(key as never)).toThrow('A name is a text');
  });

  it('that is not there says what to do', () => {
    expect(() => names.get('key')).toThrow(ObjectGoneError);
    expect(() => names.ask('key', false)).toThrow(/Nothing has the name 'key': give a factory/);
  });

  it('lets go of what it stood for when it is replaced, and an owned object is disposed', () => {
    const [first, second] = [shared('pool', true), shared()];
    names.replace('key', first);
    names.replace('key', first);
    expect(disposed).toEqual([]);
    names.replace('key', second);
    expect(disposed).toEqual([first]);
    expect(names.bind('key', 'pool')).toBeUndefined();
    expect(names.bind('key', 'thing')?.referent).toBe(second);
  });

  it('is given to a live object by its own process, with what may be reached of it', () => {
    const live = { answer: () => 42, _hidden: 1 };
    const exposure = { ...openExposure('object'), names: new Set(['answer']) };
    names.publish('live', live, exposure);
    expect(names.get('live')).toBe(live);
    expect(names.bind('live', 'object')?.exposure).toBe(exposure);
    names.publish('again', live);
    expect(objects.held).toBe(1);
    const plain = 5 as unknown as object;
    expect(() => names.publish('plain', plain)).toThrow("can be published as 'plain'");
    expect(names.has('plain')).toBe(false);
  });
});

describe('a name with a time', () => {
  const make = (options: object): FakeClient => {
    const client = new FakeClient();
    const { order } = client.call(() => names.ask('key', true)).value as { order: number };
    client.calls[0]?.confirm(true);
    client.call(() => names.supply('key', order, shared(), options));
    return client;
  };

  it('ends when it was not used for so long', () => {
    make({ ttlMs: 100 });
    now += 99;
    expect(names.has('key')).toBe(true);
    now += 1;
    expect(names.has('key')).toBe(false);
    expect(objects.held).toBe(0);
  });

  it('is renewed by its use, and not by looking whether it is there', () => {
    make({ ttlMs: 100 });
    now += 60;
    names.get('key');
    now += 60;
    names.bind('key', 'thing');
    now += 60;
    expect(names.has('key')).toBe(true);
    expect(names.keys()).toEqual(['key']);
    now += 60;
    expect(names.keys()).toEqual([]);
  });

  it('does not end while somebody has a proxy of its object, or a token', () => {
    make({ ttlMs: 100 });
    const row = rowOf(names.get('key') as object);
    for (const pin of ['sessions', 'tickets'] as const) {
      objects.pin(row, pin);
      for (let second = 0; second < 3; second++) {
        now += 1000;
        names.sweep();
      }
      objects.unpin(row, pin);
      now += 99;
      expect(names.has('key')).toBe(true);
    }
    now += 1;
    names.sweep();
    expect(names.has('key')).toBe(false);
  });

  it('that is replaced has none any more', () => {
    make({ ttlMs: 100 });
    names.replace('key', shared());
    now += 1000;
    expect(names.has('key')).toBe(true);
  });
});

describe('a name that belongs to its maker', () => {
  it('ends with the session of the maker, unless it was replaced', async () => {
    for (const isReplaced of [false, true]) {
      const client = new FakeClient();
      const { order } = client.call(() => names.ask('key', true)).value as { order: number };
      client.calls[0]?.confirm(true);
      client.call(() => names.supply('key', order, shared(), { owned: true }));
      if (isReplaced) names.replace('key', 1);
      client.die();
      await microtasks();
      expect(names.has('key')).toBe(isReplaced);
      expect(client.caller.holdings).toBe(0);
    }
  });
});

describe('get or create', () => {
  const ask = (client: FakeClient, key = 'key') => client.call(() => names.ask(key, true));
  const orderOf = (call: { value: unknown }): number => (call.value as { order: number }).order;

  it('gives one order, and tells the others what came of it', async () => {
    const clients = [new FakeClient(), new FakeClient(), new FakeClient()] as const;
    const [first, second, third] = clients.map((client) => ask(client));
    expect([first?.state, second?.state, third?.state]).toEqual(['returned', 'waits', 'waits']);
    first?.confirm(true);
    const object = shared();
    expect(names.supply('key', orderOf(first!), object)).toBe('thing');
    await microtasks();
    expect([second?.value, third?.value]).toEqual(['thing', 'thing']);
    expect(names.ask('key', true)).toBe('thing');
    for (const client of clients) expect(client.caller.holdings).toBe(0);
  });

  it('does not make one name wait for another', () => {
    ask(new FakeClient(), 'slow');
    expect(ask(new FakeClient(), 'fast').state).toBe('returned');
    names.replace('third', 1);
    expect(names.get('third')).toBe(1);
  });

  it.each(['gives it back', 'dies', 'never received it'] as const)(
    'passes the order on when its receiver %s',
    async (what) => {
      const [maker, next] = [new FakeClient(), new FakeClient()];
      const first = ask(maker);
      const second = ask(next);
      const order = orderOf(first);
      if (what === 'never received it') first.confirm(false);
      else first.confirm(true);
      if (what === 'gives it back') names.giveUp('key', order);
      if (what === 'dies') maker.die();
      await microtasks();
      expect(second.state).toBe('returned');
      expect(orderOf(second)).not.toBe(order);
      second.confirm(true);
      expect(names.supply('key', order, shared())).toBeUndefined(); // it has lost the order
      names.giveUp('key', order);
      expect(names.supply('key', orderOf(second), shared('list'))).toBe('list');
    },
  );

  it('passes it over who has given up or is gone, and starts anew where nobody waits', async () => {
    const [maker, quitter, dead, heir] = [0, 1, 2, 3].map(() => new FakeClient()) as FakeClient[];
    const first = ask(maker!);
    const others = [ask(quitter!), ask(dead!), ask(heir!)];
    others[0]?.cancel();
    dead?.die();
    first.confirm(true);
    maker?.die();
    await microtasks();
    expect(others.map(({ state }) => state)).toEqual(['threw', 'threw', 'returned']);
    heir?.die(); // with the order in its hands
    const late = ask(new FakeClient());
    expect(late.state).toBe('returned');
    names.giveUp('key', orderOf(late));
    expect(ask(new FakeClient()).state).toBe('returned');
  });

  it('does not wait for the maker once the name has something', async () => {
    const [maker, waiter] = [new FakeClient(), new FakeClient()];
    const first = ask(maker);
    first.confirm(true);
    const second = ask(waiter);
    const object = shared('dict');
    names.replace('key', object);
    await microtasks();
    expect(second.value).toBe('dict');
    expect(names.supply('key', orderOf(first), shared())).toBe('dict'); // too late: nothing changed
    expect(names.get('key')).toBe(object);
    expect(maker.caller.holdings).toBe(0);
  });

  it('refuses what is no shared object, and the order stays where it is', () => {
    const first = ask(new FakeClient());
    first.confirm(true);
    expect(() => names.supply('key', orderOf(first), { plain: 1 })).toThrow(
      /must answer a proxy of this manager/,
    );
    expect(names.supply('key', orderOf(first), shared())).toBe('thing');
  });

  it('tells those who wait that a plain value came', async () => {
    ask(new FakeClient());
    const second = ask(new FakeClient());
    names.replace('key', 5);
    await microtasks();
    expect(second.state).toBe('threw');
    expect(second.value).toBeInstanceOf(UsageError);
  });

  it('keeps to limits.waiters', () => {
    const client = new FakeClient(1);
    const calls = [ask(client), ask(client), ask(client)];
    expect(calls.map(({ state }) => state)).toEqual(['returned', 'waits', 'threw']);
  });
});
