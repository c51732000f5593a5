// referent serve: the line that it prints, what it serves, and how it ends.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConnectionLostError, Manager, type Remote, handle } from '../../src/index';
import { type Serving, Servers, Running, referent } from '../support/command';
import { keepLog } from '../support/log-servers';
import { until } from '../support/until';

jest.setTimeout(30_000);

const authkey = 'a key of more than sixteen bytes';
const FIXTURES = join(__dirname, '../fixtures');

interface Worker {
  work(): Promise<string>;
}

let servers: Servers;
let keyFile: string;

beforeEach(() => {
  servers = new Servers();
  keyFile = servers.path('key');
  writeFileSync(keyFile, `${authkey}\n`, { mode: 0o600 });
});
afterEach(() => servers.end());

const at = (address: string): string[] => ['--listen', address, '--authkey-file', keyFile];
const unixSocket = (): string => `unix:${servers.path('s')}`;

/** A call that runs, made by a client that is not closed. */
async function callOf(serving: Serving): Promise<{ client: Manager; call: Promise<string> }> {
  const client = Manager.connect(serving.address);
  const work = async (): Promise<string> => await client.create<Worker>('Worker').work();
  const call = work();
  call.catch(() => undefined); // who made it says what is to become of it
  await until(() => serving.stderr.includes('working'), 'the call to run');
  return { client, call };
}

describe('the line that it prints', () => {
  it('is the only one, and then a client can connect', async () => {
    const serving = await servers.start();
    expect(serving.stdout).toBe(`referent listening on ${serving.address}\n`);
    const client = Manager.connect(serving.address, { retries: 0 });
    const list = client.list([1]);
    expect(await list.length).toBe(1);
    await client.shutdown();
    expect(await serving.ended()).toEqual({ code: 0, stdout: serving.stdout, stderr: '' });
    expect(existsSync(dirname(serving.address.slice('unix:'.length)))).toBe(false);
  });

  it('has the port that the system chose, in JSON if that is wanted', async () => {
    const serving = await servers.start([...at('tcp://127.0.0.1:0'), '--json']);
    expect(JSON.parse(serving.stdout)).toEqual({
      address: serving.address,
      pid: serving.process.pid,
      version: expect.any(String) as string,
    });
    expect(serving.address).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    const client = Manager.connect(serving.address, { authkey, retries: 0 });
    expect(await client.numberOfObjects()).toBe(0);
    await client.close();
  });

  it('may be all that is read', async () => {
    const serving = await servers.start();
    serving.process.stdout?.destroy();
    serving.process.stderr?.destroy(); // the line of SIGTERM finds nobody
    expect((await referent('ping', serving.address)).code).toBe(0);
    serving.process.kill('SIGTERM');
    expect((await serving.ended()).code).toBe(0);
  });
});

