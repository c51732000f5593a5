// How a command that failed tells it: one line, and an exit code that a script can go by.

import { debuglog, inspect } from 'node:util';
import {
  AuthenticationError,
  ConnectionLostError,
  TimeoutError,
  UsageError,
  messageOf,
} from '../base/errors';
import { say } from './output';

export const EXIT_CODES = [
  [0, 'it is done'],
  [1, 'it could not be done'],
  [2, 'the command line is wrong'],
  [3, 'nobody answers at the address'],
  [4, 'the key or the certificate was refused'],
] as const;

export type ExitCode = (typeof EXIT_CODES)[number][0];

const DEBUG = debuglog('referent');

/** Where a message of the library names an option, the command line has a flag. */
const FLAGS: readonly (readonly [string, string])[] = [
  ['insecure: true', '--insecure'],
  ['tls: { cert, key }', '--tls-cert and --tls-key'],
  ['Option "tls"', 'A flag --tls-…'],
  ['tls.ca', '--tls-ca'],
  ['tls.servername', '--tls-servername'],
  ['crypto.randomBytes(32) makes a good one', '"referent key FILE" makes a good one'],
];

/** Tells on stderr what went wrong. */
export function tell(error: unknown, args: readonly string[]): void {
  const line = messageOf(error).replace(/\s*\n\s*/g, ' ');
  say(FLAGS.reduce((text, [option, flag]) => text.replaceAll(option, flag), line));
  if (args.includes('--debug') || DEBUG.enabled) process.stderr.write(`${inspect(error)}\n`);
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof AuthenticationError) return 4;
  if (error instanceof ConnectionLostError || error instanceof TimeoutError) return 3;
  return error instanceof UsageError ? 2 : 1;
}
