// Where errors that are kept are written to: whatever log the user has.

import { inspect } from 'node:util';
import { UsageError } from '../base/errors';

/** An error and the group in which it is kept; `null` is the default group. */
export interface KeptError {
  readonly error: Error;
  readonly group: string | null;
}

type Write = (text: string) => void;

/** `log`: true for the console, a function, or what has a method `error` or `log(level, text)`. */
function writerOf(log: unknown): Write | undefined {
  if (log === true) return writerOf(console);
  if (typeof log === 'function') return log as Write;
  if (typeof log !== 'object' || log === null) return undefined;
  const logger = log as { error?: Write; log?: (level: string, text: string) => void };
  if (typeof logger.error === 'function') return logger.error.bind(logger);
  if (typeof logger.log === 'function') return logger.log.bind(logger, 'error');
  return undefined;
}

/** Throws `UsageError` for what cannot be written to. */
export function requireLog(log: unknown): void {
  if (writerOf(log) !== undefined) return;
  throw new UsageError(
    'Errors are written to a logger with a method "error" or "log", a function, or the console (true)',
  );
}

/** With its stack, and its stack in the process where it was thrown. */
export function writeError(log: unknown, { error, group }: KeptError): void {
  const where = group === null ? '' : `[${group}] `;
  writerOf(log)?.(`${where}${inspect(error)}`);
}
