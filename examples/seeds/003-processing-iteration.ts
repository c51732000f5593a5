// `processing`, "Proxy objects": proxies are iterables, and iterating over a copy.
// There: for key in a: print '<%r,%r>' % (key, a[key]),
import { Manager } from '../../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const squares = Array.from({ length: 10 }, (_, i) => [i * i, i] as const);
  const dict = manager.dict(squares);

  const live: string[] = [];
  for await (const [key, value] of dict) live.push(`<${key},${value}>`); // in chunks
  console.log(live.join(' ')); // in the order in which they were put

  const list = manager.list(squares.map(([square]) => square));
  for (const item of await list.slice()) if (item > 50) console.log(item); // over a copy
  for (const key of await dict.keys()) if (key > 50) console.log(key);
}

void main();
