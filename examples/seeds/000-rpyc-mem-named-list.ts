// rpyc-mem, "RPyC Memory": an object that is found by its unique key, made by whoever comes first.
// There: rm = RpycMem(rc, 'unique-key', rp().list([1, 2])), and in the child with robj_gen=lambda: …
import { Manager, spawn } from '../../src';

export async function targetProcess(address: string, uniqueKey: string): Promise<void> {
  console.log('Child Process:');
  await using memory = Manager.connect(address);
  const list = memory.named(uniqueKey, () => memory.list([1, 2, 3])); // not called: it is there
  console.log(await list.toArray());
  await list.push(3);
  console.log('---------');
}

async function main(): Promise<void> {
  console.log('Parent Process:');
  await using memory = new Manager(); // or Manager.connect() to one that stands somewhere
  const list = memory.named('unique-key', () => memory.list([1, 2]));
  console.log(await list.toArray());
  console.log(await list.length);

  const task = { module: __filename, export: 'targetProcess' };
  await spawn(task, [memory.address, 'unique-key']).join();
  console.log(await list.toArray());
  console.log('---------');
}

if (require.main === module) void main();
