// What this process says by `console`, as records too.

import { format } from 'node:util';
import { UsageError } from '../base/errors';
import { isBoolean, isString, option, resolveOptions } from '../base/options';
import { isAtLeast, processLevel } from './levels';
import { requireLogger } from './logger-address';
import { makeRecord } from './record';

export interface ForwardConsoleOptions {
  /** Whether it is printed as before, too. Default true. */
  readonly print?: boolean | undefined;
  /** Default `console`. */
  readonly source?: string | undefined;
}

const LEVEL_OF = {
  trace: 'trace',
  debug: 'debug',
  log: 'info',
  info: 'info',
  warn: 'warn',
  error: 'error',
} as const;
type Method = keyof typeof LEVEL_OF;
type Say = (...args: unknown[]) => void;

const NAMES = Object.keys(LEVEL_OF) as Method[];
const RULES = {
  print: option(true, isBoolean, 'true or false'),
  source: option('console', isString, 'a text'),
};
const forwarding = { isOn: false };

/**
 * From now on `console.log` and its like make records where this process logs. Not for a process
 * whose output is forwarded already: each line would come twice. Answers the undo. Throws
 * `UsageError` where the process logs nowhere, or does it already.
 */
export function forwardConsole(options: ForwardConsoleOptions = {}): () => void {
  const { print, source } = resolveOptions('forwardConsole', RULES, options);
  const { sink } = requireLogger('Cannot forward the console: this process has no log');
  if (forwarding.isOn) throw new UsageError('Cannot forward the console: it is forwarded already');
  forwarding.isOn = true;
  const methods = globalThis.console as unknown as Record<Method, Say>;
  const before = Object.fromEntries(NAMES.map((name) => [name, methods[name]])) as typeof methods;
  for (const name of NAMES) {
    const level = LEVEL_OF[name];
    methods[name] = (...args) => {
      if (isAtLeast(level, processLevel())) sink.write(makeRecord(level, format(...args), source));
      if (print) before[name](...args);
    };
  }
  return () => {
    Object.assign(methods, before);
    forwarding.isOn = false;
  };
}
