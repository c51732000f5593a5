// Queues, events and barriers between real processes, some of which are stopped or killed.
import {
  type BarrierProxy,
  type EventProxy,
  type ListProxy,
  Manager,
  type QueueProxy,
  release,
  revive,
} from '../../src/index';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';

const manager = new Manager({ limits: SHORT_LIMITS });
const made: object[] = [];
const children: Child[] = [];

function mine<T extends object>(proxy: T): T {
  made.push(proxy);
  return proxy;
}

/** A process that has `proxy` as `state.it`. */
async function childWith(proxy: object): Promise<Child> {
  const child = new Child();
  children.push(child);
  await child.run(({ revive }, state, it) => {
    state.it = revive(it);
  }, proxy);
  return child;
}

/** Starts a call in the child. It has reached the manager when this resolves, and nobody awaits it. */
async function begin(child: Child, method: string, args: unknown[] = []): Promise<void> {
  await child.run(
    async (_library, state, [name, given]: [string, unknown[]]) => {
      const it = state.it as Record<string, (...rest: unknown[]) => Promise<unknown>>;
      state.call = it[name]!(...given);
      (state.call as Promise<unknown>).catch(() => undefined);
      await (it as unknown as QueueProxy)._callMethod(state.probe as string);
    },
    [method, args] as [string, unknown[]],
  );
}

/** The call that `begin` started: its outcome. */
function outcome(child: Child): Promise<unknown> {
  return child.run(async (_library, state) => {
    try {
      return await (state.call as Promise<unknown>);
    } catch (error) {
      return (error as Error).name;
    }
  });
}

async function probe(child: Child, name: string): Promise<Child> {
  await child.run((_library, state, method: string) => {
    state.probe = method;
  }, name);
  return child;
}

// Each process loads the package from its source.
jest.setTimeout(60_000);

beforeAll(() => manager.start());
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()));
  for (const proxy of made.splice(0)) release(proxy);
});
afterAll(() => endManager(manager));

