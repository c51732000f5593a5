// Objects of this process: how their calls are let in, what they answer while nobody listens, and
// that nothing is left. Clients are real connections, within this process.
import { DEFAULT_LIMITS } from '../../src/base/limits';
import { closeOwnHost, ownHost } from '../../src/expose/own-host';
import {
  type CallOptions,
  type Exposed,
  type ExposeOptions,
  MethodNotExposedError,
  NotListeningError,
  TimeoutError,
  UsageError,
  currentSignal,
  expose,
  handle,
  oneway,
  release,
  sameReferent,
  view,
  withOptions,
  type Remote,
} from '../../src/index';
import { NearClient } from '../support/near-client';
import { SHORT_LIMITS } from '../support/managers';
import { until } from '../support/until';

class Counter {
  total = 0;
  readonly log: string[] = [];
  other: Remote<Counter> | undefined;
  add(by: number): this {
    this.total += by;
    return this;
  }
  async slow(name: string, gate?: () => Promise<unknown>): Promise<string> {
    this.log.push(`${name} begins`);
    await (gate?.() ?? new Promise((resolve) => setImmediate(resolve)));
    this.log.push(`${name} ends`);
    return name;
  }
  throws(): never {
    throw new NotListeningError('of another object');
  }
  nothing(): undefined {
    return undefined;
  }
  async back(): Promise<number> {
    return await (this.other as Remote<Counter>).there();
  }
  async there(): Promise<number> {
    return (await this.other?.total) ?? -1;
  }
  async signalled(): Promise<unknown> {
    const signal = currentSignal();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    this.log.push('aborted');
    return undefined;
  }
  _hidden(): string {
    return 'hidden';
  }
}

const opened: Exposed<object>[] = [];
const proxies: object[] = [];
let client: NearClient;

function open<T extends object>(object: T, options?: ExposeOptions): Exposed<T> {
  const exposed = expose(object, options);
  opened.push(exposed as unknown as Exposed<object>);
  proxies.push(exposed.proxy);
  return exposed;
}
/** The same object as another process has it. */
async function far<T extends object>(exposed: Exposed<T>, options: CallOptions = {}) {
  const proxy = withOptions(await client.claim(exposed.proxy), options) as Remote<T>;
  proxies.push(proxy);
  return proxy;
}
const mine = <T extends object>(proxy: T): T => {
  proxies.push(proxy);
  return proxy;
};

beforeEach(() => {
  client = new NearClient(ownHost({ ...DEFAULT_LIMITS, ...SHORT_LIMITS }).host);
});
afterEach(async () => {
  for (const exposed of opened.splice(0)) await exposed.close({ pending: 'reject' });
  for (const proxy of proxies.splice(0)) release(proxy);
  const { host } = ownHost();
  await client.flush();
  expect(client.pendingCalls).toBe(0);
  client.close();
  await until(() => host.snapshot().sessions.length === 0, 'the end of the sessions');
  expect(host.numberOfObjects()).toBe(0);
  await closeOwnHost();
});

