// What a pool gave keeps its proxy, and nothing else does.
import { join } from 'node:path';
import { type AsyncResult, type ListProxy, Manager, release } from '../../src/index';
import { endManager } from '../support/managers';
import { until } from '../support/until';

jest.setTimeout(60_000);

const task = { module: join(__dirname, '../fixtures/tasks.ts'), export: 'wait' };
const manager = new Manager({ limits: { lingerMs: 100 } });
const collect = globalThis.gc as () => void;

afterAll(() => endManager(manager));

/** Of the pool only what it gave is left. */
function begin(list: ListProxy): Promise<AsyncResult> {
  return manager.pool(1).applyAsync(task, [list]);
}

async function heldAfterCollections(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await manager.numberOfObjects();
}

it('a pool lives as long as its result', async () => {
  const list = manager.list();
  let result: AsyncResult | undefined = await begin(list);
  expect(await heldAfterCollections()).toBe(3); // the list, the pool, the result
  await list.push(0);
  await expect(result.get()).resolves.toBe('waited');
  result = undefined;
  await until(async () => (await heldAfterCollections()) === 1, 'the pool to be collected');
  release(list);
  await until(async () => (await manager.inspect()).sessions.length === 1, 'its worker to end');
});
