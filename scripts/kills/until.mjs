// Waiting for what another process does: looks again until it is so, or fails after a time.
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when `condition` is true; rejects after `timeoutMs`. */
export async function until(condition, what, { timeoutMs = 5000, everyMs = 1 } = {}) {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Waited ${timeoutMs} ms for ${what}`);
    await sleep(everyMs);
  }
}

/** Resolves when the object, as the manager shows it, has `text` in its text. */
export function says(proxy, text) {
  return until(async () => (await proxy.toStringRemote()).includes(text), `"${text}"`);
}