describe('an exposed object', () => {
  test('is no promise: it must be awaited first', () => {
    expect(() => expose(Promise.resolve({}))).toThrow('A promise cannot be exposed: await it');
  });

  test('is called from far and near, and stays what it is', async () => {
    const counter = new Counter();
    const exposed = open(counter);
    const remote = await far(exposed);
    expect(await remote.add(2).add(3).total).toBe(5);
    expect(await exposed.proxy.add(1).total).toBe(6);
    expect(counter.total).toBe(6);
    expect(sameReferent(remote, exposed.proxy)).toBe(true);
    expect(exposed.listening).toBe(true);
  });

  test('exposed twice it has one id, and each closing leaves the other one', async () => {
    const counter = new Counter();
    const first = open(counter);
    const second = open(counter, { exposed: ['total'] });
    expect(handle(first.proxy).id).toBe(handle(second.proxy).id);
    await expect(first.proxy.add(1).then()).rejects.toBeInstanceOf(MethodNotExposedError);
    await second.close();
    expect(await first.proxy.add(1).total).toBe(1);
    await first.close();
    await expect(first.proxy.add(1).then()).rejects.toBeInstanceOf(NotListeningError);
  });

  test('`exposed` is all that there is', async () => {
    const remote = await far(open(new Counter(), { exposed: ['add', '_hidden'] }));
    await remote.add(1);
    expect(await handle(remote).call('_hidden')).toBe('hidden');
    await expect(handle(remote).get('total')).rejects.toBeInstanceOf(MethodNotExposedError);
    expect(await handle(remote).keys()).toEqual(['add']);
  });

  test('what is under way here cannot be sent, and works all the same', async () => {
    const timer = setTimeout(() => undefined, 100_000);
    const holder = { timer, cancel: () => clearTimeout(timer), has: () => timer.hasRef() };
    const remote = await far(open(holder));
    expect(await remote.has()).toBe(true);
    await remote.cancel();
  });

  test('is a function', async () => {
    const exposed = open((a: number, b: number) => a + b);
    expect(await (await far(exposed))(1, 2)).toBe(3);
    expect(await exposed.proxy(3, 4)).toBe(7);
  });

  test('proxies, options and primitives cannot be exposed', () => {
    expect(() => expose(open(new Counter()).proxy)).toThrow(UsageError);
    expect(() => expose(1 as never)).toThrow(UsageError);
    expect(() => expose({}, { mod: 'auto' } as never)).toThrow(UsageError);
    expect(() => expose({}, { mode: 'automatic' } as never)).toThrow("'auto' or 'manual'");
  });

  test('a near call gets the real thing, and arguments of this process are themselves', async () => {
    const counter = new Counter();
    const other = open(counter);
    const seen: unknown[] = [];
    const box = { value: { f: () => 1 }, see: (...args: unknown[]) => void seen.push(...args) };
    const { proxy } = open(box);
    expect(await (proxy as never as Record<string, PromiseLike<unknown>>).value).toBe(box.value);
    await proxy.see(other.proxy, other.proxy.total, box);
    expect(seen).toEqual([counter, 0, box]);
    expect(seen[0]).toBe(counter);
    const copy = await withOptionsOf(proxy, { returns: 'copy' }).call('see');
    expect(copy).toBeUndefined();
  });
});

function withOptionsOf(proxy: object, options: CallOptions) {
  return handle(mine(withOptions(proxy, options)));
}

