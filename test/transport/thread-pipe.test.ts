// A thread with a socket, for a thread that blocks: this one, while the server is another process.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadArguments } from '../../src/process/child';
import { parseAddress } from '../../src/transport/address';
import { PipeEnd } from '../../src/transport/sync-pipe';
import { THREAD_ENTRY, ThreadPipe } from '../../src/transport/thread-pipe';

/** Greets, answers in capitals, and closes at "quit"; "silent" says nothing. Counts what it was sent. */
const SERVER = `
  const { createServer } = require('node:net');
  const [path, role] = process.argv.slice(1);
  createServer((socket) => {
    if (role === 'silent') return;
    socket.write('hello');
    socket.on('data', (bytes) => {
      if (String(bytes).endsWith('quit')) socket.end();
      else socket.write(String(bytes).toUpperCase());
    });
    socket.on('end', () => console.log('ended'));
  }).listen(path, () => console.log('listens'));`;

let directory: string;
let server: ChildProcess;
let path: string;

async function start(role = 'echo'): Promise<void> {
  server = spawn(process.execPath, ['-e', SERVER, path, role], { stdio: ['ignore', 'pipe', 2] });
  await said('listens');
}
const said = (word: string): Promise<void> =>
  new Promise((resolve) => {
    const listener = (text: Buffer): void => {
      if (!String(text).includes(word)) return;
      server.stdout!.off('data', listener);
      resolve();
    };
    server.stdout!.on('data', listener);
  });

const open = (more: { isComing?: () => boolean; answerMs?: number; deadline?: number } = {}) =>
  ThreadPipe.open(parseAddress(`unix:${path}`), {
    connecting: {},
    execArgv: threadArguments(THREAD_ENTRY),
    isComing: () => false,
    answerMs: 20_000,
    deadline: Infinity,
    ...more,
  });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'referent-thread-'));
  path = join(directory, 's');
});
afterEach(() => {
  server.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

jest.setTimeout(30_000);

it('bytes go both ways while this thread blocks, until the other side closes', async () => {
  await start();
  const pipe = open()!;
  expect(String(pipe.read(undefined))).toBe('hello');
  const bytes = Buffer.from('abc');
  pipe.write(bytes);
  bytes.fill('x'); // they were only lent
  expect(String(pipe.read(undefined))).toBe('ABC');
  expect(pipe.read(performance.now() + 20)).toBeUndefined();
  let text = '';
  pipe.write(Buffer.alloc(1_000_000, 'y'));
  while (text.length < 1_000_000) text += String(pipe.read(undefined));
  expect(text).toBe('Y'.repeat(1_000_000));
  pipe.write(Buffer.from('quit'));
  expect(() => pipe.read(undefined)).toThrow(PipeEnd);
  pipe.close();
});

it('what was flushed has left, even if this process ends now; what was only written leaves too', async () => {
  await start();
  const pipe = open()!;
  pipe.read(undefined);
  pipe.write(Buffer.from('a'));
  pipe.flush(performance.now() + 20_000);
  const ended = said('ended');
  pipe.write(Buffer.from('quit'));
  pipe.close();
  await ended;
});

it('a flush ends with its deadline, and so does waiting for a server that is silent', async () => {
  await start('silent');
  expect(open({ deadline: performance.now() + 100 })).toBeUndefined();
  expect(() => open({ answerMs: 500 })).toThrow('does not answer');
});

it('where nobody listens it throws, at once or when nobody is coming any more', async () => {
  await start();
  path = join(directory, 'nobody');
  expect(() => open()).toThrow(PipeEnd);
  let looks = 3;
  expect(() => open({ isComing: () => looks-- > 0 })).toThrow('ended before it listened');
});
