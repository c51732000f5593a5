// What a chain costs: its frames counted on a link in memory.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEFAULT_LIMITS } from '../../src/base/limits';
import { Host } from '../../src/host/host';
import { Registry } from '../../src/host/registry';
import { Names } from '../../src/names/names';
import { realm, translator } from '../../src/proxy/realm';
import { type Remote } from '../../src/proxy/remote-types';
import { release } from '../../src/proxy/functions';
import { Connection } from '../../src/session/connection';
import { lossOf } from '../../src/session/loss';
import { FrameReader } from '../../src/transport/frame-reader';
import { memoryPair } from '../../src/transport/memory';
import { type DictProxy } from '../../src/types/dict';
import { type ListProxy } from '../../src/types/list';
import { STANDARD_TYPES, registerStandardProxies } from '../../src/types/standard-types';
import { view } from '../../src/types/view';
import { readFrame } from '../../src/wire/frames';
import { type Counter } from '../fixtures/classes';
import { until } from '../support/until';

const address = 'unix:/tmp/none.sock';
const key = Buffer.alloc(32, 7);

let host: Host;
let connection: Connection;
/** What went over the link since `watch()`: writes and frames by their kinds. */
let sent: string[][];
let answered: string[][];

/** The kinds of the frames in one write. */
function kindsIn(bytes: Buffer): string[] {
  const kinds: string[] = [];
  new FrameReader((buffer, start, end) => {
    kinds.push(readFrame(buffer, start, end).kind);
  }, DEFAULT_LIMITS.messageBytes).push(bytes);
  return kinds;
}

beforeEach(async () => {
  registerStandardProxies();
  const registry = new Registry(STANDARD_TYPES);
  const url = pathToFileURL(join(__dirname, '../fixtures/classes.ts')).href;
  registry.add({ typeid: 'Counter', module: { url, exportName: 'Counter' } });
  const identity = { manager: 'ab'.repeat(16), incarnation: 'cd'.repeat(16) };
  host = new Host({
    address,
    key,
    identity,
    limits: DEFAULT_LIMITS,
    registry,
    names: (objects) => new Names(objects),
  });
  let handshakes = 2; // AUTH goes one way, GREET and WELCOME the other
  connection = new Connection({
    address,
    key: () => key,
    limits: DEFAULT_LIMITS,
    translator,
    lendsInstances: true,
    prepare: () => Promise.resolve(undefined),
    retry: () => Promise.resolve(false),
    describeLoss: (cause) => lossOf(address, cause),
    connectLink: () => {
      const [ours, theirs] = memoryPair();
      const write = ours.write.bind(ours);
      ours.write = (bytes) => {
        if (handshakes === 0) sent.push(kindsIn(bytes));
        write(bytes);
      };
      const answer = theirs.write.bind(theirs);
      theirs.write = (bytes) => {
        if (handshakes > 0) handshakes--;
        else answered.push(kindsIn(bytes));
        answer(bytes);
      };
      host.accept(theirs);
      return Promise.resolve(ours);
    },
  });
  sent = [];
  answered = [];
  await connection.open();
});

afterEach(async () => {
  connection.close();
  await until(() => host.numberOfObjects() === 0, 'nothing to be held');
  expect(connection.session.pendingCalls).toBe(0);
  await host.close();
});

async function makeCounter(): Promise<Remote<Counter>> {
  const lease = connection.lease('Counter');
  connection.session.create(lease, [], 'argument');
  const counter = realm.makeHandle(lease) as Remote<Counter>;
  expect(await counter.total).toBe(0);
  sent = [];
  answered = [];
  return counter;
}

it('a chain in one expression is one write of its calls, and one reply', async () => {
  const counter = await makeCounter();
  expect(await counter.add(1).add(2).add(3).total).toBe(6);
  expect(sent).toEqual([['call', 'call', 'call', 'call']]);
  expect(answered).toEqual([['return']]);
  release(counter);
});

it('a path that ends in a call is one call', async () => {
  const counter = await makeCounter();
  await (counter.items as unknown as { push(item: unknown): Promise<number> }).push({ name: 'x' });
  expect(sent).toEqual([['call']]);
  expect(answered).toEqual([['return']]);
  release(counter);
});

it('an error in the middle of a chain comes out at its end, once', async () => {
  const counter = await makeCounter();
  const chain = counter.add(1) as unknown as {
    nothing(): { add(by: number): { total: Promise<number> } };
  };
  await expect((async () => await chain.nothing().add(1).total)()).rejects.toMatchObject({
    code: 'ERR_REFERENT_METHOD_NOT_EXPOSED',
  });
  expect(answered).toEqual([['throw']]);
  expect(await counter.total).toBe(1);
  release(counter);
});

it('a branch of an answer does not run it twice, and a later member still finds it', async () => {
  const counter = await makeCounter();
  const once = counter.add(5);
  expect(await once.total).toBe(5);
  expect(await once.double).toBe(10);
  expect(await counter.total).toBe(5);
  release(counter);
});

it('calls of one tick leave in one write', async () => {
  const counter = await makeCounter();
  await Promise.all([counter.add(1), counter.add(1), counter.total]);
  expect(sent).toHaveLength(1);
  expect(answered).toHaveLength(1);
  release(counter);
});

it('what a view of a dict is asked is one write and one reply', async () => {
  const lease = connection.lease('dict');
  connection.session.create(lease, [[['a', [1]]]], 'container');
  const dict = realm.makeHandle(lease) as DictProxy<string, number[]>;
  const seen = view(dict);
  expect(await seen.get('a').length).toBe(1);
  sent = [];
  answered = [];
  expect(await seen.get('a').push(2)).toBe(2);
  expect(sent).toEqual([['call', 'call']]);
  expect(answered).toEqual([['return']]);
  release(dict);
  release(seen);
});

it('a path of a view of a list is one call', async () => {
  const lease = connection.lease('list');
  connection.session.create(lease, [[{ tags: ['x'] }]], 'container');
  const list = realm.makeHandle(lease) as ListProxy<{ tags: string[] }>;
  const seen = view(list);
  expect(await seen.length).toBe(1);
  sent = [];
  answered = [];
  expect(await seen[0]?.tags.push('y')).toBe(2);
  expect(sent).toEqual([['call']]);
  expect(answered).toEqual([['return']]);
  release(list);
  release(seen);
});
