// referent key: makes a key, in a file that nobody else can read.

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { ReferentError, messageOf } from '../base/errors';
import { command } from './command';

const KEY_BYTES = 32;

export const key = command({
  name: 'key',
  argument: 'FILE',
  summary: 'Writes a new random key to a file that only you can read, and that was not there.',
  flags: {},
  run: async (_values, file) => {
    try {
      await writeFile(file, `${randomBytes(KEY_BYTES).toString('hex')}\n`, {
        flag: 'wx',
        mode: 0o600,
      });
    } catch (cause) {
      throw new ReferentError(`Cannot write a key: ${messageOf(cause)}`, { cause });
    }
  },
});
