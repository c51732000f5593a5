// With the real collector: what is dropped is given back, what is held in any way stays.
import { join } from 'node:path';
import { type ListProxy, Manager, release, revive } from '../../src/index';
import { forkFixture } from '../support/fixtures';
import { SHORT_LIMITS } from '../support/managers';
import { until } from '../support/until';

jest.setTimeout(30_000);

class CollectingManager extends Manager {
  static {
    this.register('Collector', {
      module: join(__dirname, '../fixtures/collectable.ts'),
      export: 'Collector',
    });
  }
}

const collectHere = (): void => {
  (globalThis as { gc?: () => void }).gc?.();
};

let manager: Manager;
let collectThere: () => Promise<unknown>;
let collector: Disposable;

beforeAll(async () => {
  manager = new CollectingManager({
    limits: { ...SHORT_LIMITS, ticketMs: 20_000 },
    execArgv: ['--expose-gc'],
  });
  const remote = manager.create<{ collect(): void }>('Collector');
  collectThere = () => remote.collect();
  collector = remote;
  await collectThere();
});

afterAll(async () => {
  collector[Symbol.dispose]();
  expect(await manager.numberOfObjects()).toBe(0);
  await manager.shutdown();
});

/** All rows of the manager but that of the collector's own object. */
async function rows(): Promise<number> {
  await collectThere();
  const { objects } = await manager.inspect();
  return objects.filter(({ typeid }) => typeid !== 'Collector').length;
}

async function expectNoRows(): Promise<void> {
  await until(
    async () => {
      collectHere();
      return (await rows()) === 0;
    },
    'every object to be collected',
    10_000,
  );
}

it('gives back a proxy that was dropped', async () => {
  await (async () => {
    const dropped = manager.list([1]);
    expect(await dropped.length).toBe(1);
  })();
  expect(await rows()).toBeGreaterThanOrEqual(0);
  await expectNoRows();
});

it('keeps an object that nobody but a token in a text holds', async () => {
  const text = await (async () => {
    const list = manager.list(['held by a token']);
    const token = JSON.stringify({ list });
    release(list);
    await manager.numberOfObjects();
    return token;
  })();
  for (let round = 0; round < 3; round++) {
    collectHere();
    await collectThere();
  }
  const { list } = revive(JSON.parse(text) as { list: ListProxy });
  expect(await list.at(0)).toBe('held by a token');
  release(list);
  const { objects } = await manager.inspect();
  expect(objects.filter(({ typeid }) => typeid === 'list')).toMatchObject([
    { sessions: 0, tickets: 1 },
  ]);
});

it('keeps what a list contains, and lets it go with the list', async () => {
  const other = new CollectingManager({ limits: SHORT_LIMITS, execArgv: ['--expose-gc'] });
  const remote = other.create<{ collect(): void }>('Collector');
  const lists = async (): Promise<number> => {
    await remote.collect();
    return (await other.inspect()).objects.filter(({ typeid }) => typeid === 'list').length;
  };
  const outer = other.list<unknown>();
  const inner = other.list<unknown>(['inside']);
  await outer.push(inner);
  await inner.push(outer, inner); // a cycle, and one in itself
  release(inner);
  expect(await lists()).toBe(2);
  const again = (await outer.at(0)) as ListProxy;
  expect(await again.at(0)).toBe('inside');
  release(again);
  release(outer);
  await until(async () => (await lists()) === 0, 'the cycle to be collected', 10_000);
  release(remote as unknown as object);
  expect(await other.numberOfObjects()).toBe(0);
  await other.shutdown();
});

it('has no counts left of a client that was killed', async () => {
  const other = new CollectingManager({ limits: SHORT_LIMITS, execArgv: ['--expose-gc'] });
  const list = other.list();
  await using child = forkFixture('traveller.ts');
  await child.ask({ task: 'hold', list });
  release(list);
  expect(await other.numberOfObjects()).toBe(1);
  await child.ended('SIGKILL');
  await until(async () => (await other.numberOfObjects()) === 0, 'the count to be 0');
  await other.shutdown();
});
