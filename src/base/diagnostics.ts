// What happens between processes, for those who look: on `node:diagnostics_channel`, and printed with
// NODE_DEBUG=referent. Names and numbers, never values.
//
// Rule: where nobody listens nothing is paid. Who publishes asks `hasSubscribers` before it makes the
// message.

import { channel, subscribe } from 'node:diagnostics_channel';
import { debuglog } from 'node:util';

/** What is published on all three channels. */
export interface Diagnostic {
  readonly kind: string;
  /** What is on the other side: an address. */
  readonly peer: string;
  /** The same in one line, for people. */
  readonly text: string;
}

export const connectionChannel = channel('referent:connection');
export const referenceChannel = channel('referent:reference');
export const callChannel = channel('referent:call');

/** Whether anybody listens to what is sent and received. */
export function isTraced(): boolean {
  return (
    callChannel.hasSubscribers ||
    referenceChannel.hasSubscribers ||
    connectionChannel.hasSubscribers
  );
}

/** A connection begins, is there, or ends. */
export function traceConnection(
  kind: 'connecting' | 'open' | 'closed',
  peer: string,
  reason?: Error,
): void {
  if (!connectionChannel.hasSubscribers) return;
  const why = reason === undefined ? '' : `: ${reason.message}`;
  connectionChannel.publish({ kind, peer, reason, text: `${peer} ${kind}${why}` });
}

const debug = debuglog('referent');

function print(message: unknown): void {
  debug('%s', (message as Diagnostic).text);
}

if (debug.enabled) {
  for (const { name } of [connectionChannel, referenceChannel, callChannel]) subscribe(name, print);
}
