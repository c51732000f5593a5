// A server may start after its clients, so Manager.connect tries again, a few times, and says so.

import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionLostError, messageOf } from './base/errors';
import { type ConnectSettings } from './manager-options';
import { isPrivateAddress } from './process/runtime-directory';
import { retryLocal } from './proxy/realm';
import { isPassing } from './session/loss';
import { isNetwork } from './transport/address';

/** Longer than this no delay grows. */
const DELAY_MS_MAX = 60_000;

/** Before the attempt that follows number `attempt`, which failed. */
export function delayAfter(
  attempt: number,
  { retryDelayMs, retryBackoff }: Pick<ConnectSettings, 'retryDelayMs' | 'retryBackoff'>,
): number {
  const longest = Math.max(retryDelayMs, DELAY_MS_MAX);
  return Math.min(retryDelayMs * retryBackoff ** (attempt - 1), longest);
}

/**
 * Whether to make another attempt; waits before. `warn` hears of the first one that failed. Rejects
 * with the signal's reason.
 */
export async function tryAgain(
  address: string,
  settings: ConnectSettings,
  { error, attempt }: { readonly error: unknown; readonly attempt: number },
  warn: (warning: Error) => void,
): Promise<boolean> {
  const { retries, retryDelayMs, retryBackoff, signal } = settings;
  signal?.throwIfAborted();
  if (isPrivateAddress(address)) return await retryLocal(error, attempt);
  if (attempt > retries || (isNetwork(address) && !isPassing(error))) return false;
  if (attempt === 1) {
    const rest = retries === 1 ? 'once more' : `up to ${String(retries)} times more`;
    const every = retryBackoff === 1 ? 'every' : 'after';
    warn(
      new ConnectionLostError(
        `Cannot connect to ${address} yet: ${messageOf(error)}; trying ${rest}, ${every} ${String(retryDelayMs)} ms`,
        { cause: error, outcome: 'not-sent' },
      ),
    );
  }
  await sleep(
    delayAfter(attempt, settings),
    undefined,
    signal === undefined ? {} : { signal },
  ).catch(
    () => undefined, // aborted: with whose reason, the next line says
  );
  signal?.throwIfAborted();
  return true;
}
