// The flags with which a manager is protected, and reached: its key and its certificates.

import { readFileSync, fstatSync, openSync, closeSync } from 'node:fs';
import { UsageError, messageOf } from '../base/errors';
import { isPrivateAddress } from '../process/runtime-directory';
import { type TlsOptions } from '../transport/tls-options';
import { type Flags, type Values } from './command';
import { say } from './output';

export const ACCESS = {
  'authkey-file': {
    type: 'string',
    value: 'FILE',
    help: 'the key, which "referent key" makes; - reads it from stdin',
  },
  'tls-ca': { type: 'string', value: 'FILE', help: "who signed the other side's certificate" },
  'tls-cert': { type: 'string', value: 'FILE', help: 'the certificate of this side' },
  'tls-key': { type: 'string', value: 'FILE', help: 'the private key of that certificate' },
  insecure: { type: 'boolean', help: 'beyond this machine without TLS' },
} as const satisfies Flags;

export const ACCESS_NOTES = `  The environment variable REFERENT_AUTHKEY_FILE names the key where no flag does. Private
  addresses, those that referent makes itself, need none: a process of the same user finds it.`;

interface Access {
  readonly authkey: string | undefined;
  readonly insecure: boolean;
  readonly tls?: TlsOptions;
}

const STDIN = 0;

/** Throws `UsageError` where a file cannot be read, or the key is missing. */
export function accessTo(address: string | undefined, values: Values<typeof ACCESS>): Access {
  const [ca, cert, key] = [values['tls-ca'], values['tls-cert'], values['tls-key']];
  const hasTls = ca !== undefined || cert !== undefined || key !== undefined;
  const tls = { ca: contentOf(ca), cert: contentOf(cert), key: secretOf(key) };
  const authkey = secretOf(values['authkey-file'] ?? usualKeyFile(address));
  return { authkey, insecure: values.insecure ?? false, ...(hasTls ? { tls } : {}) };
}

/** A key that is meant for shared addresses is wrong for a private one. */
function usualKeyFile(address: string | undefined): string | undefined {
  if (address === undefined || isPrivateAddress(address)) return undefined;
  const file = process.env.REFERENT_AUTHKEY_FILE;
  if (file !== undefined && file !== '') return file;
  throw new UsageError(
    `The manager at ${address} needs a key: --authkey-file FILE, made by "referent key FILE"`,
  );
}

function contentOf(file: string | undefined): string | undefined {
  return file === undefined ? undefined : read(file, () => readFileSync(file, 'utf8').trim());
}

/** The content of a file that is nobody else's business. */
function secretOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  if (file === '-') return read('stdin', () => readFileSync(STDIN, 'utf8').trim());
  return read(file, () => {
    const descriptor = openSync(file, 'r');
    try {
      if (isOpenToOthers(descriptor)) {
        say(`warning: ${file} can be read by other users; "chmod 600 ${file}" ends that`);
      }
      return readFileSync(descriptor, 'utf8').trim();
    } finally {
      closeSync(descriptor);
    }
  });
}

/** Windows has other rules, and pipes no readers beside us. */
function isOpenToOthers(descriptor: number): boolean {
  const stat = fstatSync(descriptor);
  return process.platform !== 'win32' && stat.isFile() && (stat.mode & 0o077) !== 0;
}

function read(name: string, reading: () => string): string {
  try {
    return reading();
  } catch (cause) {
    throw new UsageError(`Cannot read ${name}: ${messageOf(cause)}`, { cause });
  }
}