describe('modules', () => {
  it('are files from the working directory, and packages', async () => {
    const args = ['--types', 'served.js', '--types', './classes.ts', '--types', 'node:events'];
    const serving = await servers.start(args, { cwd: FIXTURES });
    const client = Manager.connect(serving.address);
    const counter = client.create<{ sum(...numbers: number[]): number }>('Counter', 1);
    expect(await counter.sum(1, 2)).toBe(3);
    await client.close();
  });

  it('that clients may load are those of --imports', async () => {
    const serving = await servers.start(['--imports', 'node:os', '--imports', './served.js'], {
      cwd: FIXTURES,
    });
    const client = Manager.connect(serving.address);
    const os = client.module<typeof import('node:os')>('node:os');
    expect(await os.EOL).toBe('\n');
    expect(await handle(client.module('./served.js')).keys()).toContain('Worker');
    const fs = client.module<typeof import('node:fs')>('node:fs');
    await expect((async () => await fs.existsSync('/'))()).rejects.toThrow(/it allows node:os/);
    await client.close();
  });

  it.each([
    ['./missing.js', 2, /Cannot find the module ".\/missing.js" of --types: there is no file \//],
    ['no-such-package', 2, /Cannot find the module "no-such-package" from /],
    ['./broken.js', 1, /Cannot load file:.*broken.js.*: broken as it is/],
  ])('%s ends with %d and says why', async (module, code, why) => {
    writeFileSync(servers.path('broken.js'), 'throw new Error("broken as it is")');
    const running = new Running(['serve', '--types', module], { cwd: servers.directory });
    const ended = await running.ended();
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(why);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('the end', () => {
  const types = ['--types', join(FIXTURES, 'served.js')];

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s answers the call that runs, and disposes what is shared',
    async (signal) => {
      const serving = await servers.start([...types, '--drain-ms', '20000']);
      const { client, call } = await callOf(serving);
      serving.process.kill(signal);
      await until(() => serving.stderr.includes(`${signal}: ends when`), 'it to hear the signal');
      await expect(referent('ping', serving.address)).resolves.toMatchObject({ code: 3 });
      serving.process.stdin?.write('the end\n');
      await expect(call).resolves.toBe('worked until the end');
      const { code, stderr } = await serving.ended();
      expect({ code, isDisposed: stderr.includes('disposed') }).toEqual({
        code: 0,
        isDisposed: true,
      });
      expect(existsSync(dirname(serving.address.slice('unix:'.length)))).toBe(false);
      await client.close();
    },
  );

  it('comes at once with the second signal', async () => {
    const serving = await servers.start([...types, '--drain-ms', '20000']);
    const { client, call } = await callOf(serving);
    serving.process.kill('SIGTERM');
    await until(() => serving.stderr.includes('SIGTERM: ends when'), 'it to hear the signal');
    serving.process.kill('SIGTERM');
    await expect(call).rejects.toBeInstanceOf(ConnectionLostError);
    expect((await serving.ended()).code).toBe(143);
    expect(existsSync(dirname(serving.address.slice('unix:'.length)))).toBe(false);
    await client.close();
  });

  it('cuts off what runs longer than it may', async () => {
    const serving = await servers.start([...types, '--drain-ms', '0']);
    const { client, call } = await callOf(serving);
    serving.process.kill('SIGTERM');
    await expect(call).rejects.toThrow('it was shut down');
    expect((await serving.ended()).code).toBe(0);
    await client.close();
  });

  it('waits for no call that waits itself', async () => {
    const serving = await servers.start(['--drain-ms', '20000']);
    const client = Manager.connect(serving.address);
    const waiting = client.queue().get();
    waiting.catch(() => undefined);
    await client.ping(); // after the call
    const start = performance.now();
    serving.process.kill('SIGTERM');
    await expect(waiting).rejects.toBeInstanceOf(ConnectionLostError);
    expect((await serving.ended()).code).toBe(0);
    expect(performance.now() - start).toBeLessThan(15_000);
    await client.close();
  });

  it('is not kept off by what a referent left running', async () => {
    const serving = await servers.start(types);
    const client = Manager.connect(serving.address);
    const restless: Remote<unknown[]> = client.create<unknown[]>('restless');
    await restless.length;
    serving.process.kill('SIGTERM');
    expect((await serving.ended()).code).toBe(0);
    await client.close();
  });

  it('is not told with --quiet', async () => {
    const serving = await servers.start(['--quiet']);
    serving.process.kill('SIGTERM');
    expect(await serving.ended()).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('the address', () => {
  it.each([
    ['socket', unixSocket],
    ['port', () => 'tcp://127.0.0.1:0'],
  ])('of a killed server can be served again at once: %s', async (_kind, address) => {
    const killed = await servers.start(at(address()));
    const client = Manager.connect(killed.address, { authkey });
    await client.start(); // a connection that is there when it dies
    killed.process.kill('SIGKILL');
    await killed.ended();
    const next = await servers.start(at(killed.address));
    expect(next.address).toBe(killed.address);
    const ping = await referent('ping', next.address, '--authkey-file', keyFile);
    expect(ping).toMatchObject({ code: 0, stderr: '' });
    next.process.kill('SIGTERM');
    expect((await next.ended()).code).toBe(0);
    expect(existsSync(servers.path('s'))).toBe(false);
    await client.close();
  });

  it.each([
    ['socket', unixSocket],
    ['port', () => 'tcp://127.0.0.1:0'],
  ])('stays that of a server that runs: %s', async (_kind, address) => {
    const first = await servers.start(at(address()));
    const second = await referent('serve', ...at(first.address));
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(/^referent: Cannot listen on .*: another process listens there/);
    const ping = await referent('ping', first.address, '--authkey-file', keyFile);
    expect(ping.code).toBe(0);
  });

  it('is not taken from a file of another kind', async () => {
    writeFileSync(servers.path('s'), 'precious');
    const { code, stderr } = await referent('serve', ...at(unixSocket()));
    expect(code).toBe(1);
    expect(stderr).toContain('a file of another kind');
    expect(readFileSync(servers.path('s'), 'utf8')).toBe('precious');
  });
});

describe('what it tells others', () => {
  it('goes to the log server of --log, under the name of --name, from --log-level on', async () => {
    await using log = await keepLog();
    const { address } = log.server;
    const args = [...at(unixSocket()), '--log', address, '--log-level', 'warn', '--name', 'depot'];
    const serving = await servers.start(args);
    const stranger = Manager.connect(serving.address, { authkey: 'x'.repeat(20), retries: 0 });
    await expect(stranger.ping()).rejects.toThrow('refused the authkey');
    await log.reached(1);
    expect(log.records).toMatchObject([{ process: 'depot', source: 'manager', level: 'warn' }]);
    const client = Manager.connect(serving.address, { authkey, retries: 0 });
    await client.shutdown();
    expect((await serving.ended()).code).toBe(0);
  });

  it('is carried by the serializer of --serializer', async () => {
    const serving = await servers.start(['--serializer', 'json']);
    const client = Manager.connect(serving.address, { serializer: 'v8', retries: 0 });
    using list = client.list([new Map([['a', 1]])]);
    await expect(list.length).rejects.toThrow('v8');
    await client.close();
    expect(await referent('serve', '--serializer', 'xml')).toMatchObject({ code: 2, stdout: '' });
  });
});
