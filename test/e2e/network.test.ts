// Managers over tcp:// and tls://, from this process and from others.
import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net';
import { connect as connectTls, createServer as createTls } from 'node:tls';
import {
  AuthenticationError,
  ConnectionLostError,
  type ListProxy,
  Manager,
  ManagerDiedError,
  type ManagerOptions,
  ProtocolError,
  type Remote,
  RemoteError,
  SerializationError,
  StaleManagerError,
  UsageError,
  release,
  revive,
} from '../../src/index';
import { type NetworkAddress, parseAddress } from '../../src/transport/address';
import type { Counter } from '../fixtures/classes';
import { authority, clientPair, serverPair, strangerPair } from '../support/certificates';
import { SHORT_LIMITS, expectNothingHeld, isAlive } from '../support/managers';
import { Child } from '../support/runners';
import { SilentProxy } from '../support/silent-proxy';
import { until } from '../support/until';

jest.setTimeout(60_000);

const CLASSES = require.resolve('../fixtures/classes');
const authkey = 'a key of more than sixteen bytes';
const address = 'tcp://127.0.0.1:0';

class TestManager extends Manager {
  static {
    this.register('Counter', { module: CLASSES, export: 'Counter' });
    this.register('Sharing', {
      module: CLASSES,
      export: 'Counter',
      methodToTypeid: { other: 'Result' },
    });
    this.register('Result', { createMethod: false });
  }
}

const portOf = (manager: { readonly address: string }): number =>
  (parseAddress(manager.address) as NetworkAddress).port;

async function endNetworkManager(manager: Manager): Promise<void> {
  await expectNothingHeld(manager);
  const { pid } = manager;
  await manager.shutdown();
  if (pid !== undefined) expect(isAlive(pid)).toBe(false);
}

/** A manager that serves from this process: its end takes no process with it. */
async function serve(options: Partial<ManagerOptions> = {}): Promise<Manager> {
  const manager = new Manager({ address, authkey, ...options });
  await manager.getServer().listen();
  served.push(manager);
  return manager;
}
const served: Manager[] = [];

afterEach(async () => {
  for (const manager of served.splice(0)) await manager.shutdown(); // where a test failed
});

describe.each<[string, Partial<ManagerOptions>, object]>([
  ['tcp', {}, {}],
  ['tls', { address: 'tls://127.0.0.1:0', tls: serverPair }, { ca: authority }],
  [
    'mutual tls',
    { address: 'tls://localhost:0', tls: { ...serverPair, ca: authority } },
    { ca: authority, ...clientPair },
  ],
])('over %s', (name, options, tls) => {
  const connecting = { authkey, ...(name === 'tcp' ? {} : { tls }) };

  it('a process that knows the key uses what another one made', async () => {
    const manager = new Manager({ address, authkey, ...options });
    const list = manager.list(['from its owner']);
    expect(() => JSON.stringify(list)).toThrow('await manager.start() first');
    await manager.start();
    expect(portOf(manager)).toBeGreaterThan(0);
    const child = new Child({ serialization: 'advanced' });
    const argument = { text: JSON.stringify({ list }), address: manager.address, connecting };
    const seen = await child.run(
      async ({ Manager: M, revive: open, release: drop }, _state, given) => {
        const client = M.connect(given.address, given.connecting);
        await client.ping();
        const { list: theirs } = open(JSON.parse(given.text) as { list: ListProxy });
        await theirs.push('from a child', 'x'.repeat(300_000));
        const length = await theirs.length;
        drop(theirs);
        await client.close();
        return length;
      },
      argument,
    );
    expect(seen).toBe(3);
    expect(await list.get(1)).toBe('from a child');
    expect(await list.get(2)).toHaveLength(300_000);
    await child.kill();
    release(list);
    await endNetworkManager(manager);
  });

  it('another key is refused, by name', async () => {
    const manager = await serve(options);
    const client = Manager.connect(manager.address, {
      ...connecting,
      authkey: 'another key of sixteen bytes',
    });
    await expect(client.ping()).rejects.toBeInstanceOf(AuthenticationError);
    await expect(client.ping()).rejects.toThrow('refused the authkey');
    await client.close();
    await manager.shutdown();
  });
});

it.each([
  ['none', { ca: authority }],
  ['one of its own making', { ca: authority, ...strangerPair }],
])('a client is told that its certificate is wrong: %s', async (_which, tls) => {
  const manager = await serve({
    address: 'tls://127.0.0.1:0',
    tls: { ...serverPair, ca: authority },
  });
  const client = Manager.connect(manager.address, { authkey, tls, retries: 0 });
  await expect(client.ping()).rejects.toBeInstanceOf(AuthenticationError);
  await expect(client.ping()).rejects.toThrow('tls: { cert, key }');
  await client.close();
  await manager.shutdown();
});

