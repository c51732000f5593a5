// Exposed objects between real processes: who owns them, who dies, and what is left.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DEFAULT_LIMITS } from '../../src/base/limits';
import { closeOwnHost, ownHost } from '../../src/expose/own-host';
import {
  Manager,
  ManagerDiedError,
  NotListeningError,
  ProcessDiedError,
  TimeoutError,
  expose,
  handle,
  ready,
  spawn,
  release,
  revive,
  withOptions,
  type Exposed,
  type Remote,
} from '../../src/index';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { Child, Thread } from '../support/runners';
import { until } from '../support/until';

class Desk {
  readonly got: string[] = [];
  waiting = 0;
  go: () => void = () => undefined;
  async add(name: string): Promise<number> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.got.push(name);
  }
  async wait(): Promise<string> {
    this.waiting++;
    await new Promise<void>((resolve) => (this.go = resolve));
    return 'waited';
  }
}

/** What a child exposes: its methods tell of themselves by the file that they are given. */
const exposeInChild = async (
  library: typeof import('../../src/index'),
  state: Record<string, any>,
) => {
  const object = {
    total: 0,
    add(by: number) {
      return (object.total += by);
    },
    forEver: () => {
      state.entered?.();
      return new Promise(() => undefined);
    },
    pid: () => process.pid,
  };
  state.object = object;
  state.exposed = library.expose(object);
  return { proxy: state.exposed.proxy as unknown };
};
interface InChild {
  total: number;
  add(by: number): number;
  forEver(): Promise<void>;
  pid(): number;
}

const children: Child[] = [];
const opened: Exposed<object>[] = [];
const proxies: object[] = [];
const mine = <T extends object>(proxy: T): T => {
  proxies.push(proxy);
  return proxy;
};
function open<T extends object>(object: T): Exposed<T> {
  const exposed = expose(object);
  opened.push(exposed as unknown as Exposed<object>);
  mine(exposed.proxy);
  return exposed;
}
function startChild(): Child {
  const child = new Child();
  children.push(child);
  return child;
}
async function endChildren(): Promise<void> {
  for (const child of children.splice(0)) await child.kill();
}
async function inChild(child: Child): Promise<Remote<InChild>> {
  const { proxy } = revive(await child.run(exposeInChild)) as { proxy: Remote<InChild> };
  return mine(proxy);
}

beforeEach(() => {
  ownHost({ ...DEFAULT_LIMITS, ...SHORT_LIMITS });
});
afterEach(async () => {
  for (const exposed of opened.splice(0)) await exposed.close();
  for (const proxy of proxies.splice(0)) release(proxy);
  await endChildren();
  const { host } = ownHost();
  const directory = dirname(host.address.slice('unix:'.length));
  await until(() => host.snapshot().sessions.length === 0, 'the end of the sessions');
  expect(host.numberOfObjects()).toBe(0);
  expect(host.snapshot().calls.running).toBe(0);
  await closeOwnHost();
  expect(existsSync(directory)).toBe(false);
});

/** Adds three times under its name, and tells what it got. */
const addThrice = async (
  library: typeof import('../../src/index'),
  _state: unknown,
  argument: { proxy: unknown; name: string },
) => {
  const { proxy } = library.revive(argument) as unknown as { proxy: Remote<Desk> };
  const counts = await Promise.all([1, 2, 3].map((n) => proxy.add(`${argument.name}${String(n)}`)));
  library.release(proxy);
  return counts;
};

