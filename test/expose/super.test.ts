// `handle(p).super`: the members of the class above, on the object itself, from near and far.
import { DEFAULT_LIMITS } from '../../src/base/limits';
import { closeOwnHost, ownHost } from '../../src/expose/own-host';
import {
  type ExposeOptions,
  type Exposed,
  MethodNotExposedError,
  NotListeningError,
  UsageError,
  expose,
  handle,
  release,
  type Remote,
} from '../../src/index';
import { SHORT_LIMITS } from '../support/managers';
import { NearClient } from '../support/near-client';
import { until } from '../support/until';

class Grandparent {
  protected name = 'name';
  hello(): string {
    return `grandparent of ${this.name}`;
  }
  get size(): number {
    return this.name.length;
  }
  _hidden(): string {
    return 'hidden';
  }
}
class Parent extends Grandparent {
  #secret = 'secret';
  override hello(): string {
    return `parent of ${this.name}, ${this.#secret}`;
  }
  list(): number[] {
    return [1, 2, 3];
  }
  rename(name: string): this {
    this.name = name;
    return this;
  }
}
class Own extends Parent {
  override hello(): string {
    return 'own';
  }
  override get size(): number {
    return -1;
  }
  override list(): number[] {
    throw new Error('not mine');
  }
}

const opened: Exposed<object>[] = [];
const proxies: object[] = [];
let client: NearClient;

async function open<T extends object>(
  object: T,
  where: string,
  options?: ExposeOptions,
): Promise<Remote<T>> {
  const exposed = expose(object, options);
  opened.push(exposed as unknown as Exposed<object>);
  proxies.push(exposed.proxy);
  if (where === 'near') return exposed.proxy;
  const proxy = await client.claim(exposed.proxy as Remote<object>);
  proxies.push(proxy);
  return proxy as Remote<T>;
}

beforeEach(() => {
  client = new NearClient(ownHost({ ...DEFAULT_LIMITS, ...SHORT_LIMITS }).host);
});
afterEach(async () => {
  for (const exposed of opened.splice(0)) await exposed.close();
  for (const proxy of proxies.splice(0)) release(proxy);
  await client.flush();
  expect(client.pendingCalls).toBe(0);
  client.close();
  await until(() => ownHost().host.snapshot().sessions.length === 0);
  await closeOwnHost();
});

describe.each(['near', 'far'])('%s', (where) => {
  test('methods and accessors of the parent run on the object', async () => {
    const proxy = await open(new Own(), where);
    expect(await proxy.hello()).toBe('own');
    expect(await handle(proxy).super.hello()).toBe('parent of name, secret');
    expect([await proxy.size, await handle(proxy).super.size]).toEqual([-1, 4]);
    await handle(proxy).super.rename('other');
    expect(await handle(proxy).super.size).toBe(5);
  });

  test('one goes on from there, and further up', async () => {
    const proxy = await open(new Own(), where);
    const parent = handle(proxy).super;
    expect(await parent.list().length).toBe(3);
    expect(await handle(handle(proxy).super).super.hello()).toBe('grandparent of name');
    expect(await handle(handle(proxy).super).has('list')).toBe(true);
    expect(await handle(handle(proxy).super).call('hello')).toBe('parent of name, secret');
  });

  test('what is not exposed is not there either, and there is an end', async () => {
    const proxy = await open(new Own(), where);
    await expect(handle(handle(proxy).super).call('_hidden')).rejects.toBeInstanceOf(
      MethodNotExposedError,
    );
    const top = handle(handle(handle(proxy).super).super).super;
    await expect(handle(top).get('hello')).rejects.toThrow('no class above');
    const narrow = await open(new Own(), where, { exposed: ['size'] });
    await expect(handle(narrow).super.hello().then()).rejects.toBeInstanceOf(MethodNotExposedError);
    const held = await (handle(narrow).super as unknown as Promise<Remote<Own>>);
    if (held !== narrow) proxies.push(held);
    await expect(held.hello().then()).rejects.toBeInstanceOf(MethodNotExposedError);
  });

  test('it listens as the object does', async () => {
    const proxy = await open(new Own(), where);
    const before = await (handle(proxy).super as unknown as Promise<Remote<Own>>);
    proxies.push(before);
    await opened[0]?.close();
    await expect(handle(proxy).super.hello().then()).rejects.toBeInstanceOf(NotListeningError);
    await expect(before.hello().then()).rejects.toBeInstanceOf(NotListeningError);
  });

  test('of a member nothing is known here', async () => {
    const proxy = await open(new Own(), where);
    const parent = handle(proxy).super;
    expect(() => handle(parent).id).toThrow(UsageError);
    expect(handle(parent).address).toBe(handle(proxy).address);
    proxies.push(await (parent as unknown as Promise<object>));
  });
});
