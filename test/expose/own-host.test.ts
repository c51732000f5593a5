// This thread as a host: processes of the same user open what it gives, and nothing of it is left.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DEFAULT_LIMITS } from '../../src/base/limits';
import { closeOwnHost, ownHost } from '../../src/expose/own-host';
import { handle, isProxy, release, revive, tokenOf, type Remote } from '../../src/index';
import { Child } from '../support/runners';
import { SHORT_LIMITS } from '../support/managers';
import { until } from '../support/until';

class Counter {
  total = 0;
  add(by: number): this {
    this.total += by;
    return this;
  }
  keep(value: object): object {
    return value;
  }
  fail(): never {
    throw new RangeError('too much');
  }
}

beforeEach(() => {
  ownHost({ ...DEFAULT_LIMITS, ...SHORT_LIMITS });
});
afterEach(async () => {
  const { host } = ownHost();
  const directory = dirname(host.address.slice('unix:'.length));
  await until(() => host.snapshot().sessions.length === 0, 'the end of the sessions');
  await until(() => host.numberOfObjects() === 0, 'the end of all references');
  await closeOwnHost();
  expect(existsSync(directory)).toBe(false);
});

const give = <T extends object>(object: T): Remote<T> => ownHost().proxyOf(object) as Remote<T>;

describe('in this thread', () => {
  test('a proxy reaches the object itself, and nothing is copied', async () => {
    const counter = new Counter();
    const proxy = give(counter);
    expect(isProxy(proxy)).toBe(true);
    expect(await proxy.add(2).add(3).total).toBe(5);
    expect(await proxy.add(0)).toBe(proxy);
    const mine = { deep: [() => 1] };
    expect(await proxy.keep(mine)).toBe(mine);
    await expect(proxy.fail().then()).rejects.toThrow(RangeError);
    await expect(handle(proxy).call('_x')).rejects.toMatchObject({
      code: 'ERR_REFERENT_METHOD_NOT_EXPOSED',
    });
    release(proxy);
    await expect(proxy.add(1).then()).rejects.toMatchObject({ code: 'ERR_REFERENT_RELEASED' });
  });

  test('a token opens the object itself', () => {
    const counter = new Counter();
    const proxy = give(counter);
    expect(revive(structuredClone({ proxy }))).toEqual({ proxy: counter });
    expect((revive(structuredClone({ proxy })) as { proxy: unknown }).proxy).toBe(counter);
    release(proxy);
  });

  test('one object has one number', () => {
    const counter = new Counter();
    const [first, second, other] = [give(counter), give(counter), give(new Counter())];
    expect(handle(first).id).toBe(handle(second).id);
    expect(handle(first).id).not.toBe(handle(other).id);
    for (const proxy of [first, second, other]) release(proxy);
  });
});

describe('in another process', () => {
  test('a token that was made in the first tick, before this thread listens', async () => {
    const child = new Child();
    const counter = new Counter();
    const proxy = give(counter);
    const total = await child.run(
      async (library, _state, argument: { proxy: unknown }) => {
        const { proxy } = library.revive(argument) as unknown as { proxy: Remote<Counter> };
        const answer = await proxy.add(2).add(3).total;
        library.release(proxy);
        return answer;
      },
      { proxy },
    );
    expect([total, counter.total]).toEqual([5, 5]);
    release(proxy);
    child.process.disconnect();
    await child.ended();
  });

  test('blocking', async () => {
    const child = new Child();
    const counter = new Counter();
    const proxy = give(counter);
    const total = await child.run(
      (library, _state, argument: { proxy: unknown }) => {
        const { proxy } = library.revive(argument) as unknown as { proxy: Remote<Counter> };
        const blocking = library.sync(proxy) as unknown as Counter;
        blocking.add(4);
        return blocking.total;
      },
      { proxy },
    );
    expect([total, counter.total]).toEqual([4, 4]);
    release(proxy);
    child.process.disconnect();
    await child.ended();
  });

  test('nothing can be made or ended here from there', async () => {
    const child = new Child();
    const proxy = give(new Counter());
    const refused = await child.run(
      async (library, _state, argument: { address: string; text: string }) => {
        const manager = library.Manager.connect(argument.address);
        const error = await manager.list().length.then(
          () => 'made',
          (reason: unknown) => (reason as Error).message,
        );
        const refused = await manager.shutdown().then(
          () => 'ended',
          (reason: unknown) => (reason as Error).name,
        );
        await manager.close();
        return [error, refused];
      },
      { address: ownHost().host.address, text: tokenOf(proxy).text },
    );
    expect(refused[0]).toContain("Unknown typeid 'list'");
    expect(refused[1]).toBe('MethodNotExposedError');
    release(proxy);
    child.process.disconnect();
    await child.ended();
  });
});
