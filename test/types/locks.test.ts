// Locks, semaphores and conditions as their users have them, over a real connection.
import { inspect } from 'node:util';
import {
  FenceError,
  LimitError,
  LockError,
  type LockHandle,
  LockProxy,
  Manager,
  NotOwnerError,
  RemoteError,
  TimeoutError,
  UsageError,
  release,
  sameReferent,
  sync,
  withOptions,
} from '../../src/index';
import { Client } from '../support/lock-clients';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { until } from '../support/until';
import { Fences } from '../../src/types/fences';
import { LockReferent } from '../../src/types/lock';
import { rlockType } from '../../src/types/rlock';

jest.setTimeout(30_000);

const manager = new Manager({ limits: { ...SHORT_LIMITS, waiters: 3 } });
let proxies: object[] = [];

function shared<P extends object>(proxy: P): P {
  proxies.push(proxy);
  return proxy;
}
function said(proxy: { toStringRemote(): Promise<string> }, part: string): Promise<unknown> {
  return until(async () => (await proxy.toStringRemote()).includes(part), part);
}

afterEach(async () => {
  const { sessions } = await manager.inspect();
  expect(sessions.map(({ locks }) => locks)).toEqual([0]);
  for (const proxy of proxies) release(proxy);
  proxies = [];
});
afterAll(() => endManager(manager));

describe.each(['lock', 'rlock', 'semaphore', 'boundedSemaphore', 'condition'] as const)(
  'what is acquired: %s',
  (kind) => {
    test('once, by one; released, by the next', async () => {
      const lock = shared(kind === 'condition' ? manager.condition() : manager[kind]());
      const handle = await lock.acquire();
      expect(handle.abandoned).toBeUndefined();
      expect(handle.signal.aborted).toBe(false);
      expect(await lock.tryAcquire()).toBeUndefined();
      await expect(lock.acquire({ blocking: false })).rejects.toBeInstanceOf(TimeoutError);
      await expect(lock.acquire({ timeoutMs: 0 })).rejects.toBeInstanceOf(TimeoutError);
      await expect(lock.acquire({ timeoutMs: 5 })).rejects.toThrow('was not free within 5 ms');
      const order: string[] = [];
      const waiting = ['a', 'b'].map(async (name) => {
        await using _ = await lock.acquire();
        order.push(name);
      });
      await handle.release();
      await handle.release(); // more often does nothing
      await Promise.all(waiting);
      expect(order).toEqual(['a', 'b']);
      const last = (await lock.tryAcquire()) as LockHandle;
      expect(last.fence).toBeGreaterThan(handle.fence);
      await last.release();
    });

    test('given up while it waits, it is not acquired', async () => {
      const lock = shared(kind === 'condition' ? manager.condition() : manager[kind]());
      const handle = await lock.acquire();
      const controller = new AbortController();
      const waiting = lock.acquire({ signal: controller.signal });
      await said(lock, '1 waiting');
      controller.abort(new Error('enough'));
      await expect(waiting).rejects.toThrow('enough');
      await handle.release();
      await lock.use(() => undefined);
      await expect(lock.acquire({ signal: controller.signal })).rejects.toThrow('enough');
    });

    test('given up when it is granted, it comes back', async () => {
      const lock = shared(kind === 'condition' ? manager.condition() : manager[kind]());
      const controller = new AbortController();
      const call = lock.acquire({ signal: controller.signal });
      await Promise.resolve();
      setImmediate(() => controller.abort(new Error('enough')));
      await call.then(
        (handle) => handle.release(),
        (error: Error) => expect(error.message).toBe('enough'),
      );
      await lock.use(() => undefined);
    });

    test('use() releases, and answers what its body does', async () => {
      const lock = shared(kind === 'condition' ? manager.condition() : manager[kind]());
      expect(await lock.use((handle) => Promise.resolve(typeof handle.fence))).toBe('number');
      await expect(
        lock.use(() => {
          throw new RangeError('body');
        }),
      ).rejects.toThrow(RangeError);
      // The error of the body goes before one of the release.
      await expect(
        lock.use(async (handle) => {
          await handle.release();
          throw new RangeError('body');
        }),
      ).rejects.toThrow(RangeError);
      await expect(lock.use(() => 1, { timeoutMs: -1 })).rejects.toBeInstanceOf(UsageError);
      await lock.use(() => undefined);
    });

    test.each([
      [{ blocking: false, timeoutMs: 5 }],
      [{ timeoutMs: -1 }],
      [{ timeoutMs: NaN }],
      [{ blocking: 1 }],
      [{ signal: {} }],
      [{ abandoned: 'reject' }],
      [{ patience: 1 }],
    ])('%j is refused before anything is sent', async (options) => {
      const lock = shared(kind === 'condition' ? manager.condition() : manager[kind]());
      await expect(lock.acquire(options as never)).rejects.toBeInstanceOf(UsageError);
      await expect(lock._callMethod('acquire', [-1])).rejects.toBeInstanceOf(UsageError);
    });

    test('no more than limits.waiters wait', async () => {
      const lock = shared(kind === 'condition' ? manager.condition() : manager[kind]());
      const handle = await lock.acquire();
      const waiting = [1, 2, 3].map(() => lock.acquire());
      await expect(lock.acquire()).rejects.toBeInstanceOf(LimitError);
      await handle.release();
      for (const one of waiting) await (await one).release();
    });

    test('it cannot be copied, and its text says how it stands', async () => {
      const lock = shared(kind === 'condition' ? manager.condition() : manager[kind]());
      await expect(lock._getValue()).rejects.toBeInstanceOf(RemoteError);
      expect(inspect(lock)).toContain(`typeid '${kind}'`);
    });
  },
);

