// What an address must be protected with: nothing on this machine, where only its processes get at
// the bytes; a key and TLS beyond it, unless somebody spells out that he wants neither.

import { UsageError } from './base/errors';
import { isString, option, resolveOptions } from './base/options';
import { type NetworkAddress, isLoopback, parseAddress } from './transport/address';
import { type TlsOptions } from './transport/tls-options';

interface Protection {
  readonly authkey?: string | Uint8Array | undefined;
  readonly tls?: TlsOptions | undefined;
  readonly insecure?: boolean | undefined;
}

const isPem = (value: unknown): boolean => isString(value) || value instanceof Uint8Array;
const pem = option<string | Buffer | undefined>(undefined, isPem, 'a text or bytes in PEM');
const text = option<string | undefined>(undefined, isString, 'a text');
const TLS_RULES = {
  cert: pem,
  key: pem,
  ca: pem,
  passphrase: text,
  servername: text,
  minVersion: option<'TLSv1.2' | 'TLSv1.3' | undefined>(
    undefined,
    (value) => value === 'TLSv1.2' || value === 'TLSv1.3',
    "'TLSv1.2' or 'TLSv1.3'",
  ),
};

/** Throws `UsageError` that says what the address needs to serve there, or to connect to it. */
export function requireProtection(
  role: 'serve' | 'connect',
  address: string,
  protection: Protection,
): void {
  const { tls, insecure } = protection;
  const parsed = parseAddress(address);
  if (tls !== undefined) resolveOptions('option "tls"', TLS_RULES, tls);
  if (tls !== undefined && parsed.kind !== 'tls') {
    throw new UsageError(`Option "tls" is for addresses tls://host:port, and not for ${address}`);
  }
  if (parsed.kind === 'local') return;
  const isBare = tls?.cert === undefined || tls.key === undefined;
  if (parsed.kind === 'tls' && role === 'serve' && isBare) {
    throw new UsageError(`Cannot serve at ${address}: give a certificate, tls: { cert, key }`);
  }
  if (isLoopback(parsed) || insecure === true) return;
  requireKeyAndTls(role, parsed, protection);
}

function requireKeyAndTls(
  role: 'serve' | 'connect',
  { kind, text: address, port, host }: NetworkAddress,
  { authkey }: Protection,
): void {
  const missing = [
    ...(authkey === undefined ? ['an authkey'] : []),
    ...(kind === 'tcp' ? [`TLS (tls://${host}:${String(port)})`] : []),
  ];
  if (missing.length === 0) return;
  const what = role === 'serve' ? 'serve at' : 'connect to';
  throw new UsageError(
    `Cannot ${what} ${address}: beyond this machine that takes ${missing.join(' and ')}, or insecure: true where the network is trusted`,
  );
}
