import { EventProxy, Manager, release } from '../../src/index';
import { SHORT_LIMITS, endManager, expectNothingHeld } from '../support/managers';

const manager = new Manager({ limits: { ...SHORT_LIMITS, waiters: 3 } });
let event: EventProxy;

beforeAll(() => manager.start());
beforeEach(() => (event = manager.event()));
afterEach(async () => {
  release(event);
  await expectNothingHeld(manager);
});
afterAll(() => endManager(manager));

test('is clear at first; set and clear are told by isSet', async () => {
  expect(event).toBeInstanceOf(EventProxy);
  expect(event.typeid).toBe('event');
  await expect(event.isSet()).resolves.toBe(false);
  await event.set();
  await event.set();
  await expect(event.isSet()).resolves.toBe(true);
  await event.clear();
  await expect(event.isSet()).resolves.toBe(false);
});

test('one set wakes all; who comes after a clear waits again', async () => {
  const waiting = [event.wait(), event.wait({}), event.wait({ timeoutMs: 60_000 })];
  await event.set();
  await event.clear();
  await expect(Promise.all(waiting)).resolves.toEqual([true, true, true]);
  await expect(event.wait({ timeoutMs: 1 })).resolves.toBe(false);
  await expect(event.wait({ timeoutMs: 0 })).resolves.toBe(false);
  await event.set();
  await expect(event.wait({ timeoutMs: 0 })).resolves.toBe(true);
});

test('a cancelled wait is gone and rejects with the reason', async () => {
  const controller = new AbortController();
  const waiting = event.wait({ signal: controller.signal });
  waiting.catch(() => undefined);
  await expect(event.toStringRemote()).resolves.toBe('event (clear, 1 wait)');
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(event.toStringRemote()).resolves.toBe('event (clear, 0 wait)');
});

test('refuses bad options, here and in the manager, and too many waiters', async () => {
  const usage = { name: 'UsageError' };
  await expect(event.wait({ timeoutMs: -1 })).rejects.toMatchObject(usage);
  await expect(event.wait({ blocking: false } as object)).rejects.toMatchObject(usage);
  await expect(event._callMethod('wait', [-1])).rejects.toMatchObject(usage);
  const waiting = [event.wait(), event.wait(), event.wait()];
  await expect(event.wait()).rejects.toMatchObject({ name: 'LimitError' });
  await event.set();
  await Promise.all(waiting);
});

test('cannot be copied', async () => {
  await expect(event._getValue()).rejects.toMatchObject({ name: 'RemoteError' });
});