describe('an object of the parent', () => {
  test('three children call it at once, and each gets its own answers', async () => {
    const desk = new Desk();
    const { proxy } = open(desk);
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((name) => startChild().run(addThrice, { proxy, name })),
    );
    const counts = answers.flat();
    expect([...counts].sort((x, y) => x - y)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    answers.forEach((own, at) => {
      const name = 'abc'.charAt(at);
      expect(own.map((count) => desk.got[count - 1])).toEqual([`${name}1`, `${name}2`, `${name}3`]);
    });
  });

  test('one that is killed in the middle of a call harms nobody', async () => {
    const desk = new Desk();
    const { proxy } = open(desk);
    const victim = startChild();
    const other = startChild();
    void victim
      .run(
        async (library, state, argument: { proxy: unknown }) => {
          const { proxy } = library.revive(argument) as unknown as { proxy: Remote<Desk> };
          state.proxy = proxy;
          return await proxy.wait();
        },
        { proxy },
      )
      .catch(() => undefined); // it ends before
    await until(() => desk.waiting === 1);
    await victim.kill();
    expect(await other.run(addThrice, { proxy, name: 'b' })).toEqual([1, 2, 3]);
    desk.go();
    expect(await proxy.add('mine')).toBe(4);
  });

  test('a worker thread has a host of its own', async () => {
    const thread = new Thread();
    const desk = open(new Desk());
    const token = await thread.run(
      async (library, state, argument: { proxy: unknown }) => {
        const { proxy } = library.revive(argument) as unknown as { proxy: Remote<Desk> };
        await proxy.add('thread');
        library.release(proxy);
        state.exposed = library.expose({ where: () => 'in the thread' });
        return { own: (state.exposed as Exposed<object>).proxy as unknown };
      },
      { proxy: desk.proxy },
    );
    const { own } = revive(structuredClone(token)) as { own: Remote<{ where(): string }> };
    expect(await mine(own).where()).toBe('in the thread');
    await thread.end();
    await expect(own.where().then()).rejects.toBeInstanceOf(ManagerDiedError);
    // Who has never been there is not kept waiting either.
    const late = await startChild().run(
      async (library, _state, argument: { token: unknown }) => {
        const { own } = library.revive(argument.token) as { own: Remote<{ where(): string }> };
        const begin = performance.now();
        const error = await own.where().then(
          () => 'answered',
          (reason: unknown) => (reason as Error).name,
        );
        return { error, isSoon: performance.now() - begin < 5000 };
      },
      { token },
    );
    expect(late).toEqual({ error: 'ManagerDiedError', isSoon: true });
  });

  test('it lies in a list of a manager, and in that of another process', async () => {
    await using manager = new Manager({ limits: SHORT_LIMITS });
    const desk = new Desk();
    const exposed = open(desk);
    const list = manager.list([exposed.proxy]);
    const added = await startChild().run(
      async (library, _state, argument: { list: unknown }) => {
        const { list } = library.revive(argument) as unknown as {
          list: { at(index: number): Promise<Remote<Desk>> };
        };
        const proxy = await list.at(0);
        const count = await proxy.add('by way of a list');
        library.release(proxy);
        library.release(list);
        return count;
      },
      { list },
    );
    expect([added, desk.got]).toEqual([1, ['by way of a list']]);
    expect(await list.at(0)).toBe(desk); // home again
    await endChildren();
    await until(async () => (await manager.inspect()).sessions.length === 1);
    await list.clear();
    release(list);
    await endManager(manager);
  });
});

