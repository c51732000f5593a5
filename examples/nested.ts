import { Manager, sameReferent, type DictProxy, type ListProxy } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const rows = manager.list<ListProxy<string> | DictProxy<string, number>>();
  const names = manager.list(['ann', 'ben']);
  const ages = manager.dict({ ann: 30 });
  await rows.push(names, ages); // shared objects in a shared object

  const first = (await rows.get(0)) as ListProxy<string>; // a proxy when read
  await first.push('cid');
  console.log(sameReferent(first, names), await names.toArray());

  await ages.increment('ann'); // in one step, whoever else does the same
  console.log(await ages.toObject());
  console.log(await rows._getValue()); // a copy of all of it
}

void main();
