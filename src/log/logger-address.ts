// Where this process logs to: its own log server, else the address that it was given.

import { UsageError } from '../base/errors';
import { resolveOptions } from '../base/options';
import { type LogSink } from './record';
import { KEY_RULES, type LogRoute, learnRoute, requireProof } from './route';
import { LogSender } from './sender';

/** A log server of this process, as seen from here. */
export interface OwnServer extends LogSink {
  readonly address: string;
  readonly route: LogRoute;
}

/** The newest last. */
const own: OwnServer[] = [];
const given: { route: LogRoute | undefined; sender: LogSender | undefined } = {
  route: undefined,
  sender: undefined,
};

export function addOwnServer(server: OwnServer): void {
  own.push(server);
}
export function removeOwnServer(server: OwnServer): void {
  const at = own.indexOf(server);
  if (at !== -1) own.splice(at, 1);
}

/**
 * What this process and those that it starts log to, unless it has a log server of its own. A port
 * needs its `authkey`. Throws `UsageError` for a bad address.
 */
export function setLoggerAddress(address: string, options: Omit<LogRoute, 'address'> = {}): void {
  const route = { ...resolveOptions('setLoggerAddress', KEY_RULES, options), address };
  requireProof('log to', route);
  learnRoute(route);
  const sender = new LogSender(address);
  void given.sender?.close();
  given.route = route;
  given.sender = sender;
}

/** That of the newest log server of this process, else the one that was set last. */
export function getLoggerAddress(): string | undefined {
  return loggerRoute()?.address;
}

export function loggerRoute(): LogRoute | undefined {
  return own.at(-1)?.route ?? given.route;
}

/** Where this process itself logs; undefined where nobody has said. */
export function processSink(): LogSink | undefined {
  return own.at(-1) ?? given.sender;
}

/** The log server of this process at that address. */
export function ownServerAt(address: string): OwnServer | undefined {
  return own.find((server) => server.address === address);
}

/** Throws `UsageError`, which begins with `why`, where this process logs nowhere. */
export function requireLogger(why: string): { readonly sink: LogSink; readonly route: LogRoute } {
  const [sink, route] = [processSink(), loggerRoute()];
  if (sink !== undefined && route !== undefined) return { sink, route };
  throw new UsageError(`${why}: await startLogServer() before, or setLoggerAddress(address)`);
}

/** The end of this process: what it has logged leaves, as far as it can. */
export async function closeLogger(): Promise<void> {
  await given.sender?.close();
}
