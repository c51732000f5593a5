import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Manager, type DictProxy } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  await manager.start();
  const workers = ['ann', 'ben'].map((name) => fork(__filename, [manager.address, name]));
  await Promise.all(workers.map((worker) => once(worker, 'exit')));

  const totals = manager.named<DictProxy<string, number>>('totals');
  console.log(await manager.names.keys(), await totals.get('runs'));
  await manager.names.replace('totals', manager.dict({ runs: 0 }));
  console.log(await totals.get('runs')); // the same handle, another object
}

async function work(address: string, name: string): Promise<void> {
  await using manager = Manager.connect(address);
  const lock = manager.named('lock', () => manager.lock()); // made by whoever is first
  const totals = manager.named('totals', () => manager.dict<number>({}));
  await lock.use(async () => {
    await totals.set(name, 1);
    await totals.set('runs', ((await totals.get('runs')) ?? 0) + 1);
  });
}

const [, , address, name] = process.argv;
void (address === undefined || name === undefined ? main() : work(address, name));
