// What CPython asserts of servers that others connect to: _TestRemoteManager and _TestManagerRestart. A
// server in one process, a client in another, this one as a third.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Manager, type Remote, release, sync } from '../../src/index';
import type { Mailbox } from '../fixtures/python';
import { SHORT_LIMITS } from '../support/managers';
import { Child } from '../support/runners';
import { failureOf } from './stage';

jest.setTimeout(60_000);

const file = join(__dirname, '../fixtures/python.ts');
const directory = mkdtempSync(join(tmpdir(), 'referent-test-'));
const authkey = 'a key of its own, sixteen bytes or more';
const values = ['hello world', null, true, 2.25, 'hall\u00e5 v\u00e4rlden', [1, { two: 2 }]];

let server: Child;
let client: Child;

/** Serves until somebody ends it, in the process of the server; resolves with the address. */
function serve(address: string): Promise<string> {
  return server.run(
    async ({ Manager: Type }, state, { module, ...options }) => {
      class Serving extends Type {}
      Serving.register('getMailbox', { module, export: 'getMailbox' });
      const serving = new Serving(options).getServer();
      await serving.listen();
      state.forever = serving.serveForever();
      return serving.address;
    },
    { address, authkey, limits: SHORT_LIMITS, module: file },
  );
}

/** Another process puts `items` into what it gets there. */
function put(address: string, face: 'async' | 'sync', items: unknown[]): Promise<void> {
  return client.run(
    async ({ Manager: Type, sync: blocking }, _state, given) => {
      const there = Type.connect(given.address, { authkey: given.authkey });
      const maker = given.face === 'async' ? there : blocking(there);
      const mailbox = maker.create<Mailbox>('getMailbox');
      for (const item of given.items) await mailbox.put(item);
      await there.close();
    },
    { address, authkey, face, items },
  );
}

async function nothingIsLeft(manager: Manager): Promise<void> {
  await expect(manager.numberOfObjects()).resolves.toBe(0);
  const { sessions } = await manager.inspect();
  expect(sessions).toHaveLength(1);
}

beforeAll(async () => {
  [server, client] = [new Child(), new Child()];
  await Promise.all([server.run(() => 'there'), client.run(() => 'there')]);
});
afterAll(async () => {
  await Promise.all([server.kill(), client.kill()]);
  rmSync(directory, { recursive: true });
});

describe.each([
  ['unix', `unix:${join(directory, 'server')}`],
  ['tcp', 'tcp://127.0.0.1:0'],
])('over %s', (_scheme, wanted) => {
  let address: string;

  beforeAll(async () => {
    address = await serve(wanted);
  });
  afterAll(async () => {
    await Manager.connect(address, { authkey }).shutdown();
    await server.run((_lib, state) => state.forever as Promise<void>);
  });

  test.each(['async', 'sync'] as const)('test_remote, %s', async (face) => {
    await put(address, face, values);
    const manager = Manager.connect(address, { authkey });
    const maker = face === 'async' ? manager : (sync(manager) as unknown as Manager);
    const mailbox: Remote<Mailbox> = maker.create<Mailbox>('getMailbox');
    for (const value of values) expect(await mailbox.get()).toEqual(value);
    const refused = await failureOf(() => mailbox.put(Symbol('not data')));
    expect(refused).toMatchObject({ name: 'SerializationError' });
    expect(await mailbox.get()).toBeUndefined(); // it came to nothing
    release(mailbox);
    await nothingIsLeft(manager);
    await manager.close();
  });

  test('another key is refused', async () => {
    const stranger = Manager.connect(address, {
      authkey: 'another key of sixteen bytes',
      retries: 0,
    });
    const refused = { name: 'AuthenticationError' };
    await expect(stranger.start()).rejects.toMatchObject(refused);
    expect(await failureOf(() => sync(stranger).list().length)).toMatchObject(refused);
    await stranger.close();
  });

  test('test_rapid_restart: what was of the old server says so, the new one works', async () => {
    const old = Manager.connect(address, { authkey });
    const before = old.create<Mailbox>('getMailbox');
    await before.put('old');
    await Manager.connect(address, { authkey }).shutdown();
    await server.run((_lib, state) => state.forever as Promise<void>);
    await expect(serve(address)).resolves.toBe(address);

    const lost = await failureOf(() => before.get());
    expect(lost).toMatchObject({ name: 'ConnectionLostError' });
    const again = Manager.connect(address, { authkey });
    await put(address, 'async', ['new']);
    const after = again.create<Mailbox>('getMailbox');
    const read = [await after.get(), await after.get()];
    expect(read).toEqual(['old', 'new']); // the mailbox is the module's, which stayed
    const late = old.create<Mailbox>('getMailbox'); // the old manager has found its way, too
    expect(await late.get()).toBeUndefined();
    for (const proxy of [before, after, late]) release(proxy);
    await old.close();
    await again.close();
  });
});
