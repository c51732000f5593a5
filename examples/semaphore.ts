import { setTimeout as sleep } from 'node:timers/promises';
import { Manager } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const downloads = manager.semaphore(2);
  let now = 0;
  let most = 0;
  const download = (): Promise<void> =>
    downloads.use(async () => {
      most = Math.max(most, ++now);
      await sleep(5);
      now--;
    });
  await Promise.all([download(), download(), download(), download()]);
  console.log('at most', most, 'at a time; free now', await downloads.value());
}

void main();
