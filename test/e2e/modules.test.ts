// Modules of the manager's process: what may be loaded, and what can be done with it.
import { relative } from 'node:path';
import { inspect } from 'node:util';
import {
  Manager,
  type Remote,
  RemoteError,
  UsageError,
  handle,
  isProxy,
  release,
  revive,
  sync,
  withOptions,
} from '../../src/index';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { shareManager } from '../support/shared';

const cjs = require.resolve('../fixtures/module-in-cjs');
const esm = require.resolve('../fixtures/module-in-esm.mjs');
const relativePath = `./${relative(process.cwd(), cjs)}`;
const authkey = 'at least sixteen bytes';

interface Fixture {
  readonly limit: number;
  readonly deep: { readonly nested: { twice(x: number): number } };
  each<T, R>(items: T[], call: (item: T) => R): Promise<R[]>;
  later<T>(x: T): Promise<T>;
  fail(): never;
  readonly Thing: typeof Thing;
  readonly default: { readonly limit: number };
}
declare class Thing {
  static readonly made: number;
  constructor(name: string);
  readonly name: string;
  greet(other: string): string;
  twin(): Thing;
}

const manager = new Manager({
  imports: [
    'node:os',
    'os',
    cjs,
    relativePath,
    esm,
    'semver',
    './no/such/file.js',
    'no-such-package',
  ],
  limits: SHORT_LIMITS,
});
const mine = shareManager(manager);

test('a built-in module, with and without its prefix', async () => {
  for (const name of ['node:os', 'os']) {
    const os = mine(manager.module<typeof import('node:os')>(name));
    expect(await os.EOL).toBe('\n');
    expect(await os.hostname()).toEqual(expect.any(String));
    expect(await os.constants.signals.SIGKILL).toBe(9);
  }
});

test('constants, nested functions, callbacks and errors of a CommonJS module', async () => {
  const module = mine(manager.module<Fixture>(cjs));
  expect(await module.limit).toBe(10);
  expect(await module.default.limit).toBe(10);
  expect(await module.deep.nested.twice(4)).toBe(8);
  expect(await module.each([1, 2], (x) => (x as number) + 1)).toEqual([2, 3]);
  expect(await module.later('x')).toBe('x');
  await expect((async () => await module.fail())()).rejects.toThrow(RangeError);
  expect(await handle(module).keys()).toEqual(
    expect.arrayContaining(['limit', 'Thing', 'default']),
  );
  await expect(handle(module).get('_secret')).rejects.toThrow('not exposed');
  await expect(handle(module).set('limit', 1)).rejects.toThrow('cannot be written');
});

test('classes: constructed, with their static members and what they answer', async () => {
  const module = mine(manager.module<Fixture>(relativePath));
  const thing = new module.Thing('ann') as Remote<Thing>;
  expect(await thing.greet('ben')).toBe('ann greets ben');
  expect(await (new module.Thing('eve') as Remote<Thing>).twin().name).toBe('eve');
  expect(await module.Thing.made).toBeGreaterThanOrEqual(3);
});

test('an ES module, with live bindings and a default', async () => {
  const module = mine(
    manager.module<{ count: number; increment(): number; default(text: string): string }>(esm),
  );
  expect(await module.count).toBe(0);
  await module.increment();
  expect(await module.count).toBe(1);
  expect(await module.default('up')).toBe('UP');
});

test('a package, from the working directory of the manager', async () => {
  const semver = mine(manager.module<{ valid(text: string): string | null }>('semver'));
  expect(await semver.valid('1.2.3')).toBe('1.2.3');
});

test('behind sync', () => {
  const module = mine(sync(manager).module<Fixture>(cjs));
  expect(module.limit).toBe(10);
  const { twice } = module.deep.nested; // data is copied, the function in it is not
  expect(mine(twice)(3)).toBe(6);
  const thing = mine(new (module.Thing as unknown as new (name: string) => Thing)('ann'));
  expect(thing.greet('ben')).toBe('ann greets ben');
  expect(() => module.fail()).toThrow(RangeError);
  const os = mine(sync(manager.module<typeof import('node:os')>('node:os')));
  expect(os.EOL).toBe('\n');
});

test('it travels as an object of the session that has loaded it', async () => {
  const module = mine(manager.module<Fixture>(cjs));
  expect(isProxy(module)).toBe(true);
  expect(inspect(module)).toBe(`<module '${cjs}' at ${manager.address}>`);
  const again = mine(revive(structuredClone({ module })).module);
  expect(await again.limit).toBe(10);
  const list = mine(manager.list([module]));
  expect(await list.length).toBe(1);
});

test('what is not allowed, or not there, says so, and leaves nothing', async () => {
  const call = async (specifier: string): Promise<unknown> =>
    await mine(manager.module<{ x: number }>(specifier)).x;
  await expect(call('node:fs')).rejects.toThrow(
    /Cannot load module 'node:fs': option "imports" .* must name it; it allows node:os/,
  );
  await expect(call('node:fs')).rejects.toBeInstanceOf(RemoteError);
  await expect(call('./no/such/file.js')).rejects.toThrow(
    /Cannot load module '.\/no\/such\/file.js'/,
  );
  await expect(call('no-such-package')).rejects.toThrow(/Cannot load module 'no-such-package'/);
  expect(() => manager.module('')).toThrow(UsageError);
  expect(() => new Manager({ imports: 'node:os' as never })).toThrow(/Option "imports"/);
  const closed = new Manager({ limits: SHORT_LIMITS });
  const os = closed.module<typeof import('node:os')>('node:os');
  await expect((async () => await os.hostname())()).rejects.toThrow(/it allows none/);
  release(os);
  await endManager(closed);
});

describe('over a network', () => {
  test('instances that a module answers go by proxy; what is not named is refused', async () => {
    const server = new Manager({
      address: 'tcp://127.0.0.1:0',
      authkey,
      imports: [cjs],
      limits: SHORT_LIMITS,
    });
    await server.start();
    const client = Manager.connect(server.address, { authkey });
    const module = client.module<Fixture>(cjs);
    const thing = new module.Thing('ann') as Remote<Thing>;
    const twin = await thing.twin().twin();
    expect(await twin.greet('ben')).toBe('ann greets ben');
    expect(await (await twin.twin()).name).toBe('ann');
    const os = client.module<typeof import('node:os')>('node:os');
    await expect((async () => await os.hostname())()).rejects.toThrow(/option "imports"/);
    await client.close();
    await server.shutdown();
  });

  test('the action of a barrier goes by `imports` too', async () => {
    const action = { module: cjs, export: 'later' };
    for (const [imports, outcome] of [
      [[cjs], 'fulfilled'],
      [[relativePath], 'fulfilled'],
      [['node:os'], 'rejected'],
    ] as const) {
      const server = new Manager({ address: 'tcp://127.0.0.1:0', authkey, imports });
      await server.start();
      const barrier = server.barrier(1, { action });
      const [result] = await Promise.allSettled([barrier.wait()]);
      expect(result.status).toBe(outcome);
      await server.shutdown();
    }
  });
});

test('a module of a manager with options has them', async () => {
  const gone = withOptions(manager, { signal: AbortSignal.abort() });
  const later = async (from: Manager) => {
    const module = from.module<Fixture>(cjs);
    try {
      return await module.later(1);
    } finally {
      release(module);
    }
  };
  await expect(later(gone)).rejects.toThrow('aborted');
  await expect(later(manager)).resolves.toBe(1);
});
