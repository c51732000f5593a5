// referent inspect, ping and stop: what they tell of a manager, and by which exit code.
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Manager, release } from '../../src/index';
import { type Ended, type Serving, Servers, Running, referent } from '../support/command';
import { endManager } from '../support/managers';
import { until } from '../support/until';

jest.setTimeout(30_000);

const TLS = join(__dirname, '../fixtures/tls');

let servers: Servers;

beforeEach(() => {
  servers = new Servers();
});
afterEach(() => servers.end());

function keyFile(name = 'key'): string {
  writeFileSync(servers.path(name), `a key of its own: ${name}\n`, { mode: 0o600 });
  return servers.path(name);
}

async function serveWithKey(address = 'tcp://127.0.0.1:0', ...args: string[]): Promise<Serving> {
  return await servers.start(['--listen', address, '--authkey-file', keyFile(), ...args]);
}

describe('inspect', () => {
  it('shows what a running manager holds', async () => {
    const manager = new Manager();
    const list = manager.list(['seen from outside']);
    await list.length;
    const { stdout } = await referent('inspect', manager.address);
    expect(stdout).toMatch(
      /^sessions 2, objects 1, calls \d+, running \d\n\nSESSION {2}REFERENCES/,
    );
    expect(stdout).toMatch(/\nOBJECT .* VALUE\n\d+ +list +1 +0 +0 +\[ 'seen from outside' \]\n$/);
    const json = await referent('inspect', '--json', manager.address);
    expect(JSON.parse(json.stdout)).toMatchObject({
      objects: [{ typeid: 'list', sessions: 1, text: "[ 'seen from outside' ]" }],
      sessions: [{ references: 1 }, { references: 0 }],
    });
    release(list);
    await endManager(manager);
  });

  it('does not mind a reader that has read enough', async () => {
    const serving = await servers.start();
    const running = new Running(['inspect', serving.address]);
    running.process.stdout?.destroy();
    expect(await running.ended()).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('ping', () => {
  it('tells how long each answer takes', async () => {
    const serving = await servers.start();
    const { stdout } = await referent('ping', serving.address, '--count', '3');
    expect(stdout).toMatch(/^(\d+\.\d{3} ms\n){3}$/);
  });

  it('gives up on a server that says nothing', async () => {
    const serving = await servers.start();
    serving.process.kill('SIGSTOP');
    const ended = await referent('ping', serving.address, '--timeout-ms', '50');
    const stderr = `referent: No answer from ${serving.address} within 50 ms\n`;
    expect(ended).toEqual({ code: 3, stdout: '', stderr });
  });
});

describe('stop', () => {
  it('returns when the address is free', async () => {
    const first = await serveWithKey();
    const stopped = await referent('stop', first.address, '--authkey-file', keyFile());
    expect(stopped).toEqual({ code: 0, stdout: '', stderr: '' });
    const second = await serveWithKey(first.address);
    expect(second.address).toBe(first.address);
    expect((await first.ended()).code).toBe(0);
  });

  it('waits for the calls that run', async () => {
    const types = ['--types', join(__dirname, '../fixtures/served.js')];
    const serving = await servers.start(types);
    const client = Manager.connect(serving.address);
    const work = async () => await client.create<{ work(): Promise<string> }>('Worker').work();
    const call = work();
    await until(() => serving.stderr.includes('working'), 'the call to run');
    const stopping = new Running(['stop', serving.address, '--drain-ms', '20000']);
    await until(
      async () => (await referent('ping', serving.address)).code === 3,
      'no way in',
      9000,
    );
    expect(stopping.process.exitCode).toBeNull();
    serving.process.stdin?.write('stopped\n');
    await expect(call).resolves.toBe('worked until stopped');
    expect((await stopping.ended()).code).toBe(0);
    expect((await serving.ended()).code).toBe(0);
    await client.close();
  });

  it('ends a manager that has an owner too', async () => {
    const manager = new Manager();
    await manager.start();
    const lost = once(manager, 'disconnect');
    expect(await referent('stop', manager.address)).toEqual({ code: 0, stdout: '', stderr: '' });
    await lost;
    await manager.shutdown();
  });
});

describe('where nobody is', () => {
  it.each(['inspect', 'ping', 'stop'])('%s ends with 3', async (name) => {
    const args = ['tcp://127.0.0.1:1', '--authkey-file', keyFile()];
    const { code, stdout, stderr } = await referent(name, ...args);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/^referent: Cannot connect to tcp:.*: nobody listens there; .*\n$/);
  });
});

describe('keys', () => {
  it('that are wrong end with 4, and the server says so', async () => {
    const serving = await serveWithKey();
    const wrong = keyFile('wrong');
    const { code, stderr } = await referent('ping', serving.address, '--authkey-file', wrong);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^referent: Cannot connect to tcp:.*: the manager refused the authkey;/);
    const warning = 'referent: warning: The client does not know the key\n';
    await until(() => serving.stderr === warning, 'the warning');
  });

  it('come from stdin too', async () => {
    const serving = await serveWithKey();
    const running = new Running(['ping', serving.address, '--authkey-file', '-']);
    running.process.stdin?.end('a key of its own: key\n');
    expect((await running.ended()).code).toBe(0);
  });

  it('come from the environment, but not for private addresses', async () => {
    const env = { ...process.env, REFERENT_AUTHKEY_FILE: keyFile() };
    const ping = async ({ address }: Serving): Promise<Ended> =>
      await new Running(['ping', address], { env }).ended();
    const shared = await servers.start(['--listen', 'tcp://127.0.0.1:0'], { env });
    expect(await ping(shared)).toMatchObject({ code: 0, stderr: '' });
    const unshared = await servers.start([], { env });
    expect(await ping(unshared)).toMatchObject({ code: 0, stderr: '' });
  });

  it('that others can read are warned of', async () => {
    const serving = await serveWithKey();
    const file = keyFile();
    chmodSync(file, 0o640);
    expect(await referent('ping', serving.address, '--authkey-file', file)).toMatchObject({
      code: 0,
      stderr: `referent: warning: ${file} can be read by other users; "chmod 600 ${file}" ends that\n`,
    });
  });
});

describe('TLS', () => {
  const file = (name: string): string => join(TLS, name);
  const authority = ['--tls-ca', file('ca.pem')];
  const serve = (...more: string[]): Promise<Serving> =>
    serveWithKey(
      'tls://127.0.0.1:0',
      ...['--tls-cert', file('server.pem'), '--tls-key', file('server.key'), '--quiet', ...more],
    );
  const ping = async ({ address }: Serving, ...args: string[]): Promise<Ended> =>
    await referent('ping', address, '--authkey-file', keyFile(), ...args);

  it('takes the authority of the certificate, and its name', async () => {
    const serving = await serve();
    const name = ['--tls-servername', 'manager.example'];
    expect((await ping(serving, ...authority, ...name)).code).toBe(0);
    expect(await ping(serving)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(
        'give the authority of its certificate as --tls-ca',
      ) as string,
    });
  });

  it('asks clients for a certificate where the server has an authority', async () => {
    const serving = await serve(...authority);
    const own = ['--tls-cert', file('client.pem'), '--tls-key', file('client.key')];
    expect((await ping(serving, ...authority, ...own)).code).toBe(0);
    expect((await ping(serving, ...authority)).code).toBe(4);
  });
});
