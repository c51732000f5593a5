// Other people's loggers, both ways; the console; names; and how records look.
import { stripVTControlCharacters } from 'node:util';
import {
  LogSender,
  UsageError,
  forwardConsole,
  getHostName,
  getProcessName,
  getThreadName,
  logDestination,
  setHostName,
  setProcessName,
  setThreadName,
  toLogger,
} from '../../src/index';
import { formatRecord } from '../../src/log/console-writer';
import { makeRecord, recordOf } from '../../src/log/record';
import { keepLog } from '../support/log-servers';

type Said = [method: string, ...args: unknown[]];

/** A logger that writes down what it is told. */
function loggerWith(
  methods: readonly string[],
  more: object = {},
): { logger: object; said: Said[] } {
  const said: Said[] = [];
  const entries = methods.map((name) => [name, (...args: unknown[]) => said.push([name, ...args])]);
  return { logger: { ...Object.fromEntries(entries), ...more }, said };
}

const ALL = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const origin = { host: 'h', process: 'p', thread: 't', source: 's' };

describe('toLogger', () => {
  it('gives a pino-like logger fields first, errors as err, and the time of the record', () => {
    const { logger, said } = loggerWith(ALL, { child: () => 0, bindings: () => 0 });
    const error = new Error('boom');
    const record = recordOf(origin, 'fatal', 'died', { code: 1, error });
    toLogger(logger)(record);
    const fields = { ...origin, code: 1, err: error, recordTime: record.time };
    expect(said).toEqual([['fatal', fields, 'died']]);
  });

  it('gives any other logger the message first', () => {
    const { logger, said } = loggerWith(ALL);
    const error = new Error('boom');
    toLogger(logger)(recordOf(origin, 'info', 'hello', { a: 1 }));
    toLogger(logger)(recordOf(origin, 'warn', 'oh', error));
    expect(said).toEqual([
      ['info', 'hello', { ...origin, a: 1 }],
      ['warn', 'oh', { ...origin, error }],
    ]);
  });

  it('calls the next best method where a level is missing', () => {
    const { logger, said } = loggerWith(['info', 'error']);
    for (const level of ALL) toLogger(logger)(recordOf(origin, level, level));
    expect(said.map(([method, message]) => `${String(message)}:${method}`)).toEqual([
      ...['trace:info', 'debug:info', 'info:info', 'warn:info', 'error:error', 'fatal:error'],
    ]);
  });

  it('keeps the logger as this', () => {
    class Logger {
      readonly said: string[] = [];
      info(message: string): void {
        this.said.push(message);
      }
      error(): void {
        this.info('error');
      }
    }
    const logger = new Logger();
    toLogger(logger)(recordOf(origin, 'info', 'hello'));
    expect(logger.said).toEqual(['hello']);
  });

  it.each([[{}], [{ log: () => 0 }], [null], ['console']])('refuses %p', (value) => {
    expect(() => toLogger(value as object)).toThrow(UsageError);
  });
});

describe('logDestination', () => {
  it('makes records of the lines of pino', async () => {
    await using log = await keepLog();
    const destination = logDestination();
    const time = Date.now() - 5;
    const line = { level: 40, time, pid: 7, hostname: 'far', name: 'shop', msg: 'late', order: 3 };
    destination.write(`${JSON.stringify(line)}\n`);
    destination.write(
      '{"level":35}\n{"level":"error","msg":"two"}\nno json\n{"level":99}\n"text"\n',
    );
    await log.reached(6);
    await destination.close();
    const expected = {
      level: 'warn',
      host: 'far',
      source: 'shop',
      message: 'late',
      order: 3,
      time,
    };
    expect(log.records[0]).toEqual({ ...expected, process: getProcessName(), thread: 'main' });
    expect(log.records.slice(1).map(({ level, message }) => `${level}:${message}`)).toEqual([
      ...['info:', 'error:two', 'info:no json', 'fatal:', 'info:"text"'],
    ]);
  });

  it('needs a log server', () => {
    expect(() => logDestination()).toThrow('Cannot log: await startLogServer() before');
    expect(() => logDestination('nowhere')).toThrow(UsageError);
  });

  it('goes to the address that it is given', async () => {
    await using log = await keepLog({ address: 'tcp://127.0.0.1:0', authkey: 'k'.repeat(16) });
    const destination = logDestination(log.server.address); // whose key this process knows
    destination.write('{"msg":"hello"}');
    await log.reached(1);
    await destination.close();
  });
});

