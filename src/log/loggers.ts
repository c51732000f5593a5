// Other people's loggers: records given to one, and one whose records are taken. What is called
// pino-like here has methods by the names of levels that take (fields, message); winston, `console`
// and their like take (message, fields). No logger is depended on.

import { UsageError } from '../base/errors';
import { isObject } from '../base/options';
import { LEVELS, isLevel } from './levels';
import { requireLogger } from './logger-address';
import { type LogRecord, fieldsOf, recordOf } from './record';
import { getHostName, getProcessName, getThreadName } from './names';
import { LogSender } from './sender';

type Method = (...args: unknown[]) => unknown;
type Logger = Readonly<Record<string, unknown>>;

/** What is called where a logger has no such level. */
const INSTEAD: Readonly<Record<string, string>> = {
  fatal: 'error',
  trace: 'debug',
  debug: 'info',
  warn: 'info',
  error: 'warn',
};

/** Whether records can be given to it: it has methods by the names of levels. */
export function isLogger(value: unknown): value is object {
  return isObject(value) && isMethod((value as Logger).info) && isMethod((value as Logger).error);
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

/** For `startLogServer({ write: toLogger(pino()) })`. Throws `UsageError` for what is no logger. */
export function toLogger(logger: object): (record: LogRecord) => void {
  if (!isLogger(logger)) {
    throw new UsageError('A logger has methods by the names of levels: info, warn, error …');
  }
  const isPinoLike = isFieldsFirst(logger as Logger);
  return (record) => {
    const { host, process, thread, source, time, message } = record;
    const { error, ...others } = fieldsOf(record);
    const fields = { host, process, thread, source, ...others };
    const method = methodOf(logger as Logger, record.level);
    const [first, second] = isPinoLike
      ? [{ ...fields, recordTime: time, ...(error === undefined ? {} : { err: error }) }, message]
      : [message, { ...fields, ...(error === undefined ? {} : { error }) }];
    method.call(logger, first, second);
  };
}

/** pino has bindings, bunyan fields. */
function isFieldsFirst({ bindings, fields, child }: Logger): boolean {
  return isMethod(child) && (isMethod(bindings) || isObject(fields));
}

function methodOf(logger: Logger, level: string): Method {
  const method = logger[level];
  if (isMethod(method)) return method;
  return methodOf(logger, INSTEAD[level] ?? 'info');
}

/** A stream of lines, as far as pino and bunyan need one. */
export interface LogDestination {
  write(line: string): void;
  /** Resolves when what waits is sent, or cannot be within a second. */
  close(): Promise<void>;
}

/**
 * For `pino(options, logDestination())`: its lines of JSON become records of a log server, by default
 * of that of this process. Throws `UsageError` where there is none.
 */
export function logDestination(address?: string): LogDestination {
  const sender = new LogSender(address ?? requireLogger('Cannot log').route.address);
  return {
    write: (line) => {
      for (const one of line.split('\n')) if (one !== '') sender.write(recordOfLine(one));
    },
    close: () => sender.close(),
  };
}

/** Fields of pino that every record has in a place of its own. */
interface PinoLine {
  readonly level?: unknown;
  readonly time?: unknown;
  readonly msg?: unknown;
  readonly name?: unknown;
  readonly hostname?: unknown;
  readonly [field: string]: unknown;
}
const OF_PINO = new Set(['level', 'time', 'msg', 'name', 'hostname', 'pid']);

function recordOfLine(text: string): LogRecord {
  const line = parse(text);
  const { level, time, msg, name, hostname } = line;
  const fields = Object.fromEntries(Object.entries(line).filter(([field]) => !OF_PINO.has(field)));
  const origin = {
    host: typeof hostname === 'string' ? hostname : getHostName(),
    process: getProcessName(),
    thread: getThreadName(),
    source: typeof name === 'string' ? name : 'app',
  };
  const record = recordOf(origin, levelOf(level), typeof msg === 'string' ? msg : '', fields);
  return typeof time === 'number' ? { ...record, time } : record;
}

/** What is no JSON is a message. */
function parse(text: string): PinoLine {
  try {
    const value = JSON.parse(text) as unknown;
    return isObject(value) ? (value as PinoLine) : { msg: text };
  } catch {
    return { msg: text };
  }
}

/** pino's levels are tens from 10, and may lie between. */
function levelOf(level: unknown): string {
  if (typeof level !== 'number') return isLevel(level) ? (level as string) : 'info';
  const index = Math.min(Math.max(Math.floor(level / 10) - 1, 0), LEVELS.length - 1);
  return LEVELS[index] ?? 'info';
}
