import { BarrierProxy, Manager, type BarrierOptions, release } from '../../src/index';
import { SHORT_LIMITS, endManager, expectNothingHeld } from '../support/managers';
import { until } from '../support/until';

const ACTIONS = require.resolve('../fixtures/actions');
const BROKEN = { name: 'BrokenBarrierError' };

const manager = new Manager({ limits: SHORT_LIMITS });
const made: object[] = [];
function barrier(parties: number, options?: BarrierOptions): BarrierProxy {
  const one = manager.barrier(parties, options);
  made.push(one);
  return one;
}

/** Outcomes of waits, errors as their names. */
async function outcomes(waits: readonly Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(waits);
  return settled.map((one) =>
    one.status === 'fulfilled' ? one.value : (one.reason as Error).name,
  );
}

beforeAll(() => manager.start());
afterEach(async () => {
  for (const proxy of made.splice(0)) release(proxy);
  await expectNothingHeld(manager);
});
afterAll(() => endManager(manager));

test('lets all go when all are there, again and again', async () => {
  const three = barrier(3);
  expect(three).toBeInstanceOf(BarrierProxy);
  await expect(three.parties).resolves.toBe(3);
  for (let pass = 0; pass < 3; pass++) {
    const two = [three.wait(), three.wait()];
    await expect(three.nWaiting).resolves.toBe(2);
    await expect(Promise.all([...two, three.wait()])).resolves.toEqual([0, 1, 2]);
    await expect(three.nWaiting).resolves.toBe(0);
  }
  await expect(three.broken).resolves.toBe(false);
  await expect(three.toStringRemote()).resolves.toBe('barrier (0 of 3 wait, passed 3 times)');
});

test.each([0, -1, 1.5, NaN, Infinity, '2'])('%p parties are refused', async (parties) => {
  expect(() => manager.barrier(parties as number)).toThrow('parties of a barrier');
  const forced = manager.create<{ wait(): number }>('barrier', parties);
  made.push(forced);
  await expect(forced.wait()).rejects.toMatchObject({ name: 'RemoteError' });
});

test.each([
  ['an unknown option', { actoin: 1 }],
  ['a negative time', { timeoutMs: -1 }],
  ['an action that is a number', { action: 1 }],
  ['a relative module', { action: './action' }],
])('%s is refused', (_name, options) => {
  expect(() => manager.barrier(2, options as never)).toThrow(
    expect.objectContaining({ name: 'UsageError' }) as Error,
  );
});

test('one that waits too long breaks it for all, and for all who come', async () => {
  const three = barrier(3, { timeoutMs: 60_000 });
  const waits = [three.wait(), three.wait({ timeoutMs: 20 })];
  await expect(outcomes(waits)).resolves.toEqual(['BrokenBarrierError', 'BrokenBarrierError']);
  await expect(three.broken).resolves.toBe(true);
  await expect(three.nWaiting).resolves.toBe(0);
  await expect(three.wait()).rejects.toMatchObject(BROKEN);
  await three.reset();
  await expect(Promise.all([three.wait(), three.wait(), three.wait()])).resolves.toEqual([0, 1, 2]);
});

test('its own time counts where wait() says none', async () => {
  await expect(barrier(2, { timeoutMs: 20 }).wait()).rejects.toMatchObject(BROKEN);
  await expect(barrier(2).wait({ timeoutMs: -1 })).rejects.toMatchObject({ name: 'UsageError' });
});

test('one that is cancelled gets its reason and breaks it for the others', async () => {
  const three = barrier(3);
  const controller = new AbortController();
  const waits = [three.wait(), three.wait({ signal: controller.signal })];
  for (const wait of waits) wait.catch(() => undefined);
  await expect(three.nWaiting).resolves.toBe(2);
  controller.abort(new Error('enough'));
  await expect(waits[1]).rejects.toThrow('enough');
  await expect(waits[0]).rejects.toMatchObject(BROKEN);
});

describe('an action', () => {
  test('that is a function runs here, once for each pass, before anyone goes on', async () => {
    const events: string[] = [];
    const three = barrier(3, {
      action: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        events.push('action');
      },
    });
    for (let pass = 0; pass < 2; pass++) {
      const waits = [three.wait(), three.wait(), three.wait()];
      await Promise.all(waits.map((wait) => wait.then(() => events.push('went on'))));
      expect(events.splice(0)).toEqual(['action', 'went on', 'went on', 'went on']);
    }
  });

  test('that throws breaks it: the last to come gets the error, the others as a cause', async () => {
    const two = barrier(2, {
      action: () => {
        throw new RangeError('not today');
      },
    });
    const first = two.wait().catch((error: unknown) => error);
    await two.nWaiting;
    await expect(two.wait()).rejects.toMatchObject({ name: 'RangeError', message: 'not today' });
    await expect(first).resolves.toMatchObject({
      ...BROKEN,
      cause: { name: 'RangeError', message: 'not today' },
    });
    await expect(two.broken).resolves.toBe(true);
  });

  test('that is named by its module runs in the manager', async () => {
    const one = barrier(1, { action: { module: ACTIONS, export: 'countUp' } });
    await expect(one.wait()).resolves.toBe(0);
    await expect(one.wait()).resolves.toBe(0);
    const failing = barrier(1, { action: { module: ACTIONS, export: 'failWithCount' } });
    await expect(failing.wait()).rejects.toThrow(`counted 2 in ${String(manager.pid)}`);
  });

  test('that is not there, or no function, fails the creation', async () => {
    for (const name of ['nothing', 'notAFunction']) {
      const one = barrier(1, { action: { module: ACTIONS, export: name } });
      await expect(one.wait()).rejects.toThrow(name);
    }
  });

  test('is not waited for after a reset: the next pass has a run of its own', async () => {
    const ends: (() => void)[] = [];
    const two = barrier(2, { action: () => new Promise<void>((resolve) => ends.push(resolve)) });
    const lost = outcomes([two.wait(), two.wait()]);
    await until(() => ends.length === 1);
    await two.reset();
    await expect(lost).resolves.toEqual(['BrokenBarrierError', 'BrokenBarrierError']);
    const waits = [two.wait(), two.wait()];
    await until(() => ends.length === 2);
    ends[0]?.();
    await expect(two.nWaiting).resolves.toBe(0);
    ends[1]?.();
    await expect(Promise.all(waits)).resolves.toEqual([0, 1]);
  });

  test('takes as long as it takes: nobody is too late any more', async () => {
    let end: (() => void) | undefined;
    const two = barrier(2, { action: () => new Promise<void>((resolve) => (end = resolve)) });
    const waits = [two.wait({ timeoutMs: 200 }), two.wait()];
    const action = await until(() => end);
    await expect(barrier(2).wait({ timeoutMs: 250 })).rejects.toMatchObject(BROKEN); // time passes
    action?.();
    await expect(Promise.all(waits)).resolves.toEqual([0, 1]);
  });

  test('a party that gives up while it runs breaks the pass', async () => {
    let end: (() => void) | undefined;
    const two = barrier(2, { action: () => new Promise<void>((resolve) => (end = resolve)) });
    const controller = new AbortController();
    const first = two.wait({ signal: controller.signal }).catch((error: unknown) => error);
    const second = two.wait().catch((error: unknown) => error);
    const action = await until(() => end);
    controller.abort(new Error('enough'));
    await expect(first).resolves.toMatchObject({ message: 'enough' });
    await expect(second).resolves.toMatchObject(BROKEN);
    action?.();
    await expect(two.broken).resolves.toBe(true);
  });
});
