// remoteobj, "Full Example (Proxy)": get and set the state of an object while it runs elsewhere.
// There: time.sleep(1) between the questions; here the object says when its loop has gone round.
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expose, handle, ready, spawn } from '../../src';

class Counting {
  count = 0;
  on = false;
  stop = false;
  rounds = 0;

  toggle(state = true): void {
    this.on = state;
  }

  async run(): Promise<void> {
    for (; !this.stop; this.rounds++) {
      if (this.on) this.count++;
      await nextTurn();
    }
  }

  async awhile(): Promise<void> {
    for (const until = this.rounds + 10; this.rounds < until;) await nextTurn();
  }
}

export async function run(): Promise<void> {
  const object = new Counting();
  await using _listening = expose(object, { name: 'object' });
  await object.run();
}

async function main(): Promise<void> {
  await using process = spawn({ module: __filename, export: 'run' });
  const remote = process.remote<Counting>('object');
  await ready(remote, { process }); // rejects if it dies before

  await remote.toggle(true);
  let x = await remote.count;
  await remote.awhile();
  assert((await remote.count) > x);
  console.log('on: the count increases');

  await remote.toggle(false);
  x = await remote.count;
  await remote.awhile();
  assert((await remote.count) === x);
  console.log('off: it stays the same');

  await remote.toggle(true);
  x = await remote.count;
  await remote.awhile();
  assert((await remote.count) > x);
  console.log('on again: it increases again');

  await handle(remote).set('stop', true); // you can set attributes too
  await process.join();
  console.log('stopped');
}

if (require.main === module) void main();
