// A log server and its senders, over real sockets, in one process.
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  LogSender,
  LogServer,
  UsageError,
  getLoggerAddress,
  setLoggerAddress,
  startLogServer,
} from '../../src/index';
import { closeLogger, processSink } from '../../src/log/logger-address';
import { makeRecord } from '../../src/log/record';
import { authority, serverPair } from '../support/certificates';
import { keepLog } from '../support/log-servers';
import { until } from '../support/until';

const KEY = 'a key of at least sixteen bytes';
let folder: string;
const senders: LogSender[] = [];

function senderTo(
  address: string,
  options?: ConstructorParameters<typeof LogSender>[1],
): LogSender {
  const sender = new LogSender(address, options);
  senders.push(sender);
  return sender;
}

function watchWarnings(): string[] {
  const warnings: string[] = [];
  jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warnings.push(String(warning));
  });
  return warnings;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referent-log-'));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(senders.splice(0).map((sender) => sender.close()));
  rmSync(folder, { recursive: true });
  await closeLogger();
});

describe('a log server', () => {
  it('has a private address by itself, in a directory of this user alone', async () => {
    await using log = await keepLog();
    const { address } = log.server;
    expect(address).toMatch(/^unix:\//);
    expect(statSync(dirname(address.slice('unix:'.length))).mode & 0o777).toBe(0o700);
  });

  it('writes what senders send, in the order of its time', async () => {
    await using log = await keepLog();
    const [one, other] = [senderTo(log.server.address), senderTo(log.server.address)];
    for (let i = 0; i < 50; i++) (i % 2 === 0 ? one : other).log('info', String(i), { i });
    await log.reached(50);
    expect(log.messages().map(Number)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(log.records[3]).toMatchObject({ level: 'info', source: 'app', i: 3, thread: 'main' });
  });

  it('writes nothing below its level, and a sender sends nothing below its own', async () => {
    await using log = await keepLog({ level: 'warn' });
    const sender = senderTo(log.server.address, { source: 'mine' });
    const quiet = senderTo(log.server.address, { level: 'fatal' });
    sender.log('info', 'no');
    quiet.log('error', 'no');
    sender.log('warn', 'yes');
    quiet.log('fatal', 'yes');
    await log.reached(2);
    expect(log.messages()).toEqual(['yes', 'yes']);
    expect(() => sender.log('loud', 'no')).toThrow(UsageError);
  });

  it('writes what it has when it is closed', async () => {
    const log = await keepLog({ sortMs: 60_000 });
    const sender = senderTo(log.server.address);
    for (let i = 0; i < 1000; i++) sender.log('info', String(i));
    await sender.close();
    await log.server.close();
    await log.server.close();
    expect(log.messages().map(Number)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(existsSync(dirname(log.server.address.slice('unix:'.length)))).toBe(false);
  });

  it('goes on where its write throws, and says so once', async () => {
    const warnings = watchWarnings();
    const seen: string[] = [];
    const write = ({ message }: { message: string }): void => {
      seen.push(message);
      throw new Error('disk full');
    };
    await using server = await startLogServer({ write, sortMs: 0 });
    const sender = senderTo(server.address);
    sender.log('info', 'a');
    sender.log('info', 'b');
    await until(() => seen.length === 2, 'both records');
    expect(warnings).toEqual(['A record could not be written: disk full']);
  });

  it('prints to stderr where nobody writes', async () => {
    const printed: string[] = [];
    const print = jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      printed.push(String(text));
      return true;
    });
    await using server = await startLogServer({ sortMs: 0 });
    server.write(makeRecord('warn', 'careful', 'app', { why: 1 }));
    print.mockRestore();
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} \[.+:process-\d+:main\] warn app: careful /);
    expect(printed[0]).toContain('{ why: 1 }\n');
  });

  it('drops a sender that sends anything else, and no other', async () => {
    await using log = await keepLog();
    const good = senderTo(log.server.address);
    const bad = connect(log.server.address.slice('unix:'.length));
    bad.on('error', () => undefined); // the reset of a connection that was dropped
    bad.write('GET / HTTP/1.1\r\n\r\n');
    await once(bad, 'close');
    good.log('info', 'still here');
    await log.reached(1);
    expect(log.messages()).toEqual(['still here']);
  });

  it('refuses bad options and addresses', async () => {
    await expect(startLogServer({ level: 'loud' })).rejects.toThrow(
      'Option "level" of a log server must be one of trace, debug, info, warn, error, fatal',
    );
    await expect(startLogServer({ sortMs: -1 })).rejects.toThrow(UsageError);
    await expect(startLogServer({ adress: 'x' } as object)).rejects.toThrow('Unknown option');
    await expect(startLogServer({ address: 'nowhere' })).rejects.toThrow('Bad address');
    expect(() => new LogSender('nowhere')).toThrow('Bad address');
    expect(() => new LogSender('unix:/x', { level: 'loud' })).toThrow(UsageError);
    expect(getLoggerAddress()).toBeUndefined();
  });
});

