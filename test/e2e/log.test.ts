// Logs of managers: real processes, and what arrives of what they say.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  LogSender,
  Manager,
  type ManagerOptions,
  ManagerDiedError,
  type Remote,
  UsageError,
  handle,
  oneway,
  release,
  setLoggerAddress,
} from '../../src/index';
import { closeLogger } from '../../src/log/logger-address';
import { type Talker } from '../fixtures/talker';
import { type KeptLog, keepLog } from '../support/log-servers';
import { endManager } from '../support/managers';
import { until } from '../support/until';

jest.setTimeout(30_000);

const file = join(__dirname, '../fixtures/talker.ts');

class TalkManager extends Manager {
  static {
    this.register('Talker', { module: file, export: 'Talker' });
  }
}

async function withTalker(
  options: ManagerOptions,
  body: (talker: Remote<Talker>, manager: Manager) => Promise<void>,
): Promise<void> {
  const manager = new TalkManager(options);
  const talker = manager.create<Talker>('Talker');
  await body(talker, manager);
  release(talker);
  await endManager(manager);
}

/** For a manager that has died. */
async function bury(manager: Manager): Promise<void> {
  await manager.shutdown();
  expect(existsSync(dirname(manager.address.slice('unix:'.length)))).toBe(false);
}

describe('log: of a manager', () => {
  it('brings its records and its output, in the name of the child', async () => {
    await using log = await keepLog();
    await withTalker({ log: log.server, name: 'shelf' }, async (talker) => {
      await talker.log('error', 'a record', { why: new RangeError('x') });
      await talker.print('on stdout\n');
      await talker.complain('on stderr\nand more\n');
      await log.reached(4);
    });
    const seen = log.records.map((one) => [one.source, one.level, one.message]);
    expect(seen).toEqual([
      ['talker', 'error', 'a record'],
      ['stdout', 'info', 'on stdout'],
      ['stderr', 'warn', 'on stderr'],
      ['stderr', 'warn', 'and more'],
    ]);
    for (const record of log.records) expect(record.process).toBe('shelf');
    expect(log.records[0]?.why).toBeInstanceOf(RangeError);
  });

  it('tells the child where to log, and no secret to who looks at its arguments', async () => {
    const authkey = 'a key that nobody may see';
    await using log = await keepLog({ address: 'tcp://127.0.0.1:0', authkey });
    await withTalker({ log: log.server, name: 'shelf' }, async (talker) => {
      const who = (await talker.who()) as { argv: string[]; title: string };
      expect(who).toMatchObject({ address: log.server.address, name: 'shelf' });
      expect(who.title).toBe('referent shelf');
      expect(who.argv.slice(2)).toEqual(['shelf']);
      expect(JSON.stringify(who)).not.toContain(authkey);
      await talker.log('info', 'heard');
      await log.reached(1);
    });
  });

  it('true is where this process logs', async () => {
    {
      const manager = new TalkManager({ log: true });
      await expect(manager.start()).rejects.toThrow(
        'Option "log" is true, and this process has no log',
      );
      expect(() => manager.list()).toThrow(UsageError);
      await manager.shutdown();
    }
    await using log = await keepLog();
    await withTalker({ log: true }, async (talker, manager) => {
      await talker.print('hello\n');
      await log.reached(1);
      expect(log.records[0]?.process).toBe(`process-${manager.pid}`);
    });
  });

  it('an address is that of a log server elsewhere', async () => {
    await using log = await keepLog();
    await withTalker({ log: log.server.address, logLevel: 'info' }, async (talker) => {
      await talker.log('debug', 'below');
      await talker.log('info', 'above');
      await log.reached(1);
      expect(log.messages()).toEqual(['above']);
    });
    expect(() => new Manager({ log: 7 as never })).toThrow('Option "log" of a manager must be');
    expect(() => new Manager({ logLevel: 'loud' })).toThrow('must be one of trace');
    expect(() => new Manager({ name: '' })).toThrow('Option "name"');
  });

  it('a logger gets records and output, until the manager has ended', async () => {
    const said: string[] = [];
    const say = (message: string): void => void said.push(message);
    await withTalker({ log: { info: say, warn: say, error: say } }, async (talker) => {
      await talker.print('one\n');
      await talker.log('warn', 'two');
      await talker.print('three'); // no end of the line, but the end of the process
    });
    expect(said).toEqual(['one', 'two', 'three']);
  });

  it('brings what was printed past process.stdout, and by its own children', async () => {
    await using log = await keepLog();
    await withTalker({ log: log.server }, async (talker) => {
      await talker.printNatively('native\n');
      await log.reached(2);
      expect(log.messages('stdout')).toEqual(['native', 'from a grandchild']);
    });
  });

  it('keeps characters whole that are printed in pieces, and cuts a line without end', async () => {
    await using log = await keepLog();
    await withTalker({ log: log.server }, async (talker) => {
      const bytes = Buffer.from('größer 🙂\n');
      await talker.printPieces([...bytes].map((byte) => Uint8Array.of(byte)));
      await talker.print(`${'x'.repeat(100_000)}\nnext\n`);
      await log.reached(({ message }) => message === 'next');
      const [first, second] = log.messages('stdout');
      expect(first).toBe('größer 🙂');
      expect(second).toMatch(/^[^x]*x+ … \(8\d+ more bytes\)$/);
    });
  });

  it('keeps records and output of one process in the order in which they were made', async () => {
    await using log = await keepLog({ sortMs: 200 });
    await withTalker({ log: log.server }, async (talker) => {
      await talker.mix(400);
      await log.reached(400);
    });
    expect(log.messages().map(Number)).toEqual(Array.from({ length: 400 }, (_, i) => i));
  });

  it('keeps the order of time over processes', async () => {
    await using log = await keepLog({ sortMs: 300 });
    await using here = new LogSender(log.server.address);
    const [one, other] = [new TalkManager({ log: true }), new TalkManager({ log: true })];
    const talkers = [one, other].map((manager) => manager.create<Talker>('Talker'));
    for (let i = 0; i < 60;) {
      here.log('info', String(i++));
      await talkers[0]!.log('info', String(i++));
      await talkers[1]!.print(`${i++}\n`);
    }
    await log.reached(60);
    expect(log.messages().map(Number)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    for (const talker of talkers) release(talker);
    await Promise.all([endManager(one), endManager(other)]);
  });

  it('reaches the workers of its pools, each in its own name', async () => {
    await using log = await keepLog();
    const manager = new Manager({ log: log.server, name: 'shelf' });
    const pool = manager.pool(1);
    const pid = await pool.apply({ module: file, export: 'printHere' }, ['from a worker']);
    await log.reached(({ message }) => message === 'from a worker');
    expect(log.records).toMatchObject([{ source: 'stdout', process: `process-${String(pid)}` }]);
    await pool.close();
    await pool.join();
    release(pool);
    await until(async () => (await manager.inspect()).sessions.length === 1, 'the worker to leave');
    await endManager(manager);
  });

  it('without it the output is that of this process', async () => {
    await withTalker({}, async (talker) => {
      expect(await talker.who()).toMatchObject({ address: undefined });
    });
  });
});

describe('the last words', () => {
  it.each([
    ['throwLater', 'fatal', 'Uncaught exception: RangeError: thrown later', RangeError],
    ['rejectLater', 'fatal', 'Unhandled rejection: TypeError: rejected later', TypeError],
  ] as const)(
    '%s: the error is recorded with its stack before the process dies',
    async (name, level, text, type) => {
      await using log = await keepLog();
      const manager = new TalkManager({ log: log.server, name: 'shelf' });
      const talker = manager.create<Talker>('Talker');
      const ended = once(manager, 'exit');
      await talker.log('info', 'before');
      await talker[name]().catch((error: unknown) =>
        expect(error).toBeInstanceOf(ManagerDiedError),
      );
      expect((await ended)[0]).toMatchObject({ code: 1 }); // Node's policy, as without logs
      await log.reached(({ source }) => source === 'exception');
      const [before, record] = log.records.filter(({ source }) => source !== 'stderr');
      expect(before?.message).toBe('before');
      expect(record).toMatchObject({ level, message: text, source: 'exception', process: 'shelf' });
      expect(record?.error).toBeInstanceOf(type);
      expect((record?.error as Error).stack).toContain('talker');
      await bury(manager);
    },
  );

  it('what a killed process had written arrives, all of it', async () => {
    await using log = await keepLog();
    const manager = new TalkManager({ log: log.server });
    const talker = manager.create<Talker>('Talker');
    await expect(talker.printAndDie(100)).rejects.toBeInstanceOf(ManagerDiedError);
    await log.reached(100);
    expect(log.messages('stdout')).toEqual(Array.from({ length: 100 }, (_, i) => `line ${i}`));
    await bury(manager);
  });

  it('of a manager that could not start, too', async () => {
    await using log = await keepLog();
    const manager = new TalkManager({ log: log.server });
    const start = manager.start({ module: file, export: 'failingInitializer' });
    await expect(start).rejects.toThrow('the initializer failed');
    await log.reached(({ message }) => message === 'no luck');
    await bury(manager);
  });

  it.each([
    ['ends by itself', [], ['the only word']],
    ['says something in its exit event', ['exit'], ['the only word', 'the last word']],
  ])('a process that %s has said it', async (_what, args, expected) => {
    await using log = await keepLog();
    const child = runTalker('--log-once', log.server.address, ...args);
    expect((await once(child, 'exit'))[0]).toBe(0);
    await log.reached(expected.length);
    expect(log.messages()).toEqual(expected);
  });

  it('a process whose log server is not there ends all the same', async () => {
    const child = runTalker('--log-once', 'unix:/nowhere/at/all');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });
});

describe('errors that nobody awaits', () => {
  it('of oneway calls are in the log of the manager', async () => {
    await using log = await keepLog();
    await withTalker({ log: log.server }, async (talker, manager) => {
      const warned = once(manager, 'warning');
      oneway(talker).fail();
      await warned;
      await log.reached(1);
      expect(log.records[0]).toMatchObject({
        level: 'warn',
        source: 'manager',
        message: 'nobody waits for this',
      });
      expect(log.records[0]?.error).toBeInstanceOf(Error);
    });
  });

  it('go where the process logs when the manager has no log of its own', async () => {
    await using log = await keepLog();
    await withTalker({}, async (talker) => {
      oneway(talker).fail();
      await log.reached(1);
      expect(log.messages('manager')).toEqual(['nobody waits for this']);
    });
  });
});

describe('a flood', () => {
  it('slows no call down to failing, and what is lost is told', async () => {
    await using log = await keepLog();
    await withTalker({ log: log.server, callTimeoutMs: 10_000 }, async (talker) => {
      const flooding = talker.flood(100_000);
      const calls = Array.from({ length: 200 }, () => talker.ping());
      await flooding;
      expect(await Promise.all(calls)).toEqual(calls.map(() => 'pong'));
      await log.reached(({ message }) => message === 'flood 99999', 20_000);
    });
    const lost = log.records
      .filter(({ source }) => source === 'log')
      .reduce((sum, record) => sum + (record.lost as number), 0);
    const floods = log.records.filter(({ source }) => source === 'talker');
    expect(lost).toBeGreaterThan(0);
    expect(floods.length + lost).toBe(100_000);
    const numbers = floods.map(({ message }) => Number(message.slice('flood '.length)));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it('with a log server that hangs, or is gone, every call is answered', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'referent-log-'));
    const address = `unix:${join(folder, 'log')}`;
    const serverProcess = runServer(address);
    await until(() => existsSync(join(folder, 'log')), 'the log server');
    await withTalker({ log: address }, async (talker) => {
      serverProcess.kill('SIGSTOP');
      await talker.flood(20_000);
      await Promise.all(Array.from({ length: 100 }, () => talker.ping()));
      serverProcess.kill('SIGKILL');
      await once(serverProcess, 'exit');
      await talker.flood(20_000);
      await Promise.all(Array.from({ length: 100 }, () => talker.ping()));
      await using log = await restarted(address); // in the place of the one that was killed
      await talker.log('info', 'are you there');
      await log.reached(({ message }) => message === 'are you there', 10_000);
    });
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});

async function restarted(address: string): Promise<KeptLog> {
  const log = await keepLog({ address });
  return log;
}

function runTalker(...args: string[]): ChildProcess {
  return fork(file, args, { execArgv: ['-r', 'ts-node/register/transpile-only'] });
}

function runServer(address: string): ChildProcess {
  return fork(join(__dirname, '../fixtures/log-server.ts'), [address], {
    execArgv: ['-r', 'ts-node/register/transpile-only'],
  });
}

it('a set address reaches children, and is left by closing', async () => {
  await using log = await keepLog();
  setLoggerAddress(log.server.address);
  await withTalker({ log: true }, async (talker) => {
    expect(await talker.who()).toMatchObject({ address: log.server.address });
    expect(handle(talker).typeid).toBe('Talker');
  });
  await closeLogger();
});

describe('a server in this process', () => {
  test('logs its faults where option `log` says, from `logLevel` on, until it ends', async () => {
    const records: string[] = [];
    const write = (_fields: unknown, message: unknown): number => records.push(String(message));
    const log = { info: write, warn: write, error: write, child: write, bindings: () => ({}) };
    const serve = async (logLevel: string): Promise<void> => {
      await using serving = new Manager({ log, logLevel });
      const server = await serving.getServer().listen();
      const told: Error[] = [];
      server.on('warning', (warning) => told.push(warning));
      await using stranger = Manager.connect(server.address, { authkey: 'x'.repeat(20) });
      await expect(stranger.ping()).rejects.toThrow('refused the authkey');
      await server.close();
      expect(told).toHaveLength(1);
    };
    await serve('error');
    expect(records).toEqual([]);
    await serve('warn');
    expect(records).toHaveLength(1);
  });
});
