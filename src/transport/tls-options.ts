// TLS as an option: plain data, the same for both roles, so that it can go to a child process. The
// owner of a tls:// manager is its client and starts its server.

import { AuthenticationError } from '../base/errors';

export interface TlsOptions {
  /** The own certificate with those that lead to its authority, PEM. */
  readonly cert?: string | Buffer | undefined;
  /** The private key of `cert`, PEM. */
  readonly key?: string | Buffer | undefined;
  /** The authorities that the other side's certificate must come from. Given to a server, it asks its clients for one. */
  readonly ca?: string | Buffer | undefined;
  readonly passphrase?: string | undefined;
  /** The name in the server's certificate, where the address has another one. */
  readonly servername?: string | undefined;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
}

/** What node:tls calls a certificate that it does not take, and a handshake that came to nothing. */
const REFUSALS =
  /^(ERR_SSL_|ERR_TLS_|EPROTO|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|INVALID_(CA|PURPOSE)|PATH_LENGTH_)/;

/** The error of a TLS connection that one of the sides refused; undefined where it failed otherwise. */
export function tlsRefusal(address: string, error: Error | undefined): Error | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (error === undefined || !REFUSALS.test(code)) return undefined;
  const remedy = /ALERT/.test(code)
    ? 'the server refused this client: give the certificate that it asks for, tls: { cert, key }'
    : code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER'
      ? 'what listens there does not speak TLS'
      : 'give the authority of its certificate as tls.ca, and as tls.servername the name in it where the address has another';
  const reason = (error as { reason?: string }).reason ?? error.message;
  return new AuthenticationError(`Cannot connect to ${address}: ${reason} (${code}); ${remedy}`, {
    cause: error,
  });
}

/** Buffers that went through a message of a child process are plain bytes. */
export function asBuffers(options: TlsOptions): TlsOptions {
  const revived = Object.entries(options).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(value) : value,
  ]);
  return Object.fromEntries(revived) as TlsOptions;
}
