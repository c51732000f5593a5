// pyacq, "Remote Process Control": a process, a module in it, an object of it, and calls that do not wait.
// There: proc.client._import('collections').OrderedDict(); remote_dict['x'] = 1; _sync='async' gives a Future
// What keeps its order by key in Node's library is URLSearchParams, of node:url.
import assert from 'node:assert/strict';
import { Manager } from '../../src';

async function main(): Promise<void> {
  await using process = new Manager({ imports: ['node:url'] }); // a new process, and what it may load

  const url = process.module<typeof import('node:url')>('node:url'); // a proxy of the module
  const remote = new url.URLSearchParams(); // a new object in that process

  await remote.set('x', '1'); // used as if it were local
  const keys: string[] = [];
  for await (const key of remote.keys()) keys.push(key);
  assert(keys.includes('x'));
  assert((await remote.get('x')) === '1');
  console.log(keys, await remote.get('x'));

  const future = remote.get('x'); // sent; goes on at once
  console.log('sent');
  console.log(await future);
}

void main();