test('the texts', async () => {
  const [lock, rlock] = [shared(manager.lock()), shared(manager.rlock())];
  const condition = shared(manager.condition(rlock));
  const semaphore = shared(manager.semaphore(2));
  expect(await lock.toStringRemote()).toBe('Lock (free)');
  await lock.use(async () => {
    const waiting = [lock.acquire(), lock.acquire()];
    expect(await lock.toStringRemote()).toBe('Lock (held, 2 waiting)');
    void waiting.map(async (one) => (await one).release());
  });
  await rlock.use(() =>
    rlock.use(async () => {
      expect(await condition.toStringRemote()).toBe('Condition (RLock (held 2 times), 0 asleep)');
    }),
  );
  await semaphore.use(async () => {
    expect(await semaphore.toStringRemote()).toBe('Semaphore (1 free)');
  });
  await lock.use(() => undefined);
});

describe('lock', () => {
  test('anyone may release it, and its handle knows', async () => {
    const lock = shared(manager.lock());
    const handle = await lock.acquire();
    await lock.release();
    await expect(lock.release()).rejects.toBeInstanceOf(LockError);
    const next = await lock.acquire();
    await expect(handle.release()).rejects.toBeInstanceOf(NotOwnerError);
    expect(await lock.locked()).toBe(true); // the stale handle freed nothing
    await next.release();
    expect(await lock.locked()).toBe(false);
  });

  test('it cannot be acquired twice, in a use neither', async () => {
    const lock = shared(manager.lock());
    await lock.use(async () => {
      expect(await lock.tryAcquire()).toBeUndefined();
      await expect(lock.use(() => 1, { timeoutMs: 1 })).rejects.toBeInstanceOf(TimeoutError);
    });
    await expect(lock.acquire({ owner: 'x' })).rejects.toBeInstanceOf(UsageError);
  });
});

