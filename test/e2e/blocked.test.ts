// What a blocked thread meets: an event loop that does not turn, a manager that does not answer, and
// callbacks that come while it waits. Every case over FIFOs, and over a thread with a socket.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Manager, TimeoutError, UsageError, release, sync, withOptions } from '../../src/index';
import { type ListProxy, type QueueProxy } from '../../src/index';
import { type Counter } from '../fixtures/classes';
import { SHORT_LIMITS, endManager, expectNothingHeld } from '../support/managers';
import { Child } from '../support/runners';
import { until } from '../support/until';

class TestManager extends Manager {
  static {
    this.register('Counter', {
      module: require.resolve('../fixtures/classes'),
      export: 'Counter',
    });
  }
}

/** Another one for each test: what one leaves behind does not fail the next. */
let sockets = 0;
const newSocket = (): string =>
  join(tmpdir(), `referent-blocked-${String(process.pid)}-${String(sockets++)}.sock`);
const cell = new Int32Array(new SharedArrayBuffer(4));

function blockFor(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}

jest.setTimeout(30_000);

describe.each([
  ['FIFOs', false],
  ['a thread', true],
])('over %s', (_name, isThread) => {
  let manager: TestManager;
  let socket: string;
  beforeEach(() => {
    socket = newSocket();
    const address = isThread ? `unix:${socket}` : undefined;
    manager = new TestManager({ address, limits: SHORT_LIMITS });
  });
  afterEach(async () => {
    if (!isThread) {
      await endManager(manager);
      return;
    }
    await expectNothingHeld(manager);
    await manager.shutdown();
    rmSync(socket, { force: true });
  });

  it('callbacks that come together may all block, whatever their calls bring', () => {
    using counter = sync(manager).create<Counter>('Counter');
    using list = sync(manager).list<string>(['x'.repeat(50_000)]);
    const back = (value: number): number => {
      list.push(`${String(value)} ${list[0]!}`);
      return list.length;
    };
    const calls = counter.callTogether(back, 5);
    expect([...calls].sort()).toEqual([2, 3, 4, 5, 6]);
    expect(list.toArray().map((text) => text.slice(0, 2))).toHaveLength(6);
  });

  it('answers that nobody reads meanwhile hold back no blocking call', async () => {
    const list = manager.list([Buffer.alloc(8 * 2 ** 20, 1)]);
    const blocking = sync(list);
    const unread = list.get(0) as Promise<Buffer>;
    expect(blocking.length).toBe(1);
    await expect(unread).resolves.toHaveLength(8 * 2 ** 20);
    release(list);
    release(blocking);
  });

  it('after a call that was given up, callbacks come by the event loop again', async () => {
    await manager.start();
    const counter = manager.create<Counter>('Counter');
    const blocking = sync(counter);
    const short = withOptions(blocking, { timeoutMs: 100 });
    expect(() => short.sleepOn()).toThrow(TimeoutError);
    expect(await counter.call((value) => value + 1, 5)).toBe(6);
    for (const proxy of [short, blocking, counter]) release(proxy);
  });

  /** The manager does what `call` asks for, before it hears that nobody waits any more. */
  function giveUpTooEarly(call: () => unknown): void {
    process.kill(manager.pid!, 'SIGSTOP');
    expect(call).toThrow(TimeoutError);
    process.kill(manager.pid!, 'SIGCONT');
    blockFor(300);
  }

  it('an item that comes too late for a call that was given up goes back', async () => {
    await manager.start();
    using queue = manager.queue<number>();
    using blocking = sync(queue);
    using short = withOptions(blocking, { timeoutMs: 100 });
    blocking.put(1);
    giveUpTooEarly(() => short.get());
    await until(async () => (await queue.size()) === 1, 'the item to be back');
  });

  it('a callback of a call that was given up comes by the event loop', async () => {
    await manager.start();
    using blocking = sync(manager).create<Counter>('Counter');
    using short = withOptions(blocking, { timeoutMs: 1000 });
    expect([blocking.total, short.call((value) => value, 1)]).toEqual([0, 1]);
    const values: number[] = [];
    giveUpTooEarly(() => short.call(async (value) => values.push(value), 7));
    await until(() => values.length === 1, 'the callback to be called');
  });

  it('a manager that is stopped costs a call its time and nothing else', async () => {
    await manager.start();
    const list = manager.list<unknown>([1]);
    const blocking = sync(list);
    const short = withOptions(blocking, { timeoutMs: 150 });
    const large = Buffer.alloc(300_000);
    for (const push of [() => short.length, () => short.push(large)]) {
      process.kill(manager.pid!, 'SIGSTOP');
      expect(push).toThrow(TimeoutError);
      process.kill(manager.pid!, 'SIGCONT');
      expect(blocking.length).toBeGreaterThan(0);
    }
    await expect(list.length).resolves.toBe(2); // given up, not unsent
    for (const proxy of [list, blocking, short]) release(proxy);
  });

  it('a getter that blocks while its call is composed is told so, and breaks nothing', async () => {
    const list = manager.list<unknown>([1]);
    const blocking = sync(list);
    const value = {
      get length(): number {
        return blocking.length;
      },
    };
    await expect(list.push(value)).rejects.toThrow(UsageError);
    expect(() => blocking.push(value)).toThrow('a getter of one of its');
    expect(blocking.length).toBe(1);
    await expect(list.length).resolves.toBe(1);
    release(list);
    release(blocking);
  });

  it('answers of callbacks go once, also where the link is stuck', async () => {
    await manager.start();
    const counter = manager.create<Counter>('Counter');
    const blocking = sync(counter);
    const big = Buffer.alloc(200_000, 1);
    let calls = 0;
    const answers = counter.callTogether(() => {
      if (++calls % 10 === 0) setImmediate(() => blocking.total);
      return big;
    }, 100);
    expect(await answers).toHaveLength(100);
    expect(await counter.sum(1, 2)).toBe(3);
    expect(blocking.sum(1, 2)).toBe(3);
    release(counter);
    release(blocking);
  });
});

