import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Manager, ManagerDiedError, release, revive, type ListProxy } from '../src';

async function main(): Promise<void> {
  const manager = new Manager({ limits: { lingerMs: 100 } });
  const ours = manager.list<string>();
  const theirs = manager.list<string>();
  const child = fork(__filename, ['child']);
  child.send([ours, theirs]);
  await once(child, 'message'); // the child holds both
  release(theirs); // now only the child holds it
  console.log('held', await manager.numberOfObjects());

  child.kill('SIGKILL');
  await once(child, 'exit');
  await sleep(500);
  console.log('after the child was killed', await manager.numberOfObjects());
  console.log('ours', await ours.toArray());

  process.kill(manager.pid ?? 0, 'SIGKILL');
  try {
    await ours.toArray();
  } catch (error) {
    if (!(error instanceof ManagerDiedError)) throw error;
    console.log(error.code, error.signal);
  }
}

function inChild(): void {
  process.on('message', (message: ListProxy<string>[]) => {
    const lists = revive(message);
    const written = lists.map((list) => list.push('written by the child'));
    void Promise.all(written).then(() => process.send?.('ready'));
  });
}

if (process.argv[2] === 'child') inChild();
else void main();
