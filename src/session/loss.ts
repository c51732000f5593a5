// How the end of a connection is told: on one machine a broken connection is a death, over a network
// it may be anything.

import {
  AuthenticationError,
  ConnectionLostError,
  ManagerDiedError,
  ReferentError,
} from '../base/errors';
import { isNetwork } from '../transport/address';
import { tlsRefusal } from '../transport/tls-options';

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The error of a connection that broke without a word. `exit`: how the manager's process ended, where known. */
export function lossOf(
  address: string,
  cause: Error | undefined,
  exit?: Exit,
): ConnectionLostError {
  const options = cause === undefined ? {} : { cause };
  if (exit === undefined && isNetwork(address)) {
    const how = cause?.message ?? 'the other side closed it without a word';
    const text = `The connection to the manager at ${address} is lost: ${how}`;
    return new ConnectionLostError(text, options);
  }
  const how =
    exit === undefined
      ? 'its connection broke'
      : exit.signal === null
        ? `it exited with code ${String(exit.code)}`
        : `it was ended by ${exit.signal}`;
  return new ManagerDiedError(`The manager at ${address} has died: ${how}`, {
    ...options,
    exitCode: exit?.code ?? null,
    signal: exit?.signal ?? null,
  });
}

/** A connection that ended before the manager's greeting: over TLS that is how a server refuses. */
export function refusalOf(address: string, cause: Error | undefined): Error | undefined {
  if (!address.startsWith('tls:')) return undefined;
  return (
    tlsRefusal(address, cause) ??
    new AuthenticationError(
      `Cannot connect to ${address}: the server closed the connection before it said a word; it may want another certificate of this client, tls: { cert, key }`,
      { cause },
    )
  );
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there; its manager has ended, or was never started',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'its name cannot be looked up now',
  ETIMEDOUT: 'nobody answers there',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
};

/** The error of an attempt that found nobody. */
export function unreachable(address: string, cause: unknown): Error {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (cause instanceof ReferentError) return cause;
  const why = (isNetwork(address) ? REASONS[code] : undefined) ?? REASONS.ECONNREFUSED ?? '';
  const Type = isNetwork(address) ? ConnectionLostError : ManagerDiedError;
  return new Type(`Cannot connect to ${address}: ${why}`, { cause, outcome: 'not-sent' });
}

/** Whether another attempt over a network may find what this one did not. */
export function isPassing(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return code in REASONS || code === 'ECONNRESET';
}
