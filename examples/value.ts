import { Manager } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const hits = manager.value(0);
  await Promise.all([hits.increment(), hits.increment(), hits.increment(10)]);
  console.log(await hits.get());

  const leader = manager.value<string | undefined>();
  console.log(await leader.compareAndSet(undefined, 'ann'));
  console.log(await leader.compareAndSet(undefined, 'ben'), await leader.get());
}

void main();
