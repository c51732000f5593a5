// How to reach a log server: its address, and over a network the key and the certificates. This is
// what children are told, over the channel of their fork.

import { UsageError } from '../base/errors';
import { isObject, isString, option } from '../base/options';
import { isLoopback, parseAddress } from '../transport/address';
import { type TlsOptions } from '../transport/tls-options';

export interface LogRoute {
  readonly address: string;
  readonly authkey?: string | Uint8Array | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** What this process knows, by address: of its own log servers, and of those that it was told of. */
const known = new Map<string, LogRoute>();

export function learnRoute(route: LogRoute): void {
  known.set(route.address, route);
}
export function forgetRoute(address: string): void {
  known.delete(address);
}
/** With the key that this process knows, and `tls` where that was given. */
export function routeTo(address: string, tls?: TlsOptions): LogRoute {
  const route = known.get(address) ?? { address };
  return tls === undefined ? route : { ...route, tls };
}

const isKey = (value: unknown): boolean => isString(value) || value instanceof Uint8Array;

/** What protects a network address, as options. */
export const KEY_RULES = {
  authkey: option<string | Uint8Array | undefined>(undefined, isKey, 'a text or bytes'),
  tls: option<TlsOptions | undefined>(undefined, isObject, 'an object'),
};

/**
 * Throws `UsageError` where the way is not protected. On this machine the permissions of the socket
 * do that; a port is open to everybody, and needs a key, and beyond the machine TLS.
 */
export function requireProof(what: 'log to' | 'serve logs at', route: LogRoute): void {
  const { address, authkey, tls } = route;
  const parsed = parseAddress(address);
  if (parsed.kind !== 'tls' && tls !== undefined) {
    throw new UsageError(`Option "tls" is for addresses tls://host:port, and not for ${address}`);
  }
  if (parsed.kind === 'local') return;
  if (authkey === undefined) throw new UsageError(`Cannot ${what} ${address}: give an authkey`);
  if (parsed.kind === 'tcp' && !isLoopback(parsed)) {
    const { host, port } = parsed;
    const instead = `tls://${host}:${String(port)}`;
    throw new UsageError(`Cannot ${what} ${address}: logs leave the machine by ${instead} only`);
  }
  if (what === 'serve logs at' && parsed.kind === 'tls' && tls?.cert === undefined) {
    throw new UsageError(`Cannot serve logs at ${address}: give a certificate, tls: { cert, key }`);
  }
}
