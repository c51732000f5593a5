// Addresses: unix:/path and pipe:name on this machine, tcp://host:port and tls://host:port beyond it.

import { UsageError } from '../base/errors';

export interface LocalAddress {
  readonly kind: 'local';
  readonly text: string;
  /** For node:net. */
  readonly path: string;
}
export interface NetworkAddress {
  readonly kind: 'tcp' | 'tls';
  readonly text: string;
  /** A name or a number; of IPv6 without the brackets. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}
export type Address = LocalAddress | NetworkAddress;

/** Longer ones are cut silently by some systems. */
const PATH_BYTES_MAX = 103;
const PORT_MAX = 65_535;
const LOOPBACK = /^(localhost|::1|(::ffff:)?127(\.\d{1,3}){3})$/i;
/** The addresses that stand for all those of a machine, and what reaches them from itself. */
const WILDCARDS = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/** Throws `UsageError` that says what an address looks like. */
export function parseAddress(text: string): Address {
  const network = /^(tcp|tls):\/\/(.*)$/.exec(text);
  if (network !== null) return parseNetwork(text, network[1] as 'tcp' | 'tls', network[2] ?? '');
  const path = /^unix:(\/.+)$/.exec(text)?.[1];
  if (path !== undefined) {
    if (process.platform === 'win32') throw bad(text, 'Windows has pipe:name instead');
    if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
      throw bad(text, `a socket's path has at most ${String(PATH_BYTES_MAX)} bytes`);
    }
    return { kind: 'local', text, path };
  }
  const pipe = /^pipe:([^\\/]+)$/.exec(text)?.[1];
  if (pipe !== undefined) {
    if (process.platform !== 'win32')
      throw bad(text, 'named pipes are for Windows; use unix:/path');
    return { kind: 'local', text, path: `\\\\.\\pipe\\${pipe}` };
  }
  throw bad(
    text,
    'an address is unix:/absolute/path, pipe:name on Windows, tcp://host:port or tls://host:port',
  );
}

function parseNetwork(text: string, kind: 'tcp' | 'tls', rest: string): NetworkAddress {
  const found = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d+))?$/i.exec(rest);
  if (found === null) {
    throw bad(text, `it is ${kind}://host:port, with an IPv6 address in brackets`);
  }
  const port = Number(found[3]);
  if (found[3] === undefined) throw bad(text, 'the port is missing; 0 lets the system choose');
  if (port > PORT_MAX) throw bad(text, `a port is at most ${String(PORT_MAX)}`);
  return { kind, text, host: found[1] ?? found[2] ?? '', port };
}

/** Whether bytes for that address leave the machine, or could. */
export function isNetwork(text: string): boolean {
  return /^(tcp|tls):/.test(text);
}

/** Whether only processes of this machine reach what listens there. */
export function isLoopback({ host }: NetworkAddress): boolean {
  return LOOPBACK.test(host);
}

/** The address with the port that the system chose. */
export function withPort({ kind, host }: NetworkAddress, port: number): string {
  return `${kind}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

/** The address by which this machine itself reaches what listens at `text`. */
export function reachable(text: string): string {
  if (!isNetwork(text)) return text;
  const address = parseAddress(text) as NetworkAddress;
  const host = WILDCARDS.get(address.host);
  return host === undefined ? text : withPort({ ...address, host }, address.port);
}

/** Whether the system has not chosen the port yet. */
export function lacksPort(text: string): boolean {
  return isNetwork(text) && /:0+$/.test(text);
}

function bad(text: string, why: string): UsageError {
  return new UsageError(`Bad address "${text}": ${why}`);
}