describe('rlock', () => {
  test('a use and what is in it acquire it again', async () => {
    const rlock = shared(manager.rlock());
    const whole = rlock.use(async (outer) => {
      await rlock.use((inner) => expect(inner.fence).toBe(outer.fence));
      const bare = await rlock.acquire();
      const tried = (await rlock.tryAcquire())!;
      expect(await rlock.toStringRemote()).toBe('RLock (held 3 times)');
      await bare.release();
      await tried.release();
      await rlock.release(); // what the use itself has: its end finds nothing to release
    });
    await expect(whole).rejects.toBeInstanceOf(NotOwnerError);
    expect(await rlock.locked()).toBe(false);
  });

  test('two tasks of one process exclude each other', async () => {
    const rlock = shared(manager.rlock());
    let inside = 0;
    const enter = async (): Promise<void> => {
      expect(++inside).toBe(1);
      await rlock.locked();
      inside--;
    };
    await Promise.all([rlock.use(enter), rlock.use(enter), withHandle(rlock, enter)]);
    // Also where both are begun inside of a use of another one.
    const other = shared(manager.rlock());
    await other.use(() =>
      Promise.all([rlock.use(enter), rlock.use(enter), withHandle(rlock, enter)]),
    );
  });

  test('what a use left running is no longer inside of it', async () => {
    const rlock = shared(manager.rlock());
    let later: Promise<LockHandle | undefined>[] = [];
    let go: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (go = resolve));
    await rlock.use(() => {
      later = [over.then(() => rlock.tryAcquire()), over.then(() => rlock.tryAcquire())];
    });
    go();
    const [one, two] = await Promise.all(later);
    expect([one === undefined, two === undefined].filter(Boolean)).toHaveLength(1);
    await (one ?? two)?.release();
  });

  test('an owner acquires and releases by its name', async () => {
    const rlock = shared(manager.rlock());
    await rlock.acquire({ owner: 'me' });
    await rlock.acquire({ owner: 'me' });
    await expect(rlock.acquire({ owner: 'you', blocking: false })).rejects.toThrow(TimeoutError);
    expect(await rlock.tryAcquire()).toBeUndefined();
    await expect(rlock.release()).rejects.toBeInstanceOf(NotOwnerError);
    await expect(rlock.release({ owner: 'you' })).rejects.toBeInstanceOf(NotOwnerError);
    await rlock.release({ owner: 'me' });
    expect(await rlock.locked()).toBe(true);
    await rlock.release({ owner: 'me' });
    expect(await rlock.locked()).toBe(false);
  });

  test('the one lock of another object', () => {
    const [one, two] = [{}, {}];
    const create = rlockType.create as (options: undefined, of: object) => object;
    expect(create(undefined, one)).toBe(create(undefined, one));
    expect(create(undefined, one)).not.toBe(create(undefined, two));
  });
});

async function withHandle(lock: LockProxy, body: () => Promise<void>): Promise<void> {
  await using _ = await lock.acquire();
  await body();
}

describe('semaphore', () => {
  test('as many holders as permits; more can be added', async () => {
    const semaphore = shared(manager.semaphore(2));
    const handles = [await semaphore.acquire(), await semaphore.acquire()];
    expect(await semaphore.tryAcquire()).toBeUndefined();
    expect(await semaphore.value()).toBe(0);
    for (const handle of handles) await handle.release();
    await semaphore.release(3);
    expect(await semaphore.value()).toBe(5);
  });

  test('released without a handle: first what was acquired so', async () => {
    const semaphore = shared(manager.semaphore(2));
    const handle = await semaphore.acquire();
    await semaphore.use(async () => {
      await semaphore.release(2); // the one of `handle`, and a new one; not that of the use
      expect(await semaphore.value()).toBe(2);
    });
    await expect(handle.release()).rejects.toBeInstanceOf(NotOwnerError);
    expect(await semaphore.value()).toBe(3);
  });

  test('a bounded one has a bound', async () => {
    const semaphore = shared(manager.boundedSemaphore(2));
    await expect(semaphore.release()).rejects.toThrow('more than 2 permits');
    const handle = await semaphore.acquire();
    await expect(semaphore.release(2)).rejects.toBeInstanceOf(LockError);
    expect(await semaphore.value()).toBe(1); // nothing was released
    await handle.release();
  });

  test.each([0, -1, 1.5, NaN, '1'])('release(%p) is refused', async (permits) => {
    const semaphore = shared(manager.semaphore());
    await expect(semaphore.release(permits as number)).rejects.toBeInstanceOf(UsageError);
    await expect(semaphore._callMethod('release', [permits])).rejects.toBeInstanceOf(UsageError);
  });

  test.each([-1, 0.5, 'many'])('one of %p permits cannot be made', async (value) => {
    const semaphore = shared(manager.semaphore(value as number));
    await expect(semaphore.value()).rejects.toBeInstanceOf(RemoteError);
  });
});