describe('forwardConsole', () => {
  it('makes records, and prints as before', async () => {
    await using log = await keepLog({ sortMs: 0 });
    const printed = jest.spyOn(console, 'info').mockImplementation(() => undefined);
    const before = console.info;
    const undo = forwardConsole();
    expect(() => forwardConsole()).toThrow('it is forwarded already');
    console.info('%s is %d', 'a', 1, { b: 2 });
    undo();
    expect(console.info).toBe(before);
    console.info('not recorded');
    expect(printed.mock.calls).toEqual([['%s is %d', 'a', 1, { b: 2 }], ['not recorded']]);
    expect(log.records).toMatchObject([
      { level: 'info', message: 'a is 1 { b: 2 }', source: 'console' },
    ]);
    printed.mockRestore();
  });

  it('prints nothing where that is not wanted, each method with its level', async () => {
    await using log = await keepLog({ sortMs: 0 });
    const undo = forwardConsole({ print: false, source: 'mine' });
    console.trace('trace');
    console.debug('debug');
    console.log('info');
    console.info('info');
    console.warn('warn');
    console.error('error');
    undo();
    expect(log.records.map(({ level }) => level)).toEqual(log.messages('mine'));
    expect(log.records).toHaveLength(6);
  });

  it('needs a log, and takes no other options', () => {
    expect(() => forwardConsole()).toThrow('Cannot forward the console: this process has no log');
    expect(() => forwardConsole({ quiet: true } as object)).toThrow('Unknown option');
  });
});

describe('names', () => {
  it('stand in records from now on', async () => {
    const before = [getHostName(), getProcessName(), getThreadName()] as const;
    expect(before.slice(1)).toEqual([`process-${process.pid}`, 'main']);
    setHostName('here');
    setProcessName('shop');
    setThreadName('till');
    expect([getHostName(), getProcessName(), getThreadName()]).toEqual(['here', 'shop', 'till']);
    expect(makeRecord('info', 'm', 's')).toMatchObject({
      host: 'here',
      process: 'shop',
      thread: 'till',
    });
    expect(() => setProcessName('')).toThrow(UsageError);
    expect(() => setProcessName(1 as never)).toThrow(UsageError);
    setHostName(before[0]);
    setProcessName(before[1]);
    setThreadName(before[2]);
  });
});

describe('a record for people', () => {
  const record = {
    ...recordOf(origin, 'warn', 'careful', { a: 1 }),
    time: new Date(2020, 1, 3, 4, 5, 6, 7).getTime(),
  };

  it('is a line', () => {
    expect(formatRecord(record, false)).toBe('04:05:06.007 [h:p:t] warn s: careful { a: 1 }\n');
  });

  it('has colours on a terminal, one for each process', () => {
    const text = formatRecord(record, true);
    expect(text).toContain('\u001b[33mwarn\u001b[39m s: careful');
    expect(stripVTControlCharacters(text)).toBe(formatRecord(record, false));
  });

  it('has the stack of its error on lines of its own', () => {
    const error = new RangeError('too far');
    expect(formatRecord({ ...recordOf(origin, 'error', 'oh', error) }, false)).toMatch(
      /error s: oh\nRangeError: too far\n {4}at /,
    );
    expect(formatRecord({ ...recordOf(origin, 'error', 'oh', { error: 7 }) }, false)).toMatch(
      /error s: oh \{ error: 7 \}\n$/,
    );
  });
});

it('a sender says what it is', async () => {
  await using log = await keepLog();
  await using sender = new LogSender(log.server.address, { source: 'shop' });
  sender.log('info', 'open');
  await log.reached(1);
  expect(log.records[0]).toMatchObject({ source: 'shop', process: getProcessName() });
});
