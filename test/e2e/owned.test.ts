// Types whose referents have resources: disposed with their last reference, and at the end.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Manager, RemoteError, SerializationError, release } from '../../src/index';
import { type Resource } from '../fixtures/resource';
import { until } from '../support/until';

jest.setTimeout(30_000);

const file = join(__dirname, '../fixtures/resource.ts');

class ResourceManager extends Manager {
  static {
    this.register('Owned', { module: file, export: 'Resource', owned: true });
    this.register('Kept', { module: file, export: 'Resource' });
  }
}

let folder: string;
let log: string;
const lines = (): string[] => readFileSync(log, 'utf8').trim().split('\n');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referent-test-'));
  log = join(folder, 'log');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

it('an owned object is disposed when its last reference is gone, any other at the end', async () => {
  const manager = new ResourceManager();
  const owned = manager.create<Resource>('Owned', log, 'owned');
  const first = manager.create<Resource>('Kept', log, 'first');
  const second = manager.create<Resource>('Kept', log, 'second');
  expect([await owned.name, await first.name, await second.name]).toEqual([
    'owned',
    'first',
    'second',
  ]);
  release(owned);
  await until(() => lines().includes('disposed owned'), 'the owned object to be disposed');
  expect(lines()).toEqual(['made owned', 'made first', 'made second', 'disposed owned']);
  await manager.shutdown();
  expect(lines().slice(4)).toEqual(['disposed second', 'disposed first']);
});

it('an owned object, or an iterator, is refused by containers', async () => {
  const manager = new ResourceManager();
  const owned = manager.create<Resource>('Owned', log, 'owned');
  const list = manager.list<unknown>();
  await expect(list.push(owned)).rejects.toBeInstanceOf(SerializationError);
  await expect(list.push(await owned.numbers())).rejects.toBeInstanceOf(SerializationError);
  await expect(manager.list([owned]).length).rejects.toBeInstanceOf(RemoteError);
  expect(await list.length).toBe(0);
  await manager.shutdown();
});

it('an iterator that is left is closed in the manager', async () => {
  const manager = new ResourceManager();
  const kept = manager.create<Resource>('Kept', log, 'kept');
  for await (const number of kept.numbers()) if (number === 1) break;
  await until(() => lines().includes('closed'), 'the generator to be closed');
  const dropped = await kept.numbers();
  await dropped.next();
  release(dropped);
  await until(
    () => lines().filter((line) => line === 'closed').length === 2,
    'the other to be closed',
  );
  release(kept);
  expect(await manager.numberOfObjects()).toBe(0);
  await manager.shutdown();
});