describe('an object of a child', () => {
  test('the parent and another child call it', async () => {
    const owner = startChild();
    const proxy = await inChild(owner);
    expect(await proxy.pid()).toBe(owner.process.pid);
    expect(await proxy.add(2)).toBe(2);
    const total = await startChild().run(
      async (library, _state, argument: { proxy: unknown }) => {
        const { proxy } = library.revive(argument) as unknown as { proxy: Remote<InChild> };
        const sum = await proxy.add(3);
        library.release(proxy);
        return sum;
      },
      { proxy },
    );
    expect(total).toBe(5);
  });

  test('a callback and an instance of the parent are called back here', async () => {
    const child = startChild();
    const { proxy } = revive(
      await child.run(async (library, state) => {
        state.exposed = library.expose({
          twice: async (tell: (n: number) => Promise<number>, desk: { total: Promise<number> }) => [
            await tell(1),
            await tell(2),
            await desk.total,
          ],
        });
        return { proxy: (state.exposed as Exposed<object>).proxy as unknown };
      }),
    ) as { proxy: Remote<{ twice(tell: unknown, desk: unknown): Promise<number[]> }> };
    class Own {
      total = 30;
    }
    expect(await mine(proxy).twice((n: number) => n * 10, new Own())).toEqual([10, 20, 30]);
  });

  test('killed -9 while it is called: rejects at once, and no default stands in for that', async () => {
    const child = startChild();
    const proxy = await inChild(child);
    const entered = child.run(
      (_library, state) => new Promise<void>((resolve) => (state.entered = resolve)),
    );
    const lost = proxy.forEver().then();
    const withDefault = mine(withOptions(proxy, { defaultValue: 'default' }))
      .forEver()
      .then();
    const failures = Promise.all([
      expect(lost).rejects.toMatchObject({ code: 'ERR_REFERENT_MANAGER_DIED', outcome: 'unknown' }),
      expect(withDefault).rejects.toBeInstanceOf(ManagerDiedError),
    ]);
    await entered;
    await child.kill();
    await failures;
    // What is asked after that was certainly not sent.
    await expect(proxy.add(1).then()).rejects.toMatchObject({ outcome: 'not-sent' });
    expect(await withOptions(proxy, { defaultValue: 'default' }).add(1)).toBe('default');
    const own = { add: (by: number) => by * 100 };
    expect(await withOptions(proxy, { fallback: own }).add(2)).toBe(200);
    expect(await handle(proxy).alive()).toBe(false);
  });

  test('blocked for it, with what stands in for its answer', async () => {
    const child = startChild();
    const exposed = open({ n: 1, add: (by: number) => by + 1 });
    const answers = await child.run(
      async (library, state, argument: { proxy: unknown }) => {
        const { proxy } = library.revive(argument) as unknown as { proxy: Remote<object> };
        state.proxy = library.withOptions(proxy, { defaultValue: 'default' });
        state.own = library.withOptions(proxy, { fallback: { n: 5, add: (by: number) => by * 5 } });
        const blocking = library.sync(state.proxy as Remote<{ n: number }>);
        return blocking.n;
      },
      { proxy: exposed.proxy },
    );
    expect(answers).toBe(1);
    await exposed.close();
    const absent = await child.run((library, state) => {
      const first = library.sync(state.proxy as Remote<{ n: number }>);
      const second = library.sync(state.own as Remote<{ n: number; add(by: number): number }>);
      return [first.n, second.n, second.add(3)];
    });
    expect(absent).toEqual(['default', 5, 15]);
  });

  test('a token that comes after the death of its owner is refused at once', async () => {
    const child = startChild();
    const sent = await child.run(exposeInChild);
    await child.kill();
    const { proxy } = revive(sent) as { proxy: Remote<InChild> };
    mine(proxy);
    await expect(proxy.add(1).then()).rejects.toMatchObject({ outcome: 'not-sent' });
    expect(await withOptions(proxy, { defaultValue: 7 }).add(1)).toBe(7);
  });

  test('an answer that comes too late is nobody’s', async () => {
    const child = startChild();
    const { proxy } = revive(
      await child.run(async (library, state) => {
        state.exposed = library.expose({
          slow: () => new Promise((resolve) => (state.answer = () => resolve('late'))),
          quick: () => 'quick',
        });
        return { proxy: (state.exposed as Exposed<object>).proxy as unknown };
      }),
    ) as { proxy: Remote<{ slow(): Promise<string>; quick(): string }> };
    mine(proxy);
    const hasty = mine(withOptions(proxy, { timeoutMs: 50 }));
    await expect(hasty.slow().then()).rejects.toBeInstanceOf(TimeoutError);
    await child.run((_library, state) => (state.answer as () => void)());
    expect(await Promise.all([proxy.quick(), proxy.quick()])).toEqual(['quick', 'quick']);
  });

  test('closed and opened again, from there', async () => {
    const child = startChild();
    const proxy = await inChild(child);
    await child.run(async (_library, state) => (state.exposed as Exposed<object>).close());
    await expect(proxy.add(1).then()).rejects.toBeInstanceOf(NotListeningError);
    const listening = ready(proxy, { process: child.process, timeoutMs: 10_000 });
    await child.run((library, state) => {
      state.exposed = library.expose(state.object as object);
    });
    await listening;
    expect(await proxy.add(1)).toBe(1);
  });
});

describe('ready', () => {
  test('at once where somebody listens, and for what a manager has', async () => {
    const desk = open(new Desk());
    await ready(desk.proxy);
    await using manager = new Manager({ limits: SHORT_LIMITS });
    const list = manager.list();
    await ready(list, { timeoutMs: 5000 });
    release(list);
    await endManager(manager);
  });

  test('a listener that never comes: the time, or the process, is over', async () => {
    const child = startChild();
    const proxy = await inChild(child);
    await child.run(async (_library, state) => (state.exposed as Exposed<object>).close());
    await expect(ready(proxy, { timeoutMs: 20 })).rejects.toBeInstanceOf(TimeoutError);
    const waiting = expect(ready(proxy, { process: child.process })).rejects.toMatchObject({
      code: 'ERR_REFERENT_PROCESS_DIED',
      signal: 'SIGKILL',
      exitCode: null,
    });
    await child.kill();
    await waiting;
    expect(child.process.listenerCount('exit')).toBe(0);
    await expect(ready(proxy, { process: child.process })).rejects.toBeInstanceOf(ProcessDiedError);
    await expect(ready(proxy)).rejects.toBeInstanceOf(ManagerDiedError);
  });

  test('by a name, in a process that ends before it has given it', async () => {
    const task = spawn(() => 1);
    await task.join();
    await expect(ready(task.remote('never'), { process: task })).rejects.toBeInstanceOf(
      ProcessDiedError,
    );
    const brief = spawn(() => 1);
    await expect(ready(brief.remote('never'), { process: brief })).rejects.toBeInstanceOf(
      ProcessDiedError,
    );
    await brief.join();
  });

  test('in this process', async () => {
    const object = { n: 1 };
    const first = open(object);
    await first.close();
    await expect(ready(first.proxy, { timeoutMs: 10 })).rejects.toBeInstanceOf(TimeoutError);
    const waiting = ready(first.proxy);
    open(object);
    await waiting;
  });

  test('only of proxies, and of processes', async () => {
    await expect(ready({})).rejects.toThrow('Not a proxy');
    await expect(ready(open({}).proxy, { process: 1 as never })).rejects.toThrow('fork()');
  });
});