describe('the address of a log server', () => {
  it('can be used again after one that was killed, and not beside one that lives', async () => {
    const address = `unix:${join(folder, 'log')}`;
    const killed: Server = createServer();
    await new Promise<void>((done) => killed.listen(join(folder, 'other'), done));
    renameSync(join(folder, 'other'), join(folder, 'log')); // its close() no longer finds it
    await new Promise((done) => killed.close(done));
    expect(existsSync(join(folder, 'log'))).toBe(true);
    await using log = await keepLog({ address });
    await expect(startLogServer({ address })).rejects.toThrow('another process listens there');
    senderTo(address).log('info', 'heard');
    await log.reached(1);
  });

  it('is not taken from a file that is no socket', async () => {
    writeFileSync(join(folder, 'precious'), 'text');
    const address = `unix:${join(folder, 'precious')}`;
    await expect(startLogServer({ address })).rejects.toThrow(UsageError);
    expect(statSync(join(folder, 'precious')).size).toBe(4);
  });

  it('leaves the directory of another one alone that lives there', async () => {
    await using log = await keepLog();
    const { address } = log.server;
    await expect(startLogServer({ address })).rejects.toThrow(UsageError);
    senderTo(address).log('info', 'heard');
    await log.reached(1);
  });

  it('is a port only with a key, and beyond this machine only with TLS', async () => {
    const refused = (options: object): Promise<unknown> => startLogServer(options);
    await expect(refused({ address: 'tcp://127.0.0.1:0' })).rejects.toThrow('give an authkey');
    await expect(refused({ address: 'tcp://0.0.0.0:0', authkey: KEY })).rejects.toThrow(
      'Cannot serve logs at tcp://0.0.0.0:0: logs leave the machine by tls://0.0.0.0:0 only',
    );
    await expect(refused({ address: 'tls://0.0.0.0:0', authkey: KEY })).rejects.toThrow(
      'give a certificate',
    );
    await expect(refused({ address: 'tcp://127.0.0.1:0', authkey: 'short' })).rejects.toThrow(
      'at least 16 bytes',
    );
    expect(() => new LogSender('tcp://127.0.0.1:1')).toThrow('give an authkey');
    expect(() => new LogSender('tcp://example.org:1', { authkey: KEY })).toThrow('tls://');
    expect(() => new LogSender('unix:/x', { tls: {} })).toThrow('Option "tls" is for addresses');
  });

  it.each([
    ['tcp', {}],
    ['tls', { tls: serverPair }],
  ])('%s: who knows the key is heard', async (kind, options) => {
    await using log = await keepLog({ address: `${kind}://127.0.0.1:0`, authkey: KEY, ...options });
    const { address } = log.server;
    expect(address).toMatch(/:[1-9]\d*$/);
    senderTo(address, { authkey: KEY }).log('info', 'heard');
    await log.reached(1);
  });

  it('tls: a sender with an authority asks for its certificate', async () => {
    const address = 'tls://127.0.0.1:0';
    await using log = await keepLog({ address, authkey: KEY, tls: serverPair });
    senderTo(log.server.address, { authkey: KEY, tls: { ca: authority } }).log('info', 'heard');
    await log.reached(1);
  });

  it('who does not know the key is told, and says nothing', async () => {
    await using log = await keepLog({ address: 'tcp://127.0.0.1:0', authkey: KEY });
    const warnings = watchWarnings();
    const sender = senderTo(log.server.address, { authkey: 'another key of sixteen bytes' });
    sender.log('info', 'secret');
    await until(() => warnings.length > 0, 'a warning');
    expect(warnings).toEqual([
      `Cannot log to ${log.server.address}: the log server closed the connection before it let this process in; give the authkey that it was started with`,
    ]);
    senderTo(log.server.address, { authkey: KEY }).log('info', 'heard');
    await log.reached(1);
    expect(log.messages()).toEqual(['heard']);
  });

  it('nothing is told to a server that does not know the key', async () => {
    const heard: Buffer[] = [];
    const impostor = createServer((socket: Socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => heard.push(bytes as Buffer));
      socket.write(Buffer.alloc(4)); // an empty message, which is no greeting
    });
    await new Promise<void>((done) => impostor.listen(0, '127.0.0.1', done));
    const { port } = impostor.address() as { port: number };
    const warnings = watchWarnings();
    senderTo(`tcp://127.0.0.1:${port}`, { authkey: KEY }).log('info', 'secret');
    await until(() => warnings.length > 0, 'a warning');
    await new Promise((done) => impostor.close(done));
    expect(heard).toEqual([]);
  });
});

