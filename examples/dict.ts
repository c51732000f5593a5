import { Manager, view } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const stock = manager.dict({ apples: 3, pears: 1 });
  await stock.increment('apples', 2); // in one step, whoever else does the same
  console.log(await stock.get('apples'), await stock.get('plums'));
  console.log(await stock.compareAndSet('plums', undefined, 7), await stock.toObject());

  const groups = manager.dict<string, string[]>();
  await groups.setDefault('red', []);
  await view(groups).get('red').push('apple'); // changes the array that is in the dict
  for await (const [colour, names] of groups) console.log(colour, names);
}

void main();
