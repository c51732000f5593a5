import { Manager } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const ready = manager.event();
  console.log(await ready.wait({ timeoutMs: 10 })); // false: the time ran out
  const waiters = [ready.wait(), ready.wait()];
  await ready.set(); // wakes all of them
  console.log(await Promise.all(waiters), await ready.isSet());
  await ready.clear();
  console.log(await ready.isSet());
}

void main();
