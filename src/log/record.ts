// One record: what was logged, when, and by whom; and its bytes on the way to a log server.
//
// Rule: logging never fails for what is logged. A field that cannot be sent goes as its text.

import { inspect } from 'node:util';
import { ProtocolError } from '../base/errors';
import { isPlainObject } from '../wire/plain';
import { packValue, unpackValue } from '../wire/values';
import { preciseNow } from './clock';
import { isLevel } from './levels';
import { getHostName, getProcessName, getThreadName } from './names';

export interface LogRecord {
  /** Milliseconds since 1970, with a fraction. */
  readonly time: number;
  readonly level: string;
  readonly message: string;
  readonly host: string;
  readonly process: string;
  readonly thread: string;
  /** What in the process has said it: `app`, `stdout`, `stderr`, `exception` … */
  readonly source: string;
  readonly [field: string]: unknown;
}

/** Takes records. */
export interface LogSink {
  write(record: LogRecord): void;
}

/** Whose a record is. */
export type Origin = Pick<LogRecord, 'host' | 'process' | 'thread' | 'source'>;

/** No record is longer on its way. */
export const RECORD_BYTES = 1024 * 1024;
/** What is kept of the message of one that is. */
const MESSAGE_LENGTH = 16 * 1024;

/** A record of this thread. */
export function makeRecord(
  level: string,
  message: string,
  source: string,
  fields?: object,
): LogRecord {
  const origin = {
    host: getHostName(),
    process: getProcessName(),
    thread: getThreadName(),
    source,
  };
  return recordOf(origin, level, message, fields);
}

/** A record of whoever `origin` names, made now. Fields cannot take the place of what every record has. */
export function recordOf(
  { host, process, thread, source }: Origin,
  level: string,
  message: string,
  fields: object = {},
): LogRecord {
  const own = { time: preciseNow(), level, message, host, process, thread, source };
  return { ...own, ...(fields instanceof Error ? { error: fields } : fields), ...own };
}

const OWN = new Set(['time', 'level', 'message', 'host', 'process', 'thread', 'source']);

/** What a record has beyond what every record has. */
export function fieldsOf(record: LogRecord): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !OWN.has(name)));
}

export function packRecord(record: LogRecord): Buffer {
  const packed = tryPack(record) ?? packValue(asTexts(record));
  return packed.length <= RECORD_BYTES ? packed : packValue(shortened(record, packed.length));
}

/** Throws `ProtocolError` for what no sender sends. */
export function unpackRecord(bytes: Uint8Array): LogRecord {
  const value = unpackValue(bytes);
  if (isRecord(value)) return value;
  throw new ProtocolError('Cannot read a record of a log: it lacks what every record has');
}

function isRecord(value: unknown): value is LogRecord {
  if (typeof value !== 'object' || value === null || !isPlainObject(value)) return false;
  const { time, level, message, host, process, thread, source } = value as LogRecord;
  const texts: unknown[] = [message, host, process, thread, source];
  return Number.isFinite(time) && isLevel(level) && texts.every((text) => typeof text === 'string');
}

function tryPack(value: unknown): Buffer | undefined {
  try {
    return packValue(value);
  } catch {
    return undefined; // something in it is no data: a proxy, a function, a class of the user's
  }
}

function asTexts(record: LogRecord): Record<string, unknown> {
  const fields = Object.entries(record);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, tryPack(value) === undefined ? textOf(value) : value]),
  );
}

function textOf(value: unknown): string {
  try {
    return inspect(value, { depth: 4 });
  } catch {
    return '(its inspection throws)';
  }
}

function shortened(record: LogRecord, bytes: number): LogRecord {
  const { time, level, host, process, thread, source } = record;
  const message = record.message.slice(0, MESSAGE_LENGTH);
  return { time, level, message, host, process, thread, source, truncatedBytes: bytes };
}