describe('one after another', () => {
  test('async calls of a serial object', async () => {
    const counter = new Counter();
    const remote = await far(open(counter, { concurrency: 'serial' }));
    await Promise.all([remote.slow('a'), remote.slow('b')]);
    expect(counter.log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test('not of another one', async () => {
    const counter = new Counter();
    const remote = await far(open(counter));
    await Promise.all([remote.slow('a'), remote.slow('b')]);
    expect(counter.log.slice(0, 2)).toEqual(['a begins', 'b begins']);
  });

  test('A calls B calls A: it does not wait for itself', async () => {
    const [a, b] = [new Counter(), new Counter()];
    const [left, right] = [open(a, { concurrency: 'serial' }), open(b, { concurrency: 'serial' })];
    a.total = 7;
    a.other = right.proxy;
    b.other = left.proxy;
    expect(await left.proxy.back()).toBe(7);
    expect(await (await far(left)).back()).toBe(7);
  });

  test('what goes on after its call has ended waits like everybody', async () => {
    const counter = new Counter();
    const { proxy } = open(counter, { concurrency: 'serial' });
    let later: Promise<unknown> | undefined;
    let go: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (go = resolve));
    const holder = open(
      {
        async begin() {
          later = started.then(() => proxy.slow('later'));
        },
      },
      { concurrency: 'serial' },
    );
    await holder.proxy.begin();
    const first = proxy.slow('first');
    go();
    await Promise.all([first, later]);
    expect(counter.log).toEqual(['first begins', 'first ends', 'later begins', 'later ends']);
  });

  test('one that is given up before its turn never runs', async () => {
    const counter = new Counter();
    const remote = await far(open(counter, { concurrency: 'serial' }));
    let go: () => void = () => undefined;
    const gate = () => new Promise<void>((resolve) => (go = resolve));
    const first = remote.slow('a', gate);
    const second = withOptions(remote, { timeoutMs: 20 });
    await expect(mine(second).slow('b').then()).rejects.toBeInstanceOf(TimeoutError);
    await until(() => counter.log.length === 1);
    go();
    await first;
    await client.flush();
    expect(counter.log).toEqual(['a begins', 'a ends']);
  });
});

describe('manual', () => {
  test('calls wait until they are taken, one or all', async () => {
    const counter = new Counter();
    const exposed = open(counter, { mode: 'manual' });
    const remote = await far(exposed);
    const answers = [remote.add(1).then(), remote.add(2).then(), exposed.proxy.add(3).then()];
    await client.flush();
    expect(counter.total).toBe(0);
    await expect(exposed.processOne()).resolves.toBe(true);
    expect(counter.total).not.toBe(0);
    await expect(exposed.processPending()).resolves.toBe(2);
    await expect(exposed.processOne()).resolves.toBe(false);
    await Promise.all(answers);
    expect(counter.total).toBe(6);
  });

  test('what was called here before is there to be taken, or fulfilled by close', async () => {
    const counter = new Counter();
    const exposed = open(counter, { mode: 'manual' });
    const first = exposed.proxy.add(1).then();
    await expect(exposed.processPending()).resolves.toBe(1);
    const second = exposed.proxy.add(1).then();
    await expect(exposed.processOne()).resolves.toBe(true);
    const third = exposed.proxy.add(1).then();
    await expect(exposed.listen({ timeoutMs: 0 })).resolves.toBe(true);
    const last = exposed.proxy.add(1).then();
    await exposed.close();
    await Promise.all([first, second, third, last]);
    expect(counter.total).toBe(4);
  });

  test('listen waits for a call, up to its time', async () => {
    const counter = new Counter();
    const exposed = open(counter, { mode: 'manual' });
    const remote = await far(exposed);
    await expect(exposed.listen({ timeoutMs: 1 })).resolves.toBe(false);
    await expect(exposed.listen({ timeoutMs: 0 })).resolves.toBe(false);
    const heard = exposed.listen({ timeoutMs: 60_000 });
    const answer = remote.add(1).then();
    await expect(heard).resolves.toBe(true);
    await answer;
    const stop = new AbortController();
    const stopped = exposed.listen({ timeoutMs: 60_000, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    const last = exposed.listen({ timeoutMs: 60_000 });
    await exposed.close();
    await expect(last).resolves.toBe(false);
    await expect(exposed.listen()).resolves.toBe(false);
  });

  test('what fails is told to its caller, and handled all the same', async () => {
    const exposed = open(new Counter(), { mode: 'manual' });
    const failed = expect((await far(exposed)).throws().then()).rejects.toThrow('of another');
    await expect(exposed.listen()).resolves.toBe(true);
    await failed;
  });

  test('one after another, where it is serial, and else side by side', async () => {
    for (const concurrency of ['serial', 'concurrent'] as const) {
      const counter = new Counter();
      const exposed = open(counter, { mode: 'manual', concurrency });
      const calls = [exposed.proxy.slow('a').then(), exposed.proxy.slow('b').then()];
      await until(async () => (await exposed.processPending()) > 0);
      await Promise.all(calls);
      expect(counter.log[1]).toBe(concurrency === 'serial' ? 'a ends' : 'b begins');
    }
  });

  test('a call from inside of a call that is taken does not wait to be taken', async () => {
    const [a, b] = [new Counter(), new Counter()];
    const left = open(a, { mode: 'manual' });
    const right = open(b);
    a.total = 3;
    a.other = right.proxy;
    b.other = left.proxy;
    const answer = left.proxy.back().then();
    await until(async () => await exposedOne(left));
    await expect(answer).resolves.toBe(3);
  });

  test('looking takes nobody: names and text', async () => {
    const exposed = open(new Counter(), { mode: 'manual' });
    const remote = await far(exposed);
    expect(await handle(remote).toStringRemote()).toContain('Counter');
    expect(await handle(remote).has('total')).toBe(true);
    expect(await handle(remote).alive()).toBe(true);
  });

  test('a call whose caller has gone is not there any more', async () => {
    const counter = new Counter();
    const exposed = open(counter, { mode: 'manual' });
    const other = new NearClient(ownHost().host);
    const remote = (await other.claim(exposed.proxy)) as Remote<Counter>;
    const lost = expect(remote.add(1).then()).rejects.toMatchObject({ outcome: 'unknown' });
    await other.flush();
    other.kill();
    await lost;
    await client.flush();
    await until(async () => (await exposed.processPending()) === 0);
    expect(counter.total).toBe(0);
  });

  test('mode auto has nothing to take', async () => {
    const exposed = open(new Counter());
    await expect(exposed.listen()).rejects.toThrow("mode: 'manual'");
    await expect(exposed.processOne()).rejects.toBeInstanceOf(UsageError);
    await expect(exposed.processPending()).rejects.toBeInstanceOf(UsageError);
  });
});

async function exposedOne(exposed: Exposed<Counter>): Promise<boolean> {
  return await exposed.processOne();
}

describe('close', () => {
  test.each(['near', 'far'])('what waits is fulfilled, by default (%s)', async (where) => {
    const counter = new Counter();
    const exposed = open(counter, { mode: 'manual' });
    const proxy = where === 'near' ? exposed.proxy : await far(exposed);
    const answers = [proxy.add(1).then(), proxy.slow('a').then()];
    await client.flush();
    await exposed.close();
    expect(exposed.listening).toBe(false);
    expect(counter.log).toEqual(['a begins', 'a ends']);
    await Promise.all(answers);
    await expect(proxy.add(1).then()).rejects.toBeInstanceOf(NotListeningError);
    await exposed.close(); // idempotent
  });

  test('or rejected, and never run', async () => {
    const counter = new Counter();
    const exposed = open(counter, { mode: 'manual', pending: 'reject' });
    const remote = await far(exposed);
    const plain = expect(remote.add(1).then()).rejects.toBeInstanceOf(NotListeningError);
    const withDefault = mine(withOptions(remote, { defaultValue: 'mine' })).add(1);
    await client.flush();
    await exposed.close();
    await plain;
    expect(await withDefault).toBe('mine');
    expect(counter.total).toBe(0);
  });

  test('rejectPending tells how many', async () => {
    const exposed = open(new Counter(), { mode: 'manual', defaultValue: 'none' });
    const remote = await far(exposed);
    const answers = Promise.all([remote.add(1), remote.add(2)]);
    await client.flush();
    expect(exposed.rejectPending()).toBe(2);
    expect(await answers).toEqual(['none', 'none']);
    expect(exposed.rejectPending()).toBe(0);
  });

  test('a method may close its own object', async () => {
    for (const concurrency of ['serial', 'concurrent'] as const) {
      const object = {
        async stop() {
          await exposed.close();
          return 'stopped';
        },
      };
      const exposed: Exposed<typeof object> = open(object, { concurrency });
      expect(await (await far(exposed)).stop()).toBe('stopped');
      expect(exposed.listening).toBe(false);
    }
  });

  test('exposed again, its proxies work again', async () => {
    const counter = new Counter();
    const exposed = open(counter);
    const remote = await far(exposed);
    await exposed.close();
    await expect(remote.add(1).then()).rejects.toMatchObject({
      code: 'ERR_REFERENT_NOT_LISTENING',
    });
    expect(await handle(remote).alive()).toBe(false);
    const again = open(counter);
    expect(await remote.add(1).total).toBe(1);
    expect(await exposed.proxy.add(1).total).toBe(2);
    expect(sameReferent(again.proxy, remote)).toBe(true);
  });

  test('a running call goes on, and answers', async () => {
    const counter = new Counter();
    const exposed = open(counter);
    let go: () => void = () => undefined;
    const gate = () => new Promise<void>((resolve) => (go = resolve));
    const answer = (await far(exposed)).slow('a', gate);
    await until(() => counter.log.length > 0);
    let isClosed = false;
    const closing = exposed.close().then(() => (isClosed = true));
    await client.flush();
    expect(isClosed).toBe(false);
    go();
    expect(await answer).toBe('a');
    await closing;
  });
});

describe('while nobody listens', () => {
  const near = (exposed: Exposed<Counter>, options: CallOptions) =>
    Promise.resolve(mine(withOptions(exposed.proxy, options)));

  describe.each([
    ['far', far<Counter>],
    ['near', near],
  ] as const)('%s', (_where, from) => {
    test('the call goes before the handle, the handle before the object', async () => {
      const exposed = open(new Counter(), { defaultValue: 'of the object' });
      const plain = await from(exposed, {});
      const withDefault = await from(exposed, { defaultValue: 'of the handle' });
      await exposed.close();
      expect(await plain.total).toBe('of the object');
      expect(await withDefault.total).toBe('of the handle');
      expect(await handle(withDefault).get('total', { defaultValue: 'of the call' })).toBe(
        'of the call',
      );
      expect(await handle(withDefault).get('total', { defaultValue: undefined })).toBeUndefined();
      expect(await handle(plain).alive()).toBe(false);
    });

    test('a function is called when it is needed, and only then', async () => {
      const asked = jest.fn(() => 'made');
      const exposed = open(new Counter(), { defaultValue: asked });
      const mineToo = jest.fn(() => 'made here');
      const plain = await from(exposed, {});
      const own = await from(exposed, { defaultValue: mineToo });
      expect([await plain.total, await own.total]).toEqual([0, 0]);
      expect(asked).not.toHaveBeenCalled();
      await exposed.close();
      expect([await plain.total, await own.total]).toEqual(['made', 'made here']);
      expect([asked.mock.calls, mineToo.mock.calls]).toEqual([[[]], [[]]]);
    });

    test('a default is not for errors, nor for undefined', async () => {
      const exposed = open(new Counter());
      const proxy = await from(exposed, { defaultValue: 'default' });
      expect(await proxy.nothing()).toBeUndefined();
      await expect(proxy.throws().then()).rejects.toThrow('of another object');
      await expect(handle(proxy).call('none')).rejects.toBeInstanceOf(MethodNotExposedError);
    });

    test('a default stands for a whole chain', async () => {
      const exposed = open(new Counter());
      const proxy = await from(exposed, { defaultValue: 'default' });
      await exposed.close();
      expect(await proxy.add(1).add(2).total).toBe('default');
      void proxy.add(1); // nobody waits, and nothing is wrong with that
      await handle(proxy).set('total', 2);
    });

    test('a fallback runs the call on an object of the caller, before any default', async () => {
      const counter = new Counter();
      const own = new Counter();
      const exposed = open(counter, { defaultValue: 'of the object' });
      const proxy = await from(exposed, { fallback: own, defaultValue: 'of the handle' });
      expect(await proxy.add(1).add(1).total).toBe(2);
      await exposed.close();
      expect(await proxy.add(5).add(5).total).toBe(10);
      expect([counter.total, own.total]).toEqual([2, 10]);
      await expect(handle(proxy).call('_hidden')).rejects.toBeInstanceOf(MethodNotExposedError);
    });
  });

  test('an option that is none is refused', () => {
    const { proxy } = open(new Counter());
    expect(() => withOptions(proxy, { default: 1 } as never)).toThrow(UsageError);
    expect(() => withOptions(proxy, { fallback: 1 } as never)).toThrow(UsageError);
  });
});

describe('control by name', () => {
  test.each(['near', 'far'])(
    'get, set, delete, has, keys, length, construct (%s)',
    async (where) => {
      class Point {
        readonly x: number;
        constructor(x: number) {
          this.x = x;
        }
        double(): number {
          return this.x * 2;
        }
      }
      const box: Record<string, unknown> = { a: 1, Point, list: [1, 2] };
      const exposed = open(box);
      const proxy = where === 'near' ? exposed.proxy : await far(exposed);
      await handle(proxy).set('b', 2);
      expect(box.b).toBe(2);
      expect(await handle(proxy).get('b')).toBe(2);
      expect(await handle(proxy).delete('b')).toBe(true);
      expect(await handle(proxy).has('b')).toBe(false);
      expect(await handle(proxy).has('a')).toBe(true);
      expect(await handle(proxy).keys()).toEqual(['a', 'Point', 'list']);
      expect(await handle(proxy).length()).toBe(3);
      expect(await handle(proxy).path('list.length')).toBe(2);
      oneway(proxy as object as Remote<{ x: number }>).x = 1;
      expect(await handle(proxy).get('x')).toBe(1);
      const points = open(Point);
      const Far = where === 'near' ? points.proxy : await far(points);
      const point = (await handle(Far).construct(4)) as Remote<Point>;
      expect(await point.double()).toBe(8);
      if (where === 'far') mine(point);
    },
  );

  test('a view of it, and its value', async () => {
    const { proxy } = open({ plain: { deep: [1] } });
    const seen = mine(view<{ plain: { deep: number[] } }>(proxy));
    expect(await seen.plain.deep[0]).toBe(1);
    expect(await handle(proxy).value()).toEqual({ plain: { deep: [1] } });
  });

  test('an assignment is ordered with the calls around it', async () => {
    const { proxy } = open(new Counter());
    const loose = proxy as unknown as { total: number };
    loose.total = 5;
    expect(await proxy.add(1).total).toBe(6);
  });
});

describe('time', () => {
  test.each(['near', 'far'])('a call that takes too long is told so (%s)', async (where) => {
    const counter = new Counter();
    const exposed = open(counter);
    const proxy = where === 'near' ? exposed.proxy : await far(exposed);
    const hasty = mine(withOptions(proxy, { timeoutMs: 10 }));
    await expect(hasty.signalled().then()).rejects.toBeInstanceOf(TimeoutError);
    await until(() => counter.log.includes('aborted'));
    expect(await proxy.add(1).total).toBe(1); // what came late is nobody's answer
  });
});