it('nobody in the middle of two TLS links can pass the proof on', async () => {
  const manager = await serve({ address: 'tls://127.0.0.1:0', tls: serverPair });
  // It has a certificate that the client takes, and so two good links, but not one.
  const middle = createTls(serverPair, (socket) => {
    const onward = connectTls({ host: '127.0.0.1', port: portOf(manager), ca: authority });
    for (const end of [socket, onward]) end.on('error', () => undefined);
    socket.pipe(onward).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(middle, 'listening');
  const { port } = middle.address() as AddressInfo;
  const client = Manager.connect(`tls://127.0.0.1:${String(port)}`, {
    authkey,
    tls: { ca: authority },
  });
  await expect(client.ping()).rejects.toBeInstanceOf(AuthenticationError);
  await client.close();
  await manager.shutdown();
  middle.close();
});

describe('an address', () => {
  it('can be used again at once, ten times, with clients that are still there', async () => {
    let text = address;
    const clients: Manager[] = [];
    const old: ListProxy<number>[] = [];
    for (let run = 0; run < 10; run++) {
      const manager = await serve({ address: text });
      text = manager.address;
      const client = Manager.connect(text, { authkey });
      const list = client.list([run]);
      expect(await list.toArray()).toEqual([run]);
      clients.push(client);
      old.push(list);
      const waiting = run % 2 === 0 ? list.length : undefined;
      waiting?.catch(() => undefined);
      await manager.shutdown();
    }
    for (const list of old) {
      await expect(list.toArray()).rejects.toBeInstanceOf(ConnectionLostError);
      await expect(list.toArray()).rejects.not.toBeInstanceOf(ManagerDiedError);
    }
    for (const client of clients) await client.close();
  });

  it('leads to the new manager: old proxies and tokens say so, new ones work', async () => {
    const first = new Manager({ address, authkey });
    await first.start();
    const client = Manager.connect(first.address, { authkey });
    const before = client.list(['old']);
    await before.length;
    const text = JSON.stringify({ before });
    const restarted = once(client, 'reconnect');
    process.kill(first.pid!, 'SIGKILL');
    await once(first, 'exit');
    const second = new Manager({ address: first.address, authkey });
    await second.start();
    await expect(before.toArray()).rejects.toBeInstanceOf(ConnectionLostError);
    const after = client.list(['new']);
    expect(await after.toArray()).toEqual(['new']);
    expect(await restarted).toEqual([{ restarted: true }]);
    const stale = revive(JSON.parse(text) as { before: ListProxy }).before;
    await expect(stale.toArray()).rejects.toBeInstanceOf(StaleManagerError);
    await client.close();
    await endNetworkManager(second);
    await first.shutdown();
  });

  it('that is taken stops the start', async () => {
    const taken = await serve();
    const manager = new Manager({ address: taken.address, authkey });
    const starting = manager.start();
    await expect(starting).rejects.toBeInstanceOf(UsageError);
    await expect(starting).rejects.toThrow('another process listens there');
    await manager.shutdown();
    await taken.shutdown();
  });

  it('for all of the machine is reached by any of its names, and its tokens are too', async () => {
    const manager = new Manager({
      address: 'tcp://0.0.0.0:0',
      authkey,
      insecure: true,
      limits: SHORT_LIMITS,
    });
    const list = manager.list(['here']);
    await manager.start();
    const child = new Child();
    const argument = { list, port: portOf(manager), authkey };
    const items = await child.run(async ({ Manager: M, revive: open }, state, given) => {
      const client = M.connect(`tcp://localhost:${String(given.port)}`, { authkey: given.authkey });
      await client.ping();
      state.client = client;
      return await open(given).list.toArray();
    }, argument);
    expect(items).toEqual(['here']);
    expect((await manager.inspect()).sessions).toHaveLength(2); // the child has one, by whatever name
    await child.kill();
    release(list);
    await until(async () => (await manager.inspect()).sessions.length === 1);
    await endNetworkManager(manager);
  });
});

describe('a server that is not there', () => {
  async function nobody(): Promise<string> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    return `tcp://127.0.0.1:${String(port)}`;
  }

  it('is a lost connection, of which nothing was sent', async () => {
    const client = Manager.connect(await nobody(), { authkey, retries: 1, retryDelayMs: 1 });
    const warnings: Error[] = [];
    client.on('warning', (warning) => warnings.push(warning));
    const calling = client.list().length;
    await expect(calling).rejects.toMatchObject({
      name: 'ConnectionLostError',
      outcome: 'not-sent',
      message: expect.stringContaining('nobody listens there') as string,
    });
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/yet: .*ECONNREFUSED.*; trying once more, every 1 ms$/),
    ]);
    await client.close();
  });

  it('is found when it starts meanwhile', async () => {
    const text = await nobody();
    const client = Manager.connect(text, { authkey, retryDelayMs: 20, retries: 500 });
    const warned = once(client, 'warning');
    const ping = client.ping();
    await warned;
    const manager = await serve({ address: text });
    await expect(ping).resolves.toBeDefined();
    await client.close();
    await manager.shutdown();
  });

  it('is waited for no longer than the signal allows', async () => {
    const stop = new AbortController();
    const client = Manager.connect(await nobody(), { authkey, signal: stop.signal });
    const ping = client.ping();
    client.on('warning', () => {
      stop.abort(new Error('enough'));
    });
    await expect(ping).rejects.toThrow('enough');
    await client.close();
    const late = Manager.connect(await nobody(), { authkey, signal: stop.signal });
    await expect(late.ping()).rejects.toThrow('enough');
    await late.close();
  });
});

