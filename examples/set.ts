import { Manager } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const seen = manager.set(['a', 'b']);
  const wanted = manager.set(['b', 'c']);
  await seen.add('a');
  console.log(await seen.size, await seen.has('c'));
  console.log(await wanted.difference(seen)); // a plain Set; both were read in the manager
  await (await seen.unionUpdate(wanted)).delete('a'); // the updates answer the proxy
  for await (const member of seen) console.log(member);
}

void main();
