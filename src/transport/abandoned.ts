// Sockets in the file system outlive a process that was killed. Nobody answers there any more, and
// nobody else can listen there, until somebody removes the file.

import { type Stats, lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';

/** What an attempt to connect says where the process that listened is gone. */
const GONE = new Set(['ECONNREFUSED', 'ENOENT']);

/** Whether somebody listens at that path, or may: one that we may not ask counts too. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      resolve(!GONE.has(code));
    });
  });
}

/**
 * Removes a socket at which nobody listens. Resolves with whether the path is free now: it is not
 * where somebody listens, nor where a file of another kind is.
 */
export async function removeAbandoned(path: string): Promise<boolean> {
  const before = statOf(path);
  if (before === undefined) return true;
  if (!before.isSocket() || (await answers(path))) return false;
  // Another process may have removed it meanwhile, and listen there by now.
  if (!isSame(before, statOf(path))) return false;
  rmSync(path, { force: true });
  return true;
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Numbers of files are used again, also at once; together with the time they are not. */
function isSame(before: Stats, now: Stats | undefined): boolean {
  return now?.ino === before.ino && now.ctimeMs === before.ctimeMs;
}