describe('a manager in whose list the proxy of another one is', () => {
  it('gives it to who knows the key of that one, and names it to who does not', async () => {
    const outer = new Manager({ limits: SHORT_LIMITS });
    await outer.start();
    const inner = new Manager({ address, authkey, limits: SHORT_LIMITS }); // outer hears of it while it runs
    await inner.start();
    const names = inner.list(['of the inner one']);
    const rows = outer.list<ListProxy<string>>();
    await rows.push(names);
    const argument = { rows, address: inner.address, authkey };
    const knows = new Child();
    const seen = await knows.run(async ({ Manager: M, revive: open }, _state, given) => {
      const client = M.connect(given.address, { authkey: given.authkey });
      await client.ping();
      const first = (await open(given).rows.get(0))!;
      const items = await (first as unknown as ListProxy<string>).toArray();
      await client.close();
      return items;
    }, argument);
    expect(seen).toEqual(['of the inner one']);
    const lacks = new Child();
    const reading = lacks.run(async ({ revive: open }, _state, given) => {
      const first = (await open(given).rows.get(0))!;
      return await (first as unknown as ListProxy<string>).toArray();
    }, argument);
    await expect(reading).rejects.toMatchObject({ name: 'AuthenticationError' });
    await expect(reading).rejects.toThrow(/for the manager [0-9a-f]{32} at tcp:/);
    await expect(reading).rejects.toThrow(`Manager.connect('${inner.address}', { authkey })`);
    expect(await lacks.run(() => 'goes on')).toBe('goes on');
    await knows.kill();
    await lacks.kill();
    await rows.clear();
    release(names);
    release(rows);
    await until(async () => (await outer.inspect()).sessions.length === 1, 'outer', 10_000);
    await outer.shutdown();
    await until(async () => (await inner.inspect()).sessions.length === 1, 'inner', 10_000);
    await endNetworkManager(inner);
  });
});

describe('what goes over a network', () => {
  let manager: TestManager;
  let counter: Remote<Counter>;

  beforeAll(async () => {
    manager = new TestManager({ address, authkey });
    await manager.start();
    counter = manager.create<Counter>('Counter', 1);
  });

  afterAll(async () => {
    release(counter);
    await endNetworkManager(manager);
  });

  it('are functions and iterators, and no instance of a class that was not registered for it', async () => {
    expect(await counter.call((value) => value + 1, 4)).toBe(5);
    const numbers: number[] = [];
    for await (const number of await counter.upTo(3)) numbers.push(number);
    expect(numbers).toEqual([0, 1, 2]);
    class Mine {}
    await expect(
      (async () => await counter.call(() => 1, new Mine() as never))(),
    ).rejects.toBeInstanceOf(SerializationError);
    const reading = (async () => await counter.other())();
    await expect(reading).rejects.toBeInstanceOf(RemoteError);
    await expect(reading).rejects.toMatchObject({
      cause: {
        message: expect.stringMatching(
          /the result: an instance of Counter .*methodToTypeid/,
        ) as string,
      },
    });
  });

  it('are instances under a registered type', async () => {
    const sharing = manager.create<Counter>('Sharing', 1);
    const other = await sharing.other();
    expect(await other.total).toBe(7);
    release(other);
    release(sharing);
  });

  it('are no stacks of the manager, unless it says so', async () => {
    const told = new TestManager({ address, authkey, debug: true });
    const loud = told.create<Counter>('Counter', 1);
    const errorOf = async (remote: Remote<Counter>) =>
      await (async () => await remote.fail('range'))().catch((error: unknown) => error);
    expect(await errorOf(counter)).toMatchObject({ name: 'RangeError', message: 'out' });
    expect((await errorOf(counter)) as object).not.toHaveProperty('remoteStack');
    expect(await errorOf(loud)).toMatchObject({
      message: 'out',
      remoteStack: expect.stringContaining('classes') as string,
    });
    release(loud);
    await endNetworkManager(told);
  });

  it('are messages of up to 64 MiB', async () => {
    const other = new Manager({ address, authkey, limits: { messageBytes: 1000 } });
    const list = other.list<string>();
    await list.push('x'.repeat(500));
    await expect(list.push('x'.repeat(2000))).rejects.toThrow('limits.messageBytes');
    await other.shutdown();
  });
});