describe('a sender', () => {
  it('waits for a log server that is not there yet, and loses nothing that fits', async () => {
    const address = `unix:${join(folder, 'log')}`;
    const sender = senderTo(address);
    for (let i = 0; i < 100; i++) sender.log('info', String(i));
    await using log = await keepLog({ address });
    await log.reached(100);
    expect(log.messages().map(Number)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('finds the log server again when that was restarted', async () => {
    const address = `unix:${join(folder, 'log')}`;
    const first = await keepLog({ address });
    const sender = senderTo(address);
    sender.log('info', 'one');
    await first.reached(1);
    await first[Symbol.asyncDispose]();
    await using second = await keepLog({ address });
    let said = 0;
    await until(() => {
      sender.log('info', String(++said)); // what it says before it knows of the end may be lost
      return second.records.length > 2;
    });
    const heard = second.messages().map(Number);
    expect(heard).toEqual(heard.map((_, i) => heard[0]! + i));
  });

  it('drops the oldest when its buffer is full, and tells how many', async () => {
    const address = `unix:${join(folder, 'log')}`;
    const sender = senderTo(address, { bufferBytes: 20_000 });
    for (let i = 0; i < 10_000; i++) sender.log('info', String(i));
    await using log = await keepLog({ address });
    await log.reached(({ message }) => message === '9999');
    const [report, ...kept] = log.records;
    expect(report).toMatchObject({ level: 'warn', source: 'log', lost: 10_000 - kept.length });
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.map(({ message }) => Number(message))).toEqual(
      Array.from({ length: kept.length }, (_, i) => 10_000 - kept.length + i),
    );
  });

  it('closes at once where nobody listens, and within its second where nobody reads', async () => {
    const nobody = senderTo(`unix:${join(folder, 'nobody')}`);
    nobody.log('info', 'lost');
    await nobody.close();
    await nobody.close();
    nobody.log('info', 'too late');
    const sockets: Socket[] = [];
    const deaf = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket));
    await new Promise<void>((done) => deaf.listen(join(folder, 'deaf'), done));
    const sender = senderTo(`unix:${join(folder, 'deaf')}`);
    for (let i = 0; i < 50_000; i++) sender.log('info', 'x'.repeat(50));
    await sender.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => deaf.close(done));
  });
});

describe('the address of the logger', () => {
  it('is that of the own log server, else the one that was set', async () => {
    expect(getLoggerAddress()).toBeUndefined();
    expect(processSink()).toBeUndefined();
    const elsewhere = new LogServer({ write: () => undefined });
    await elsewhere.listen();
    setLoggerAddress(elsewhere.address);
    expect(getLoggerAddress()).toBe(elsewhere.address);
    {
      await using log = await keepLog();
      expect(getLoggerAddress()).toBe(log.server.address);
      expect(processSink()).toBe(log.server);
      await using newer = await keepLog();
      expect(getLoggerAddress()).toBe(newer.server.address);
    }
    expect(getLoggerAddress()).toBe(elsewhere.address);
    setLoggerAddress(`unix:${join(folder, 'third')}`);
    expect(getLoggerAddress()).toBe(`unix:${join(folder, 'third')}`);
    expect(() => setLoggerAddress('nowhere')).toThrow(UsageError);
    expect(getLoggerAddress()).toBe(`unix:${join(folder, 'third')}`);
    await elsewhere.close();
  });
});