it('a process that ends right after a blocking call is gone at once, and what it sent is there', async () => {
  const slow = new TestManager({ limits: { lingerMs: 60_000 } });
  await slow.start();
  const [list, queue] = [slow.list<number>(), slow.queue<number>()];
  await queue.put(1);
  const child = new Child();
  const tokens = JSON.parse(JSON.stringify([list, queue])) as object;
  const ending = child.run((library, _state, texts) => {
    const [ours, jobs] = library.revive(texts) as [ListProxy<number>, QueueProxy<number>];
    const job = library.sync(jobs).get();
    void ours.push(job); // never awaited: the goodbye comes behind it
    library.sync(ours).push(job + 1);
    process.exit(0);
  }, tokens);
  await expect(ending).rejects.toThrow('ended');
  await until(async () => (await slow.inspect()).sessions.length === 1, 'the session to end');
  await expect(list.toArray()).resolves.toEqual([1, 2]);
  await expect(queue.size()).resolves.toBe(0); // what it got stays with it
  release(list);
  release(queue);
  await endManager(slow);
});
it('a thread that was blocked while its manager started finds it alive', async () => {
  const manager = new Manager({ limits: { ...SHORT_LIMITS, startMs: 5000 } });
  const list = manager.list([1]);
  blockFor(5200);
  await expect(list.length).resolves.toBe(1);
  release(list);
  await endManager(manager);
});

it('one that blocks longer than a handshake may take, turn by turn, keeps its session', async () => {
  const manager = new TestManager({ limits: { ...SHORT_LIMITS, handshakeMs: 100 } });
  const list = manager.list([1]);
  const blocking = sync(list);
  sync(manager).start();
  for (let turn = 0; turn < 8; turn++) {
    blockFor(150);
    expect(blocking.length).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect(list.length).resolves.toBe(1);
  release(list);
  release(blocking);
  await endManager(manager);
});
