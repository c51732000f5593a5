// remoteobj, "Now on the remote side": a loop that handles requests itself, and one that need not.
// There: with obj.remote: while True: … obj.remote.process_requests(); with obj.remote.listen_(): …
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expose, ready, spawn, type Remote } from '../../src';

class Work {
  value = 0;
  stopped = false;

  add(x: number): number {
    return (this.value += x);
  }
  stop(): void {
    this.stopped = true;
  }
}

export async function foreground(): Promise<number> {
  const work = new Work();
  await using requests = expose(work, { name: 'work', mode: 'manual' });
  while (!work.stopped) {
    work.value *= 1; // do whatever nonsense you need: no request comes in between
    await requests.processPending();
    await nextTurn();
  }
  return work.value;
} // after it has left, clients fail at once, or get their default

export async function background(): Promise<number> {
  const work = new Work();
  await using requests = expose(work, { name: 'work' });
  while (requests.listening && !work.stopped) await nextTurn(); // requests are handled meanwhile
  return work.value;
}

async function use(remote: Remote<Work>): Promise<void> {
  await remote.add(2);
  await remote.add(3);
  await remote.stop();
}

async function main(): Promise<void> {
  for (const task of ['foreground', 'background']) {
    const process = spawn<number>({ module: __filename, export: task });
    const remote = process.remote<Work>('work');
    await ready(remote, { process });
    await use(remote);
    console.log(task, await process.join());
    await remote.add(1).catch((error: Error) => console.log('fails at once:', error.name));
  }
}

if (require.main === module) void main();
