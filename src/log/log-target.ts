// What `log:` of a manager or a process means: where this process writes for it, and what its child
// is told.

import { UsageError, messageOf } from '../base/errors';
import { type ChildLog } from './child-log';
import { isAtLeast, processLevel } from './levels';
import { ownServerAt, requireLogger } from './logger-address';
import { isLogger, toLogger } from './loggers';
import { getHostName, processNameOf } from './names';
import { type Speaking, forwardOutput } from './output';
import { type LogRecord, type LogSink } from './record';
import { type LogRoute, routeTo } from './route';
import { LogSender } from './sender';
import { LogServer } from './server';

/** A `log` option: a LogServer, its address, a logger, or true for where this process logs. */
export function isLogOption(value: unknown): boolean {
  const isPlain = typeof value === 'boolean' || typeof value === 'string';
  return isPlain || value instanceof LogServer || isLogger(value);
}
export const LOG_OPTION = 'a LogServer, its address, a logger with methods for levels, or true';

interface Destination {
  readonly sink: LogSink;
  readonly route: LogRoute;
  /** What was made for this target alone. */
  readonly own?: { close(): Promise<void> } | undefined;
}

/** Undefined where there is no log. Throws `UsageError` for one that cannot be reached. */
export function openLog(log: unknown, level: string = processLevel()): LogTarget | undefined {
  if (log === undefined || log === false) return undefined;
  return new LogTarget(destinationOf(log), level);
}

function destinationOf(log: unknown): Destination {
  if (log === true) return requireLogger('Option "log" is true, and this process has no log');
  if (log instanceof LogServer) return { sink: log, route: log.route };
  if (typeof log === 'string') return destinationAt(log);
  if (isLogger(log)) return destinationFor(log);
  throw new UsageError(`Option "log" must be ${LOG_OPTION}`);
}

function destinationAt(address: string): Destination {
  const server = ownServerAt(address);
  if (server !== undefined) return { sink: server, route: server.route };
  const route = routeTo(address);
  const sender = new LogSender(address);
  return { sink: sender, route, own: sender };
}

/** A logger is an object of this process: the child reaches it by a log server that is its alone. */
function destinationFor(logger: object): Destination {
  const server = new LogServer({ write: toLogger(logger) });
  server.listen().catch((error: unknown) => {
    process.emitWarning(messageOf(error), 'ReferentWarning');
  });
  return { sink: server, route: server.route, own: server };
}

export class LogTarget implements LogSink {
  readonly #destination: Destination;
  readonly #level: string;

  constructor(destination: Destination, level: string) {
    this.#destination = destination;
    this.#level = level;
  }

  /** For the configuration of the child, which gives it to `adoptLog`. It may hold a key: not for its arguments. */
  get forChild(): ChildLog {
    return { route: this.#destination.route, level: this.#level, host: getHostName() };
  }

  write(record: LogRecord): void {
    if (isAtLeast(record.level, this.#level)) this.#destination.sink.write(record);
  }

  /**
   * The output of a child that has pipes for it becomes records in the child's name. Resolves when it
   * has ended and all of it is written; what was made for this target alone is closed then.
   */
  async follow(
    child: Speaking & { readonly pid?: number | undefined },
    names: { readonly process?: string | undefined; readonly thread?: string | undefined } = {},
  ): Promise<void> {
    const { process: name = processNameOf(child.pid ?? process.pid), thread = 'main' } = names;
    await forwardOutput(child, this, { host: getHostName(), process: name, thread });
    await this.close();
  }

  /** Ends what was made for this target alone, when that has what was written. */
  async close(): Promise<void> {
    await this.#destination.own?.close();
  }
}
