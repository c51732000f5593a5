// How much a record matters, and from where on this process sends them.

import { UsageError } from '../base/errors';
import { option } from '../base/options';

/** The lowest first. */
export const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const LOWEST = 'trace';

export const isLevel = (level: unknown): boolean => LEVELS.includes(level as string);

/** Of options: absent means that somebody else decides. */
export const LEVEL_RULE = option<string | undefined>(
  undefined,
  isLevel,
  `one of ${LEVELS.join(', ')}`,
);

/** Throws `UsageError` for what is no level. */
export function requireLevel(level: string): string {
  if (isLevel(level)) return level;
  throw new UsageError(`Unknown level "${level}"; there are: ${LEVELS.join(', ')}`);
}

export function isAtLeast(level: string, threshold: string): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(threshold);
}

let ofProcess = LOWEST;

/** What is below is not sent from this process: `logLevel` of whoever started it, else all is. */
export function processLevel(): string {
  return ofProcess;
}
export function setProcessLevel(level: string): void {
  ofProcess = requireLevel(level);
}
