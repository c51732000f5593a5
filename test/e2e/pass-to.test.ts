// `handle(p).passTo(task, …)`: whose code is taken, where it runs, and with what.
import { pathToFileURL } from 'node:url';
import { DEFAULT_LIMITS } from '../../src/base/limits';
import { closeOwnHost, ownHost } from '../../src/expose/own-host';
import {
  Manager,
  MethodNotExposedError,
  UsageError,
  expose,
  handle,
  ready,
  release,
  type Remote,
  spawn,
} from '../../src/index';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';

const TASKS = pathToFileURL(require.resolve('../fixtures/passed.ts')).href;

class Shop {
  readonly items = ['apple'];
  _count = 1;
}

/** Passes to the object that comes as `argument.proxy`, in each way; what it gets. */
const passFromChild = async (
  library: typeof import('../../src/index'),
  _state: unknown,
  argument: { proxy: unknown; module: string },
) => {
  const { proxy } = library.revive(argument) as unknown as { proxy: object };
  const told = async (answer: Promise<unknown>) =>
    await answer.catch((error: unknown) => (error as Error).constructor.name);
  const control = library.handle(proxy);
  const answers = [
    await told(control.passTo((shop: Shop, by: number) => shop._count + by, 2)),
    await told(control.passTo({ module: argument.module, export: 'countOf' }, 3)),
  ];
  library.release(proxy);
  return answers;
};

describe('to an object of this process', () => {
  beforeEach(() => {
    ownHost({ ...DEFAULT_LIMITS, ...SHORT_LIMITS });
  });
  afterEach(async () => {
    await until(() => ownHost().host.snapshot().sessions.length === 0, 'the end of the sessions');
    expect(ownHost().host.numberOfObjects()).toBe(0);
    await closeOwnHost();
  });

  test('from here: the function itself, with what it closes over', async () => {
    const shop = new Shop();
    const exposed = expose(shop);
    const here = { seen: undefined as unknown };
    const { proxy } = exposed;
    const by = await handle(proxy).passTo((object: Shop, n: number) => {
      here.seen = object;
      return n;
    }, 5);
    expect([by, here.seen]).toEqual([5, shop]);
    expect(here.seen).toBe(shop);
    await expect(handle(proxy).passTo({ module: TASKS, export: 'countOf' }, 4)).resolves.toBe(5);
    await expect(handle(proxy).passTo({ module: TASKS, export: 'none' })).rejects.toThrow(
      'has no export "none"',
    );
    await expect(handle(handle(proxy).path('items')).passTo(Array.isArray)).resolves.toBe(true);
    await exposed.close();
    release(proxy);
  });

  test('from a process of the same user, that is no child of spawn(): neither', async () => {
    const exposed = expose(new Shop());
    const child = new Child();
    const { proxy } = exposed;
    await expect(child.run(passFromChild, { proxy, module: TASKS })).resolves.toEqual([
      'MethodNotExposedError',
      'MethodNotExposedError',
    ]);
    child.process.disconnect();
    await child.ended();
    await exposed.close();
    release(proxy);
  });

  test.each(['process', 'thread'] as const)('from a spawned %s: both', async (kind) => {
    const exposed = expose(new Shop());
    await using child = spawn({ module: TASKS, export: 'passBoth' }, [exposed.proxy], { kind });
    await expect(child.result).resolves.toEqual([3, 4]);
    await exposed.close();
    release(exposed.proxy);
  });

  test('to a spawned process, from the one that spawned it: both', async () => {
    await using child = spawn({ module: TASKS, export: 'keepShop' });
    const shop = child.remote<Shop>('shop');
    await ready(shop, { process: child });
    const passed = handle(shop).passTo((object: Shop, n: number) => object._count + n, 2);
    await expect(passed).resolves.toBe(3);
    await expect(handle(shop).passTo({ module: TASKS, export: 'countOf' }, 3)).resolves.toBe(4);
    await handle(shop).passTo({ module: TASKS, export: 'closeShop' });
  });
});

describe('to an object of a manager', () => {
  class Shops extends Manager {
    static {
      this.register('Shop', { module: TASKS, export: 'Shop' });
    }
  }

  test('its owner passes functions and modules, others neither', async () => {
    await using manager = new Shops({ limits: SHORT_LIMITS });
    const shop = manager.create<Shop>('Shop');
    const pid = await handle(shop).passTo((_shop: Shop) => process.pid);
    expect(pid).toBe(manager.pid);
    await expect(
      handle(shop).passTo((object: Shop, n: number) => object._count + n, 1),
    ).resolves.toBe(2);
    await expect(handle(shop).passTo({ module: TASKS, export: 'countOf' }, 4)).resolves.toBe(5);
    await expect(handle(shop).passTo(() => undeclared)).rejects.toThrow('not defined');
    await expect(handle(shop).passTo('./relative')).rejects.toBeInstanceOf(UsageError);

    const other = Manager.connect(manager.address);
    const theirs = other.create<Shop>('Shop');
    await expect(handle(theirs).passTo(() => 1)).rejects.toBeInstanceOf(MethodNotExposedError);
    await expect(
      handle(theirs).passTo({ module: TASKS, export: 'countOf' }),
    ).rejects.toBeInstanceOf(MethodNotExposedError);
    for (const proxy of [shop, theirs] as Remote<Shop>[]) release(proxy);
    await other.close();
    await until(async () => (await manager.inspect()).sessions.length === 1);
    await endManager(manager);
  });

  test('others pass a module that option imports names, and no text', async () => {
    await using manager = new Shops({ limits: SHORT_LIMITS, imports: [TASKS] });
    await manager.start();
    const other = Manager.connect(manager.address);
    const shop = other.create<Shop>('Shop');
    await expect(handle(shop).passTo({ module: TASKS, export: 'countOf' }, 4)).resolves.toBe(5);
    await expect(handle(shop).passTo(() => 1)).rejects.toBeInstanceOf(MethodNotExposedError);
    await expect(handle(shop).passTo('node:os')).rejects.toBeInstanceOf(MethodNotExposedError);
    release(shop);
    await other.close();
    await until(async () => (await manager.inspect()).sessions.length === 1);
    await endManager(manager);
  });

  test('a manager passes nothing to what it was lent', async () => {
    await using manager = new Shops({ limits: SHORT_LIMITS });
    const shop = manager.create<Shop>('Shop');
    class Lent {
      x = 1;
    }
    const tries = handle(shop).passTo(
      async (_shop: Shop, lent: object, file: string) => {
        const { handle: control } = require(file) as typeof import('../../src/proxy/handle');
        return await control(lent).passTo(() => 'ran');
      },
      new Lent(),
      require.resolve('../../src/proxy/handle'),
    );
    await expect(tries).rejects.toBeInstanceOf(MethodNotExposedError);
    release(shop);
    await endManager(manager);
  });
});

declare const undeclared: unknown;