describe('by name', () => {
  test('clients of a server of this process, and of its own host', async () => {
    const owner = new Manager({ limits: SHORT_LIMITS });
    const server = owner.getServer();
    await server.listen();
    const desk = new Desk();
    const child = startChild();
    const listening = child.run(
      async (library, state, argument: { addresses: string[] }) => {
        state.managers = argument.addresses.map((address) => library.Manager.connect(address));
        state.desks = (state.managers as Manager[]).map((manager) =>
          manager.named<Remote<Desk>>('desk'),
        );
        await Promise.all((state.desks as object[]).map((desk) => library.ready(desk)));
        return await Promise.all((state.desks as Remote<Desk>[]).map((desk) => desk.add('x')));
      },
      { addresses: [owner.address, ownHost().host.address] },
    );
    await until(() => ownHost().host.snapshot().calls.running === 1, 'the wait for the name');
    const exposed = expose(desk, { name: 'desk', exposed: ['add'] });
    expect((await listening).sort()).toEqual([1, 2]);
    const again = child.run(async (library, state) => {
      const kinds = await Promise.all(
        (state.desks as Remote<Desk>[]).map((desk) =>
          library
            .handle(desk)
            .get('waiting')
            .catch((error: Error) => error.name),
        ),
      );
      return kinds;
    });
    expect(await again).toEqual(['MethodNotExposedError', 'MethodNotExposedError']);
    await exposed.close();
    const gone = child.run((_library, state) =>
      Promise.all(
        (state.desks as Remote<Desk>[]).map((desk) =>
          desk.add('y').then(
            () => 'answered',
            (error: Error) => error.name,
          ),
        ),
      ),
    );
    expect(await gone).toEqual(['ObjectGoneError', 'ObjectGoneError']);
    release(exposed.proxy);
    await endChildren();
    await server.close();
  });

  test('whoever stops waiting for a name leaves nothing', async () => {
    const child = startChild();
    const over = await child.run(
      async (library, _state, argument: { address: string }) => {
        const manager = library.Manager.connect(argument.address);
        const error = await library
          .ready(manager.named('never'), { timeoutMs: 20 })
          .catch((e) => e);
        await manager.numberOfObjects();
        return (error as Error).name;
      },
      { address: ownHost().host.address },
    );
    expect(over).toBe('TimeoutError');
    expect(ownHost().host.snapshot().calls.running).toBe(0);
  });
});

describe('the process itself', () => {
  /** How a child goes on by itself after its channel is closed. */
  async function left(
    body: Parameters<Child['run']>[0],
  ): Promise<{ child: Child; directory: string }> {
    const child = startChild();
    const address = await child.run(async (library, state) => {
      state.exposed = library.expose({ n: 1 });
      return library.handle((state.exposed as Exposed<object>).proxy).address;
    });
    await child.run(body);
    child.process.disconnect();
    return { child, directory: dirname(address.slice('unix:'.length)) };
  }

  test('stays for calls as long as something is exposed, and leaves nothing behind', async () => {
    const { child, directory } = await left(() => undefined);
    let isOver = false;
    void child.ended().then(() => (isOver = true));
    const desk = open(new Desk()); // a round trip of another process: time goes by
    await startChild().run(addThrice, { proxy: desk.proxy, name: 'x' });
    expect(isOver).toBe(false);
    expect(existsSync(directory)).toBe(true);
    child.process.kill('SIGTERM');
    await child.ended();
  });

  test('ends when all is closed, or waits for nobody', async () => {
    const closed = await left(async (_library, state) =>
      (state.exposed as Exposed<object>).close(),
    );
    await closed.child.ended();
    expect(closed.child.process.exitCode).toBe(0);
    expect(existsSync(closed.directory)).toBe(false);
    const manual = await left(async (library, state) => {
      await (state.exposed as Exposed<object>).close();
      state.exposed = library.expose({ n: 2 }, { mode: 'manual' });
    });
    await manual.child.ended();
    expect(existsSync(manual.directory)).toBe(false);
  });
});
