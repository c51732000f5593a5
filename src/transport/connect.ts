// The connecting side, on plain node:net and node:tls.

import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { UsageError, messageOf } from '../base/errors';
import { type Address } from './address';
import { type Link } from './link';
import { SocketLink } from './socket-link';
import { type TlsOptions, tlsRefusal } from './tls-options';

export interface ConnectingOptions {
  readonly tls?: TlsOptions | undefined;
  /** Takes any certificate: for whom the handshake that follows proves more than one could. */
  readonly trusting?: boolean | undefined;
  /** How long an attempt may take. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Keeps the process not alive, not even until it has come to something. */
  readonly background?: boolean | undefined;
}

/**
 * Rejects with what the system says: ENOENT, ECONNREFUSED …; with `AuthenticationError` where TLS
 * comes to nothing; with the signal's reason.
 */
export function connect(address: Address, options: ConnectingOptions = {}): Promise<Link> {
  const { timeoutMs, signal, background = false } = options;
  return new Promise((resolve, reject) => {
    const socket = openSocket(address, options);
    const abort = (): void => {
      socket.destroy(signal?.reason as Error);
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(tooSlow, timeoutMs);
    function tooSlow(): void {
      const error = new Error(`No answer within ${String(timeoutMs)} ms`);
      socket.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
    }
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const fail = (error: Error): void => {
      settle();
      reject(tlsRefusal(address.text, error) ?? error);
    };
    if (background) {
      socket.unref();
      timer?.unref();
    }
    signal?.addEventListener('abort', abort, { once: true });
    socket.once('error', fail);
    socket.once(address.kind === 'tls' ? 'secureConnect' : 'connect', () => {
      settle();
      socket.off('error', fail);
      resolve(new SocketLink(socket, address.text, address.kind !== 'local'));
    });
  });
}

function openSocket(address: Address, { tls, trusting }: ConnectingOptions): Socket {
  if (address.kind === 'local') return connectSocket(address.path);
  const { host, port } = address;
  if (address.kind === 'tcp') return connectSocket({ host, port });
  try {
    return connectTls({ ...tls, host, port, rejectUnauthorized: trusting !== true });
  } catch (cause) {
    throw new UsageError(`Option "tls" cannot be used: ${messageOf(cause)}`, { cause });
  }
}