describe('queues', () => {
  const getter = async (queue: QueueProxy): Promise<Child> => probe(await childWith(queue), 'size');

  test('what one process puts another one gets', async () => {
    const queue = mine(manager.queue<string>());
    const child = await getter(queue);
    await begin(child, 'get');
    await queue.put('hello');
    await expect(outcome(child)).resolves.toBe('hello');
    await begin(child, 'put', ['back']);
    await expect(queue.get()).resolves.toBe('back');
  });

  test('a getter that is killed while it waits takes nothing with it', async () => {
    const queue = mine(manager.queue<number>());
    const first = await getter(queue);
    const second = await getter(queue);
    await begin(first, 'get');
    await begin(second, 'get');
    await first.kill();
    await queue.put(1);
    await expect(outcome(second)).resolves.toBe(1);
    await queue.put(2);
    await expect(queue.get()).resolves.toBe(2);
  });

  test('what was delivered to a process that never read it comes back to the head, marked', async () => {
    const queue = mine(manager.queue<number>());
    const child = await getter(queue);
    await begin(child, 'get');
    child.process.kill('SIGSTOP');
    await queue.put(1);
    await queue.put(2);
    await expect(queue.size()).resolves.toBe(1); // the other one is on its way
    await child.kill();
    await until(async () => (await queue.size()) === 2, 'the item to come back');
    const taken = await queue.take();
    expect([taken.item, taken.redelivered]).toEqual([1, true]);
    await taken.ack();
    const next = await queue.take();
    expect([next.item, next.redelivered]).toEqual([2, false]);
    await next.ack();
  });

  test('it goes straight to who waits for it', async () => {
    const queue = mine(manager.queue<number>());
    const child = await getter(queue);
    await begin(child, 'get');
    child.process.kill('SIGSTOP');
    await queue.put(1);
    const waiting = queue.take();
    await child.kill();
    const taken = await waiting;
    expect([taken.item, taken.redelivered]).toEqual([1, true]);
    await taken.ack();
  });

  test('what a killed process took and did not acknowledge comes back in its old order', async () => {
    const queue = mine(manager.queue<number>());
    for (const item of [1, 2, 3]) await queue.put(item);
    const child = await getter(queue);
    const items = await child.run(async (_library, state) => {
      const it = state.it as QueueProxy<number>;
      const first = await it.take();
      const second = await it.take();
      const third = await it.take();
      await second.ack();
      state.kept = [first, third];
      return [first.item, second.item, third.item];
    });
    expect(items).toEqual([1, 2, 3]);
    await expect(queue.empty()).resolves.toBe(true);
    await queue.put(4);
    await child.kill();
    await until(async () => (await queue.size()) === 3, 'the items to come back');
    await expect(queue._getValue()).resolves.toEqual([1, 3, 4]);
    const taken = await queue.take();
    expect([taken.item, taken.redelivered]).toEqual([1, true]);
    await taken.nack();
    await expect(queue._getValue()).resolves.toEqual([1, 3, 4]);
  });

  test('what a process took, no other one can acknowledge', async () => {
    const queue = mine(manager.queue<number>());
    await queue.put(1);
    const child = await getter(queue);
    await child.run(async (_library, state) => {
      state.kept = await (state.it as QueueProxy<number>).take();
    });
    await expect(queue._callMethod('_ack', [1])).rejects.toMatchObject({ name: 'UsageError' });
    await child.kill();
    await until(async () => (await queue.size()) === 1, 'the item to come back');
  });

  test('a putter that is killed while it waits for room puts nothing', async () => {
    const queue = mine(manager.queue<number>(1));
    await queue.put(1);
    const child = await getter(queue);
    await begin(child, 'put', [2]);
    await child.kill();
    const sessions = async (): Promise<number> => (await manager.inspect()).sessions.length;
    await until(async () => (await sessions()) === 1, 'the manager to know'); // what was asked for before may be done
    const later = queue.put(3);
    await expect(queue.get()).resolves.toBe(1);
    await later;
    await expect(queue._getValue()).resolves.toEqual([3]);
  });

  test('a killed process has not done what it got', async () => {
    const queue = mine(manager.joinableQueue<number>());
    await queue.put(1);
    const child = await getter(queue);
    await begin(child, 'get');
    await expect(outcome(child)).resolves.toBe(1);
    await child.kill();
    await expect(queue.join({ timeoutMs: 20 })).rejects.toMatchObject({ name: 'TimeoutError' });
    await queue.taskDone();
    await queue.join();
  });

  test('an abort never loses an item, however it crosses its delivery', async () => {
    const queue = mine(manager.queue<number>());
    const got: number[] = [];
    let aborted = 0;
    for (let round = 0; round < 200; round++) {
      const controller = new AbortController();
      const getting = queue.get({ signal: controller.signal }).then(
        (item) => got.push(item),
        (error: unknown) => {
          expect(error).toBe(controller.signal.reason);
          aborted++;
        },
      );
      if (round % 4 < 2) await queue.size(); // it waits already
      const putting = queue.put(round);
      if (round % 2 === 0) await putting;
      controller.abort();
      await Promise.all([getting, putting]);
    }
    await until(async () => (await queue.size()) + got.length === 200, 'every item');
    while (!(await queue.empty())) got.push(await queue.getNowait());
    expect([...got].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(aborted).toBeGreaterThan(0);
  });

  test('consumers that are killed at any moment lose nothing, and repeat only what is marked', async () => {
    const ITEMS = 600;
    const queue = mine(manager.queue<number>(50));
    const log = mine(manager.list<[number, boolean]>());
    const consume = async (): Promise<Child> => {
      const child = await childWith({ queue, log });
      void child
        .run(async (_library, state) => {
          const it = state.it as { queue: QueueProxy<number>; log: ListProxy<[number, boolean]> };
          for (;;) {
            const taken = await it.queue.take();
            await it.log.push([taken.item, taken.redelivered]);
            await taken.ack();
          }
        })
        .catch(() => undefined); // it is killed
      return child;
    };
    const consumers = await Promise.all([consume(), consume(), consume(), consume()]);
    const producing = (async () => {
      for (let i = 0; i < ITEMS; i++) await queue.put(i);
    })();
    for (const [victim, at] of [100, 250, 400].entries()) {
      await until(async () => (await log.length) >= at, `${at} items`, 20_000);
      await consumers[victim]!.kill();
    }
    await producing;
    const seen = async (): Promise<number> => new Set((await log.toArray()).map(([i]) => i)).size;
    await until(async () => (await seen()) === ITEMS, 'all items', 20_000);
    const known = new Set<number>();
    for (const [item, redelivered] of await log.toArray()) {
      if (known.has(item)) expect(redelivered).toBe(true);
      known.add(item);
    }
    await expect(queue.empty()).resolves.toBe(true);
  });
});

describe('events', () => {
  const waiter = async (event: EventProxy): Promise<Child> =>
    probe(await childWith(event), 'isSet');

  test('one set wakes the waiters of all processes', async () => {
    const event = mine(manager.event());
    const [first, second] = await Promise.all([waiter(event), waiter(event)]);
    await begin(first!, 'wait');
    await begin(second!, 'wait');
    const here = event.wait();
    await event.set();
    await expect(Promise.all([here, outcome(first!), outcome(second!)])).resolves.toEqual([
      true,
      true,
      true,
    ]);
  });

  test('a waiter that is killed is gone', async () => {
    const event = mine(manager.event());
    const child = await waiter(event);
    await begin(child, 'wait');
    await expect(event.toStringRemote()).resolves.toBe('event (clear, 1 wait)');
    await child.kill();
    await until(async () => (await event.toStringRemote()) === 'event (clear, 0 wait)');
    await event.set();
    await expect(event.wait()).resolves.toBe(true);
  });
});

describe('barriers', () => {
  const party = async (barrier: BarrierProxy): Promise<Child> =>
    probe(await childWith(barrier), 'nWaiting');

  test('a party that is killed breaks it for all others, soon', async () => {
    const barrier = mine(manager.barrier(4));
    const [victim, other] = await Promise.all([party(barrier), party(barrier)]);
    await begin(victim!, 'wait');
    await begin(other!, 'wait');
    const here = barrier.wait().catch((error: unknown) => error);
    await until(async () => (await barrier.nWaiting) === 3);
    const killed = performance.now();
    await victim!.kill();
    await expect(here).resolves.toMatchObject({ name: 'BrokenBarrierError' });
    expect(performance.now() - killed).toBeLessThan(300);
    await expect(outcome(other!)).resolves.toBe('BrokenBarrierError');
    await expect(barrier.broken).resolves.toBe(true);
    await barrier.reset();
    await expect(barrier.broken).resolves.toBe(false);
  });

  test('its function runs in the process that gave it, which may be none of its parties', async () => {
    let calls = 0;
    const barrier = mine(manager.barrier(2, { action: () => void calls++ }));
    const [first, second] = await Promise.all([party(barrier), party(barrier)]);
    for (let pass = 1; pass <= 3; pass++) {
      await begin(first!, 'wait');
      await begin(second!, 'wait');
      const indices = await Promise.all([outcome(first!), outcome(second!)]);
      expect(indices).toEqual([0, 1]);
      expect(calls).toBe(pass);
    }
  });

  test('it breaks where the process of its function is gone', async () => {
    const child = new Child();
    children.push(child);
    const address = manager.address;
    const token = await child.run(async ({ Manager: Type, tokenOf }, state, at: string) => {
      state.manager = Type.connect(at);
      state.barrier = state.manager.barrier(1, { action: () => undefined });
      await state.barrier.wait();
      return JSON.parse(JSON.stringify(state.barrier)) as BarrierProxy;
    }, address);
    const barrier = mine(revive(token));
    await expect(barrier.wait()).resolves.toBe(0);
    await child.kill();
    const error = await barrier.wait().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'BrokenBarrierError' });
    expect((error as Error).cause).toMatchObject({
      name: expect.stringMatching(/ConnectionLostError|ObjectGoneError/) as string,
    });
  });
});
