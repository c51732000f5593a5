// Tasks of pools: one that ends when nobody waits for it any more, and one that just answers.
import { once } from 'node:events';
import { currentSignal } from 'referent';

export async function endless(started) {
  const stopped = once(currentSignal(), 'abort');
  started().catch(() => undefined); // its client is killed
  const alive = setInterval(() => undefined, 1000);
  await stopped;
  clearInterval(alive);
}

export function short(answer) {
  return answer;
}
