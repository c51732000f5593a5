// Pools of managers that others reach over a network: workers are let in, and run what is allowed.
import { Manager, type ManagerOptions, ProcessDiedError, RemoteError } from '../../src/index';
import { authority, clientPair, serverPair } from '../support/certificates';
import { SHORT_LIMITS, expectNothingHeld, isAlive } from '../support/managers';
import { until } from '../support/until';

jest.setTimeout(120_000);

const file = require.resolve('../fixtures/tasks');
const task = (name: string) => ({ module: file, export: name });
const authkey = 'a key of more than sixteen bytes';
const common = { authkey, limits: SHORT_LIMITS, imports: [file] };

async function useAndEnd(manager: Manager): Promise<void> {
  const pool = manager.pool(1, { initializer: task('sqr'), initargs: [1] });
  const list = manager.list<number>();
  const pid = await pool.apply<number>(task('pid'));
  await expect(pool.apply(task('pushTo'), [list, 1, 2])).resolves.toBe(2);
  await expect(pool.map(task('sqr'), [1, 2, 3])).resolves.toEqual([1, 4, 9]);
  await expect(pool.apply(task('fail'))).rejects.toThrow(RangeError);
  await expect(pool.apply(task('unsendable'))).rejects.toBeInstanceOf(RemoteError);
  await pool[Symbol.asyncDispose]();
  expect(isAlive(pid)).toBe(false);
  list[Symbol.dispose]();
  await until(async () => (await manager.inspect()).sessions.length === 1, 'the worker to be gone');
  await expectNothingHeld(manager);
}

describe.each<[string, ManagerOptions, object]>([
  ['tcp', { address: 'tcp://127.0.0.1:0' }, {}],
  ['tcp at all addresses', { address: 'tcp://0.0.0.0:0', insecure: true }, {}],
  ['tls', { address: 'tls://127.0.0.1:0', tls: serverPair }, { tls: { ca: authority } }],
  [
    'mutual tls',
    { address: 'tls://localhost:0', tls: { ...serverPair, ca: authority } },
    { tls: { ca: authority, ...clientPair } },
  ],
])('over %s', (_name, options, connecting) => {
  test('a pool of a child works', async () => {
    await using manager = new Manager({ ...common, ...options });
    await manager.start();
    await useAndEnd(manager);
  });

  test('a pool of a server in this process works', async () => {
    await using serving = new Manager({ ...common, ...options });
    const server = await serving.getServer().listen();
    const address = server.address.replace('0.0.0.0', '127.0.0.1');
    await using client = Manager.connect(address, { authkey, ...connecting });
    await useAndEnd(client);
  });
});

describe('what tasks may run', () => {
  test('over a network, modules that `imports` names, by whatever method', async () => {
    await using manager = new Manager({ ...common, address: 'tcp://127.0.0.1:0' });
    await manager.start();
    const pool = manager.pool(1);
    const other = { module: 'node:path', export: 'basename' };
    const refused = /Cannot load module 'node:path': option "imports"/;
    await expect(pool.apply(other, ['/a/b'])).rejects.toThrow(refused);
    await expect(pool.map(other, ['/a/b'])).rejects.toThrow(refused);
    await expect(pool.applyAsync(other, ['/a/b'])).rejects.toThrow(refused);
    await expect(pool.imap(other, ['/a/b']).next()).rejects.toThrow(refused);
    await expect(pool.apply(task('sqr'), [3])).resolves.toBe(9);
    await pool[Symbol.asyncDispose]();
    const initialized = manager.pool(1, { initializer: other });
    await expect(initialized.apply(task('sqr'), [3])).rejects.toThrow(refused);
    initialized[Symbol.dispose]();
    await expectNothingHeld(manager);
  });

  test('of a private manager, any module', async () => {
    await using manager = new Manager({ limits: SHORT_LIMITS });
    await using pool = manager.pool(1);
    const basename = { module: 'node:path', export: 'basename' };
    await expect(pool.apply(basename, ['/a/b'])).resolves.toBe('b');
  });
});

test('clients lend instances no more than before', async () => {
  await using manager = new Manager({ ...common, address: 'tcp://127.0.0.1:0' });
  await manager.start();
  await using pool = manager.pool(1);
  class Thing {
    readonly name = 'mine';
  }
  await expect(pool.apply(task('sqr'), [new Thing()])).rejects.toThrow(
    /would let the manager call/,
  );
  await expect(pool.apply(task('exit'), [3])).rejects.toBeInstanceOf(ProcessDiedError);
});
