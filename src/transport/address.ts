// Addresses: unix:/path and pipe:name.

import { UsageError } from '../base/errors';

export interface Address {
  readonly text: string;
  /** For node:net. */
  readonly path: string;
}

/** Longer ones are cut silently by some systems. */
const PATH_BYTES_MAX = 103;

/** Throws `UsageError` that says what an address looks like. */
export function parseAddress(text: string): Address {
  const path = /^unix:(\/.+)$/.exec(text)?.[1];
  if (path !== undefined) {
    if (process.platform === 'win32') throw bad(text, 'Windows has pipe:name instead');
    if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
      throw bad(text, `a socket's path has at most ${String(PATH_BYTES_MAX)} bytes`);
    }
    return { text, path };
  }
  const pipe = /^pipe:([^\\/]+)$/.exec(text)?.[1];
  if (pipe !== undefined) {
    if (process.platform !== 'win32')
      throw bad(text, 'named pipes are for Windows; use unix:/path');
    return { text, path: `\\\\.\\pipe\\${pipe}` };
  }
  if (/^(tcp|tls):/.test(text)) throw bad(text, 'this version serves local addresses only');
  throw bad(text, 'an address is unix:/absolute/path, or pipe:name on Windows');
}

function bad(text: string, why: string): UsageError {
  return new UsageError(`Bad address "${text}": ${why}`);
}
