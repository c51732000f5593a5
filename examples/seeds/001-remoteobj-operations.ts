// remoteobj, "Basic Usage" and "Proxy Operations": an object that is a list and has attributes.
// There: r_obj.append(5); len(r_obj); r_obj[0].get_(); r_obj[0] = 6; 6 in r_obj; r_obj.passto(str) …
import assert from 'node:assert/strict';
import { expose, handle, isProxy, spawn, withOptions, type Remote } from '../../src';

class Idk extends Array<number> {
  something = 5;
  another: number[] = [];
  notes = new Map([['a', 1]]);
}

export async function* run(): AsyncGenerator<Remote<Idk>> {
  await using listening = expose(new Idk());
  yield listening.proxy; // until the other side has done what it wants
}

async function operate(remote: Remote<Idk>): Promise<void> {
  const control = handle<Idk>(remote);

  await remote.push(5); // call a method
  assert((await control.length()) === 1);
  await remote.another.push(6); // members are paths: nothing was asked for `another`
  assert.deepEqual(await remote.another, [6]);

  assert((await remote[0]) === 5); // a path is read when it is awaited
  assert((await remote.another[0]) === 6);
  assert((await control.get('something')) === 5); // the same, by name
  assert((await control.path<number>('another.0')) === 6);

  await control.set('0', 6); // keys and attributes
  await control.set('something', 10);
  assert((await remote[0]) === 6);
  assert((await remote.something) === 10);

  assert(await control.has(6)); // 6 in obj
  assert(!(await control.has(5)));

  const byProxy = withOptions(remote, { returns: 'proxy' }); // no copies
  const another = (await byProxy.another) as unknown as Remote<number[]>;
  assert(isProxy(another));
  await another.push(7);
  await another.splice(0, 1); // del another[0]
  assert.deepEqual(await remote.another, [7]);

  const notes = handle(await byProxy.notes);
  assert(await notes.delete('a')); // del notes['a']
  assert(!(await notes.has('a')));

  console.log(String(remote)); // the local text
  console.log(await control.toStringRemote()); // the remote one
  console.log(await control.passTo((object) => `passed: ${String(object)}`)); // runs there
}

async function main(): Promise<void> {
  await using process = spawn({ module: __filename, export: 'run' });
  for await (const remote of process.stream<Remote<Idk>>()) await operate(remote);
}

if (require.main === module) void main();