describe('silence', () => {
  const leaseMs = 200;

  it('of the network ends the session on both sides, and gives back what it held', async () => {
    const manager = await serve({ limits: { leaseMs, lingerMs: 10 } });
    const proxy = await SilentProxy.to(portOf(manager));
    const watcher = Manager.connect(manager.address, { authkey });
    const client = Manager.connect(proxy.address, { authkey, limits: { leaseMs } });
    const list = client.list(['held']);
    await list.length;
    expect(await watcher.numberOfObjects()).toBe(1);
    proxy.fallSilent();
    const error = await list.push('lost').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).not.toBeInstanceOf(ManagerDiedError);
    expect(error).toMatchObject({
      outcome: 'unknown',
      message: expect.stringContaining(`for ${String(leaseMs)} ms (limits.leaseMs)`) as string,
    });
    await until(async () => (await watcher.numberOfObjects()) === 0, 'the list to be given back');
    expect((await watcher.inspect()).sessions).toHaveLength(1);
    await client.close();
    await watcher.close();
    await manager.shutdown();
    proxy.close();
  });

  it('of two sides that owe each other nothing is no sign of death', async () => {
    const manager = await serve({ limits: { leaseMs: 40 } });
    const client = Manager.connect(manager.address, { authkey, limits: { leaseMs: 40 } });
    const list = client.list([1]);
    await list.length;
    await new Promise((resolve) => setTimeout(resolve, 400)); // ten leases
    expect(await list.length).toBe(1);
    expect((await client.inspect()).sessions).toHaveLength(1);
    release(list);
    await client.close();
    await manager.shutdown();
  });

  it('of our own expires nobody', async () => {
    const manager = new Manager({ address, authkey, limits: { leaseMs } });
    await manager.start();
    const list = manager.list([1]);
    const asking = list.length;
    await new Promise((resolve) => setTimeout(resolve, leaseMs / 2));
    const end = performance.now() + 3 * leaseMs;
    while (performance.now() < end); // this process hears nothing, and asks nothing
    expect(await asking).toBe(1);
    release(list);
    await endNetworkManager(manager);
  });
});

describe('strangers', () => {
  it('that are silent keep no good client out', async () => {
    const manager = await serve();
    const silent = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const socket = connectSocket(portOf(manager), '127.0.0.1');
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        return socket;
      }),
    );
    const client = Manager.connect(manager.address, { authkey });
    await expect(client.ping()).resolves.toBeDefined();
    for (const socket of silent) socket.destroy();
    await client.close();
    await manager.shutdown();
  });

  it('that say too much before they have proved themselves are cut off', async () => {
    const manager = await serve();
    const socket = connectSocket(portOf(manager), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(Buffer.alloc(64 * 1024, 1));
    await once(socket.resume(), 'close');
    await manager.shutdown();
  });

  it('that guess the key are heard five times a second', async () => {
    const manager = await serve();
    const start = performance.now();
    const guesses = Array.from({ length: 11 }, (_none, i) => {
      const guess = {
        authkey: `guess number ${String(i)} at the key`,
        limits: { handshakeMs: 20_000 },
      };
      return Manager.connect(manager.address, guess);
    });
    const answers = await Promise.allSettled(guesses.map((client) => client.ping()));
    const reasons = answers.map((answer) =>
      answer.status === 'rejected' ? answer.reason : answer,
    );
    for (const reason of reasons) expect(reason).toBeInstanceOf(ProtocolError);
    expect(performance.now() - start).toBeGreaterThan(2000); // five, five, and one
    for (const client of guesses) await client.close();
    await manager.shutdown();
  });
});
