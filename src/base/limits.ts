// Everything a peer can make us do has a limit, and every limit stands here.
//
// The figures and their precedents: `docs/protocol.md`, Limits.

import { UsageError } from './errors';

export interface Limits {
  /** One message. Checked from its header, before memory is taken. Of a manager that is not private: 64 MiB. */
  readonly messageBytes: number;
  /** How deep plain data may be nested. */
  readonly depth: number;
  /** Objects and arrays in one value. */
  readonly nodes: number;
  /** Keys of one plain object. */
  readonly keys: number;
  /** Sessions of a server at a time. */
  readonly sessions: number;
  /** Referents that one session may hold. */
  readonly references: number;
  /** Tickets that one session may have alive. */
  readonly tickets: number;
  /** Calls of one session that run at a time; further ones wait in the server. */
  readonly calls: number;
  /** Blocking calls of one session that wait at a time. */
  readonly waiters: number;
  /** Unsent bytes of one session above which its new calls wait. */
  readonly outboundBytes: number;
  /** From a connection to its session. */
  readonly handshakeMs: number;
  /** Connections that have not proved who they are, at a time. */
  readonly handshakes: number;
  /** How long the ticket behind a token in JSON keeps its referent alive. */
  readonly ticketMs: number;
  /** How long the references of a session outlive a connection that broke. */
  readonly lingerMs: number;
  /** Silence after which a network peer is taken for dead. */
  readonly leaseMs: number;
  /** From the fork of a manager to its first word. */
  readonly startMs: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  messageBytes: 2 ** 30,
  depth: 128,
  nodes: 1_000_000,
  keys: 65_536,
  sessions: 4096,
  references: 1_000_000,
  tickets: 10_000,
  calls: 1024,
  waiters: 10_000,
  outboundBytes: 2 ** 20,
  handshakeMs: 5000,
  handshakes: 128,
  ticketMs: 300_000,
  lingerMs: 5000,
  leaseMs: 20_000,
  startMs: 10_000,
});

/** What others than processes of this user may send at once. */
const SHARED_MESSAGE_BYTES = 64 * 2 ** 20;

/** The defaults for a manager that is private, or for any other. */
export function defaultLimits(isPrivate: boolean): Limits {
  return isPrivate ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, messageBytes: SHARED_MESSAGE_BYTES };
}

/** The defaults with what was given in their place. Throws `UsageError` for an unknown or bad one. */
export function resolveLimits(given: Partial<Limits> = {}, isPrivate = true): Limits {
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      const known = Object.keys(DEFAULT_LIMITS).join(', ');
      throw new UsageError(`Unknown limit "${name}"; there are: ${known}`);
    }
    if (value !== undefined && !(typeof value === 'number' && value >= 0)) {
      throw new UsageError(`Limit "${name}" must be a number >= 0`);
    }
  }
  const wanted = Object.entries(given).filter(([, value]) => (value as unknown) !== undefined);
  return Object.freeze({ ...defaultLimits(isPrivate), ...Object.fromEntries(wanted) });
}
