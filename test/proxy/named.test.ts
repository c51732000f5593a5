// A use of a named handle whose session ends under it, step by step: what is done again, and what is not.
import { ConnectionLostError, LimitError } from '../../src/base/errors';
import { DEFAULT_LIMITS } from '../../src/base/limits';
import { Host } from '../../src/host/host';
import { Registry } from '../../src/host/registry';
import { type ListProxy, type LockProxy } from '../../src/index';
import { Names } from '../../src/names/names';
import { makeNamed } from '../../src/proxy/named';
import { realm, translator } from '../../src/proxy/realm';
import { type Source } from '../../src/proxy/source';
import { Connection } from '../../src/session/connection';
import { memoryPair } from '../../src/transport/memory';
import { STANDARD_TYPES, registerStandardProxies } from '../../src/types/standard-types';
import { until } from '../support/until';

const key = Buffer.alloc(32, 7);
const address = 'unix:/tmp/none.sock';
const identity = { manager: '12'.repeat(16), incarnation: '34'.repeat(16) };

let host: Host;
let connections: Connection[];
let list: ListReferent;
interface ListReferent {
  length(): number;
  push(item: unknown): number;
}

/** As `Manager.connect` gives one: a new connection where the last one is over. */
const source: Source = {
  place: () => ({ address, manager: identity.manager }),
  connection: () => {
    const last = connections.at(-1);
    if (last !== undefined && last.session.ended === undefined) return last;
    const next = connect();
    connections.push(next);
    next.wake();
    return next;
  },
  makeHandle: (lease, options) => realm.makeHandle(lease, options),
};

function connect(): Connection {
  return new Connection({
    address,
    key: () => key,
    limits: DEFAULT_LIMITS,
    translator,
    lendsInstances: true,
    prepare: async () => undefined,
    retry: async () => false,
    describeLoss: () => new ConnectionLostError('lost'),
    connectLink: async () => {
      const [ours, theirs] = memoryPair();
      host.accept(theirs);
      return ours;
    },
  });
}

/** As a connection that breaks: what has left may have run, the rest has not. */
function lose(): void {
  const lost = (sent: boolean) =>
    new ConnectionLostError('lost', { outcome: sent ? 'unknown' : 'not-sent' });
  connections.at(-1)?.session.end(lost(true), lost);
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeAll(registerStandardProxies);
beforeEach(async () => {
  connections = [];
  host = new Host({
    address,
    key,
    identity,
    limits: { ...DEFAULT_LIMITS, lingerMs: 10 },
    registry: new Registry(STANDARD_TYPES),
    names: (objects) => new Names(objects),
  });
  const made = makeNamed(source, {
    key: 'list',
    create: () => {
      const connection = source.connection();
      const lease = connection.lease('list');
      connection.session.create(lease, [[]], 'container');
      return realm.makeHandle(lease);
    },
  }) as ListProxy;
  await made.length;
  list = host.names.get('list') as ListReferent;
});
afterEach(async () => {
  for (const connection of connections) connection.close();
  host.names.clear();
  await until(() => host.numberOfObjects() === 0, 'nothing to be held');
  await host.close();
});

const handleOf = <T extends object>(name: string): T => makeNamed(source, { key: name }) as T;

test('a call that stayed here is made once more, by the next session', async () => {
  const handle = handleOf<ListProxy<string>>('list');
  await handle.length;
  const pushed = handle.push('a');
  lose(); // before the tick ends
  await expect(pushed).resolves.toBe(1);
  expect([connections.length, list.length()]).toEqual([2, 1]);
});

test('once, and no more', async () => {
  const handle = handleOf<ListProxy<string>>('list');
  await handle.length;
  const pushed = handle.push('a');
  lose();
  await until(() => connections.length === 2, 'the second session');
  const second = connections[1] as Connection;
  await second.open();
  await until(() => second.session.pendingCalls > 0 || list.length() > 0, 'the call');
  await pushed;
  expect(list.length()).toBe(1);
});

test('a call that has left is not', async () => {
  const handle = handleOf<ListProxy<string>>('list');
  await handle.length;
  const pushed = handle.push('a');
  const outcome = expect(pushed).rejects.toMatchObject({ outcome: 'unknown' });
  connections[0]?.session.flush();
  lose();
  await outcome;
  await nextTurn();
  expect(list.length()).toBeLessThanOrEqual(1);
  expect(connections).toHaveLength(1);
});

test('of a use that made several calls nothing is done again', async () => {
  const connection = source.connection();
  const lease = connection.lease('lock');
  connection.session.create(lease, [], 'argument');
  const own = realm.makeHandle(lease);
  await connection.manage('replace', ['lock', own], { path: ['names'] });
  const lock = handleOf<LockProxy>('lock');
  let runs = 0;
  const used = lock.use(() => {
    runs++;
    lose(); // the release will not be sent
  });
  await expect(used).rejects.toMatchObject({ outcome: 'not-sent' });
  expect(runs).toBe(1);
});

test('the question what a name stands for is asked again whether it had left or not', async () => {
  const handle = handleOf<ListProxy<string>>('list');
  const pushed = handle.push('a');
  connections[0]?.session.flush();
  lose();
  await expect(pushed).resolves.toBe(1);
});

test('a name that changes all the time is given up', async () => {
  const handle = handleOf<ListProxy<string>>('list');
  await handle.length;
  let changes = 0;
  const { bind } = host.names;
  host.names.bind = () => void changes++ as undefined; // whatever the client believes
  await expect(handle.push('a')).rejects.toBeInstanceOf(LimitError);
  expect([changes, list.length()]).toEqual([10, 0]);
  host.names.bind = bind;
});
