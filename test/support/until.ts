// Waiting for what must become true, instead of sleeping as long as it usually takes.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 5;

/** Resolves with the first truthy answer of `condition`; rejects after `deadlineMs`, with the last one. */
export async function until<T>(
  condition: () => T | Promise<T>,
  what = 'the condition',
  deadlineMs = 5000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > end) {
      throw new Error(
        `Waited ${String(deadlineMs)} ms for ${what}; the last answer: ${String(answer)}`,
      );
    }
    await sleep(POLL_MS);
  }
}