describe('condition', () => {
  test('a handle follows: wait() releases it and has it again under a new fence', async () => {
    const condition = shared(manager.condition());
    const handle = await condition.acquire();
    const { fence } = handle;
    const list = shared(manager.list([1]));
    const guarded = withOptions(list, { guard: handle });
    expect(await condition.wait({ timeoutMs: 1 })).toBe(false);
    expect(handle.fence).toBeGreaterThan(fence);
    expect(await guarded.length).toBe(1);
    await handle.release();
    expect(await condition.locked()).toBe(false);
    release(guarded);
  });

  test('wait() releases all levels, and has them all again', async () => {
    const rlock = shared(manager.rlock());
    const condition = shared(manager.condition(rlock));
    const waiting = rlock.use(() =>
      condition.use(async () => {
        const answer = await condition.wait();
        return [answer, await rlock.toStringRemote()];
      }),
    );
    await said(condition, '1 asleep');
    await condition.use(() => condition.notify());
    expect(await waiting).toEqual([true, 'RLock (held 2 times)']);
    expect(await rlock.locked()).toBe(false);
  });

  test.each(['lock', 'rlock'] as const)('with a %s of the same manager', async (kind) => {
    const lock = shared(manager[kind]());
    const condition = shared(manager.condition(lock));
    const waiting = lock.use(() => condition.wait());
    await said(condition, '1 asleep');
    expect(await lock.locked()).toBe(false);
    const handle = await lock.acquire();
    await condition.notifyAll();
    expect(await condition.toStringRemote()).toContain('held, 1 waiting'); // moved, not woken
    await handle.release();
    expect(await waiting).toBe(true);
  });

  test('nobody waits or notifies without the lock', async () => {
    const condition = shared(manager.condition());
    await expect(condition.wait()).rejects.toBeInstanceOf(LockError);
    await expect(condition.notify()).rejects.toThrow('its lock is not held here');
    await expect(condition.notifyAll()).rejects.toBeInstanceOf(LockError);
    await condition.use(async () => {
      await expect(condition.notify(-1)).rejects.toBeInstanceOf(UsageError);
      await expect(condition._callMethod('notify', [0.5])).rejects.toBeInstanceOf(UsageError);
    });
    // Another task of this process does not have what a use has.
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => (leave = resolve));
    const other = condition.use(() => left);
    await said(condition, 'held');
    await expect(condition.notify()).rejects.toBeInstanceOf(LockError);
    leave();
    await other;
  });

  test('an aborted wait rejects when it holds the lock again', async () => {
    const condition = shared(manager.condition());
    const controller = new AbortController();
    let isInside = false;
    const waiting = condition.use(async () => {
      await condition.wait({ signal: controller.signal }).finally(() => (isInside = true));
    });
    await said(condition, '1 asleep');
    await condition.use(async () => {
      controller.abort(new Error('enough'));
      await said(condition, '0 asleep');
      expect(isInside).toBe(false); // the lock is ours
    });
    await expect(waiting).rejects.toThrow('enough');
    await condition.use(async () => {
      await expect(condition.wait({ signal: controller.signal })).rejects.toThrow('enough');
      expect(await condition.locked()).toBe(true);
    });
  });

  test('waitFor runs its predicate here, with the lock held, within the time', async () => {
    const condition = shared(manager.condition());
    const list = shared(manager.list<number>());
    const full = condition.use(() => condition.waitFor(async () => (await list.length) === 2));
    for (const i of [1, 2]) {
      await said(condition, '1 asleep');
      await condition.use(async () => {
        await list.push(i);
        await condition.notify();
      });
    }
    expect(await full).toBe(true);
    const start = performance.now();
    expect(await condition.use(() => condition.waitFor(() => false, { timeoutMs: 30 }))).toBe(
      false,
    );
    expect(performance.now() - start).toBeGreaterThanOrEqual(29);
    expect(await condition.waitFor(() => true)).toBe(true); // nothing to wait for
  });

  test('it takes a lock of the same manager, and nothing else', async () => {
    expect(() => manager.condition({} as never)).toThrow(UsageError);
    const ours = shared(manager.condition());
    expect(() => manager.condition(ours as never)).toThrow(UsageError);
  });
});

describe('behind sync', () => {
  test('a handle is released by using', () => {
    const lock = shared(sync(shared(manager.lock())));
    {
      using handle = lock.acquire();
      expect(handle.fence).toBeGreaterThan(0);
      expect(lock.tryAcquire()).toBeUndefined();
    }
    expect(lock.locked()).toBe(false);
    const handle = lock.acquire();
    handle.release();
    handle.release(); // more often does nothing
    expect(() => lock.release()).toThrow(LockError);
  });

  test('the thread is the owner of an rlock, and of a condition', () => {
    const rlock = shared(sync(shared(manager.rlock())));
    rlock.acquire();
    rlock.use(() => expect(rlock.toStringRemote()).toBe('RLock (held 2 times)'));
    rlock.release();
    expect(() => rlock.release()).toThrow(NotOwnerError);
    const condition = shared(sync(shared(manager.condition())));
    using handle = condition.acquire();
    const { fence } = handle;
    expect(condition.wait({ timeoutMs: 1 })).toBe(false);
    expect(handle.fence).toBeGreaterThan(fence);
    condition.notifyAll();
  });
});

