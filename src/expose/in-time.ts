// Waiting for an answer only as long as somebody wants it.

import { type WaitOptions } from '../proxy/options';

/** Longer than this no timer of Node's runs. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * What `answer` gives. When the time is over before (0: never), or the signal aborts, it is what
 * `giveUp` gives or throws, which gets the reason of the signal.
 */
export async function inTime<T>(
  answer: Promise<T>,
  { timeoutMs = 0, signal }: WaitOptions,
  giveUp: (reason?: unknown) => T,
): Promise<T> {
  if (signal?.aborted === true) return giveUp(signal.reason);
  if (timeoutMs === 0 && signal === undefined) return await answer;
  const over = new AbortController();
  const end = new Promise<{ readonly reason?: unknown }>((resolve) => {
    const abort = (): void => {
      resolve({ reason: signal?.reason });
    };
    signal?.addEventListener('abort', abort, { signal: over.signal });
    if (timeoutMs === 0) return;
    const timer = setTimeout(resolve, Math.min(timeoutMs, TIMER_MS_MAX), {});
    over.signal.addEventListener('abort', () => {
      clearTimeout(timer);
    });
  });
  try {
    return await Promise.race([answer, end.then(({ reason }) => giveUp(reason))]);
  } finally {
    over.abort(); // no timer and no listener survives the race
  }
}
