// rpyc-mem, "RPyC Memory": the interactive session: what changes a variable, and what changes the object.
// There: rm = rm + 1 gives an int; rm.rmem_update(rm + 1) updates the shared memory object
import { Manager, isProxy } from '../../src';

async function main(): Promise<void> {
  await using memory = new Manager();

  const one = memory.named('key', () => memory.value(1));
  const two = (await one.get()) + 1; // a number of ours, and nothing is shared
  console.log(two);
  console.log(typeof two);

  const shared = memory.named('key1', () => memory.value(1));
  await memory.names.replace('key1', memory.value((await shared.get()) + 1)); // or shared.increment()
  console.log(await shared.get());
  console.log(isProxy(shared), shared.typeid);
}

void main();
