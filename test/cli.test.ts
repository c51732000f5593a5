// The command, run as users run it.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Manager, release, version } from '../src/index';
import { serverPair } from './support/certificates';
import { endManager } from './support/managers';

jest.setTimeout(30_000);

const run = promisify(execFile);
const LOADER = ['-r', 'ts-node/register/transpile-only', join(__dirname, '../src/cli.ts')];
const referent = (...args: string[]): Promise<{ stdout: string }> =>
  run(process.execPath, [...LOADER, ...args]);

it('tells its version, and helps', async () => {
  expect((await referent('version')).stdout).toBe(`referent ${version}, protocol 2\n`);
  expect((await referent('--help')).stdout).toMatch(/^Usage: referent COMMAND/);
});

it('shows what a running manager holds', async () => {
  const manager = new Manager();
  const list = manager.list(['seen from outside']);
  await list.length;
  const { stdout } = await referent('inspect', manager.address);
  expect(stdout).toContain("'list' held by 1 sessions");
  expect(stdout).toContain('seen from outside');
  expect((await referent('ping', manager.address)).stdout).toMatch(/^\d+\.\d{3} ms\n$/);
  release(list);
  await endManager(manager);
});

it('reaches a manager over TLS, by its key and its authority', async () => {
  const tls = join(__dirname, 'fixtures/tls');
  const authkey = readFileSync(join(tls, 'client.pem'), 'utf8').trim(); // any file will do
  const manager = new Manager({ address: 'tls://127.0.0.1:0', authkey, tls: serverPair });
  const server = await manager.getServer().listen();
  const files = ['--authkey-file', join(tls, 'client.pem'), '--ca', join(tls, 'ca.pem')];
  expect((await referent('ping', server.address, ...files)).stdout).toMatch(/ ms\n$/);
  await server.close();
});

it.each([
  [['nonsense'], /Unknown command "nonsense"/],
  [['inspect'], /needs an address/],
  [['ping', 'unix:/tmp/nobody-listens-here'], /nobody listens there|authkey/],
])('%j ends with 1 and says why', async (args, why) => {
  await expect(referent(...args)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(why) as string,
  });
});
