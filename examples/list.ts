import { Manager, view } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const jobs = manager.list([{ name: 'scan', tags: ['slow'] }]);
  await jobs.push({ name: 'mail', tags: [] });
  console.log(await jobs.length, await jobs.at(-1));

  const seen = view(jobs); // reaches into the list, in the manager
  await seen.at(1).tags.push('daily');
  console.log(await seen.at(1).tags[0]);

  await jobs.sort((a, b) => a.name.localeCompare(b.name));
  for await (const { name, tags } of jobs) console.log(name, tags);
}

void main();
