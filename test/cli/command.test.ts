// The command line itself: help, keys, and what is told of a wrong one.
import { readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { find } from '../../src/cli/help';
import { tableOf } from '../../src/cli/table';
import { version } from '../../src/index';
import { Servers, referent } from '../support/command';

const NAMES = ['serve', 'stop', 'inspect', 'ping', 'key', 'version', 'help'];
const DOCUMENT = readFileSync(join(__dirname, '../../docs/command.md'), 'utf8');

jest.setTimeout(30_000);

let servers: Servers;

beforeEach(() => {
  servers = new Servers();
});
afterEach(() => servers.end());

describe('help', () => {
  it('lists the commands and the exit codes', async () => {
    const { code, stdout, stderr } = await referent('help');
    expect([code, stderr]).toEqual([0, '']);
    for (const name of NAMES) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    expect(stdout).toMatch(/^ {2}3 {2}nobody answers at the address$/m);
    expect((await referent('--help')).stdout).toBe(stdout);
  });

  it.each(NAMES)('%s: the same by its flag, and all of it is documented', async (name) => {
    const { stdout } = await referent('help', name);
    expect(stdout).toMatch(new RegExp(`^Usage: referent ${name}`));
    expect((await referent(name, '--help')).stdout).toBe(stdout);
    const flags = Object.keys(find(name).flags);
    const missing = flags.filter((flag) => !DOCUMENT.includes(`--${flag}`));
    expect({ name, missing }).toEqual({ name, missing: [] });
    expect(DOCUMENT).toContain(`referent ${name}`);
  });

  it('tells the version', async () => {
    const { stdout } = await referent('version');
    expect(stdout).toMatch(
      new RegExp(`^referent ${version.replaceAll('.', '\\.')}, protocol \\d+\\n$`),
    );
    expect((await referent('--version')).stdout).toBe(stdout);
  });
});

describe('a command line that is wrong', () => {
  it.each<[string[], string]>([
    [[], 'Say what to do: serve, stop, inspect, ping, key, version, help'],
    [['nonsense'], 'Unknown command "nonsense"; a command comes first, and there are: serve, '],
    [['--debug', 'ping'], 'Unknown command "--debug"; a command comes first'],
    [['ping', '--nonsense'], `Unknown option '--nonsense'; "referent ping --help" tells`],
    [['serve', '--listen'], `Option '--listen <value>' argument missing; "referent serve --help"`],
    [['serve', 'tcp://127.0.0.1:0'], `Unexpected argument 'tcp://127.0.0.1:0'; "referent serve`],
    [['ping', 'unix:/a', 'unix:/b'], `Unexpected argument 'unix:/b'`],
    [['inspect'], 'referent inspect needs an address: unix:/path or tcp://host:port'],
    [['stop', 'nowhere'], 'Bad address "nowhere": an address is '],
    [['ping', 'unix:/tmp/nobody'], 'The manager at unix:/tmp/nobody needs a key: --authkey-file'],
    [['serve', '--listen', 'tcp://127.0.0.1:0'], 'The manager at tcp://127.0.0.1:0 needs a key'],
    [['serve', '--authkey-file', '/no/such/file'], 'Cannot read /no/such/file: ENOENT'],
    [['serve', '--drain-ms', 'soon'], '--drain-ms must be a whole number, and not "soon"'],
    [['ping', 'unix:/a', '--count', '-1'], `Option '--count' argument is ambiguous; "ref`],
    [['key'], 'referent key needs the name of a file'],
    [['help', 'nonsense'], 'Unknown command "nonsense"'],
  ])('%j ends with 2 and says what to write', async (args, why) => {
    const { code, stdout, stderr } = await referent(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.startsWith(`referent: ${why}`)).toBe(true);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    ['tcp://0.0.0.0:0', 'takes TLS (tls://0.0.0.0:0), or --insecure where the network is trusted'],
    ['tls://0.0.0.0:0', 'give a certificate, --tls-cert and --tls-key'],
  ])('%s is refused in the words of the command line', async (address, why) => {
    const file = servers.path('key');
    await referent('key', file);
    const { code, stderr } = await referent('serve', '--listen', address, '--authkey-file', file);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(why) as string });
  });

  it('shows where the error comes from with --debug', async () => {
    const { stderr } = await referent('ping', 'nowhere', '--debug');
    expect(stderr).toMatch(/^referent: Bad address .*\nUsageError.*\n {4}at /);
  });
});

describe('key', () => {
  it('makes one that only its user can read', async () => {
    const file = servers.path('key');
    expect(await referent('key', file)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('takes nothing that is there, links included', async () => {
    const file = servers.path('link');
    symlinkSync(servers.path('elsewhere'), file);
    const { code, stderr } = await referent('key', file);
    expect(code).toBe(1);
    expect(stderr).toContain('EEXIST');
  });
});

it('tables have a line for each row, whatever is in it', () => {
  const table = tableOf(
    ['ID', 'TEXT', ''],
    [
      [1, 'two\nlines', ''],
      [222, '\x1b[2J', 'x'],
    ],
  );
  expect(table).toBe('ID   TEXT\n1    two lines\n222   [2J       x');
  expect(tableOf(['ID'], [])).toBe('');
});