describe('guard', () => {
  test.each(['lock', 'rlock', 'semaphore', 'condition'] as const)(
    'calls run while the %s is held, and not after',
    async (kind) => {
      const lock = shared(kind === 'condition' ? manager.condition() : manager[kind]());
      const list = shared(manager.list<number>());
      const handle = await lock.acquire();
      const guarded = shared(withOptions(list, { guard: handle }));
      expect(await guarded.push(1)).toBe(1);
      await handle.release();
      await expect(guarded.push(2)).rejects.toBeInstanceOf(FenceError);
      const next = await lock.acquire();
      await expect(guarded.push(2)).rejects.toThrow('no longer holds the lock');
      await next.release();
      expect(await list.toArray()).toEqual([1]);
    },
  );

  test('nor after somebody else released it', async () => {
    const list = shared(manager.list<number>());
    for (const lock of [shared(manager.lock()), shared(manager.semaphore())]) {
      const guarded = shared(withOptions(list, { guard: await lock.acquire() }));
      await guarded.push(1);
      await lock.release();
      await expect(guarded.push(2)).rejects.toBeInstanceOf(FenceError);
    }
    expect(await list.length).toBe(2);
  });

  test('nor with a lock of another manager', async () => {
    await using other = new Manager({ limits: SHORT_LIMITS });
    await using handle = await other.lock().acquire();
    const list = shared(manager.list());
    const guarded = shared(withOptions(list, { guard: handle }));
    await expect(guarded.push(1)).rejects.toBeInstanceOf(UsageError);
  });

  test('nor for a session that came after the one that held it', async () => {
    const list = shared(manager.list<number>());
    const holder = Manager.connect(manager.address);
    const theirs = holder.list<unknown>();
    const lock = shared(manager.lock());
    await theirs.push(lock, list);
    const handle = await ((await theirs.get(0)) as LockProxy).acquire();
    const guarded = withOptions((await theirs.get(1)) as typeof list, { guard: handle });
    await guarded.push(1);
    await holder.close();
    const next = await lock.acquire();
    expect(next.abandoned?.fence).toBe(handle.fence);
    await expect(guarded.push(2)).rejects.toThrow();
    expect(await list.toArray()).toEqual([1]);
    await next.release();
  });
});

test('fences grow, whatever the clock does', () => {
  let now = 5;
  const fences = new Fences(() => now);
  const drawn = [fences.next(), fences.next()];
  now = 3;
  drawn.push(fences.next());
  now = 6;
  drawn.push(fences.next());
  expect(drawn).toEqual([5 * 2048, 5 * 2048 + 1, 5 * 2048 + 2, 6 * 2048]);
});

test('a caller that has ended is given nothing', () => {
  const lock = new LockReferent();
  const gone = new Client();
  gone.end();
  expect(gone.call(() => lock.acquire()).state).toBe('failed');
  expect(lock.locked()).toBe(false);
});

test('locks are shared objects like others', async () => {
  const lock = shared(manager.lock());
  const list = shared(manager.list([lock]));
  const again = shared(await list.get(0));
  expect(again).toBeInstanceOf(LockProxy);
  expect(sameReferent(again, lock)).toBe(true);
  await lock.use(async () => expect(await again.locked()).toBe(true));
});

test('inspect() counts locks and permits, and nothing else that a session holds', async () => {
  const lock = shared(manager.lock());
  const semaphore = shared(manager.semaphore(2));
  const queue = shared(manager.joinableQueue<number>());
  const named = manager.named('an owned list', () => shared(manager.list()), { owned: true });
  const locks = async () => (await manager.inspect()).sessions.map((session) => session.locks);
  await named.push(1);
  await queue.put(1);
  const taken = await queue.take();
  expect(await locks()).toEqual([0]);
  const held = await lock.acquire();
  await semaphore.acquire();
  expect(await locks()).toEqual([2]);
  await held.release();
  await semaphore.release();
  await taken.ack();
  await manager.names.delete('an owned list');
});
