import { fork } from 'node:child_process';
import { once } from 'node:events';
import { FenceError, Manager, revive, withOptions, type LockProxy } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const lock = manager.lock();
  const balance = manager.dict({ ann: 10, ben: 0 });

  await lock.use(async () => {
    const ann = (await balance.get('ann')) ?? 0; // nobody else is between this and the writing
    await balance.update({ ann: ann - 5, ben: 5 });
  });
  console.log(await balance.toObject());

  const child = fork(__filename, ['child']);
  child.send({ lock });
  await once(child, 'message'); // the child holds it
  console.log('free for us', (await lock.tryAcquire()) !== undefined);
  const next = lock.acquire();
  child.kill('SIGKILL');
  const handle = await next;
  console.log('left by a dead holder', handle.abandoned !== undefined);

  const guarded = withOptions(balance, { guard: handle }); // runs only while the lock is held
  await guarded.set('ann', 6);
  await handle.release();
  await guarded.set('ann', 7).catch((error: unknown) => {
    console.log('too late', error instanceof FenceError);
  });
}

function inChild(): void {
  process.once('message', (message: { lock: LockProxy }) => {
    const { lock } = revive(message);
    void lock.use(() => {
      process.send?.('held');
      return once(process, 'message'); // which never comes
    });
  });
}

if (process.argv[2] === 'child') inChild();
else void main();
