// A lost connection, a server that was killed and started again: what goes on by itself, and what does not.
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import {
  ConnectionLostError,
  type ListProxy,
  Manager,
  StaleManagerError,
  revive,
  sync,
} from '../../src/index';
import { Child } from '../support/runners';
import { until } from '../support/until';

const authkey = 'at least sixteen bytes';
const RETRIES = { authkey, retries: 100, retryDelayMs: 20 };

/** A server in a process of its own, which can be killed. */
async function serve(address: string): Promise<{ child: Child; address: string }> {
  const child = new Child();
  const listening = await child.run(
    async (library, state, [at, key]: string[]) => {
      const manager = new library.Manager({ address: at, authkey: key, imports: ['node:process'] });
      state.server = await manager.getServer().listen();
      return state.server.address as string;
    },
    [address, authkey],
  );
  return { child, address: listening };
}

/** What the manager tells of its connection, in order. */
function watch(manager: Manager): unknown[] {
  const events: unknown[] = [];
  manager.on('disconnect', () => events.push('disconnect'));
  manager.on('reconnect', (event) => events.push(event));
  return events;
}

let first: { child: Child; address: string };
let client: Manager;
const children: Child[] = [];

beforeEach(async () => {
  first = await serve('tcp://127.0.0.1:0');
  children.push(first.child);
  client = Manager.connect(first.address, RETRIES);
});
afterEach(async () => {
  await client.close();
  for (const child of children.splice(0)) {
    if (child.process.exitCode === null && child.process.signalCode === null) await child.kill();
  }
});

async function restart(): Promise<void> {
  children.push((await serve(first.address)).child);
}

test('named handles and modules go on with a server that was killed and started again', async () => {
  const events = watch(client);
  const list = client.named('list', () => client.list(['made']));
  const process_ = client.module<typeof process>('node:process');
  const plain = client.list();
  await list.push('pushed');
  expect(await process_.pid).toBe(first.child.process.pid);

  await first.child.kill();
  await until(() => events.length === 1, 'the loss');
  await expect(plain.push(1)).rejects.toBeInstanceOf(ConnectionLostError);
  await restart();

  await expect(list.toArray()).resolves.toEqual(['made']); // the factory ran again, for the new server
  expect(await process_.pid).toBe(children[1]?.process.pid);
  expect(events).toEqual(['disconnect', { restarted: true }]);
  await expect(plain.push(1)).rejects.toMatchObject({ outcome: 'not-sent' }); // gone, and says so
});

test('what is called while the server is down waits for it, as often as `retries` says', async () => {
  const warned: Error[] = [];
  client.on('warning', (warning) => warned.push(warning));
  const list = client.named('list', () => client.list<number>());
  const events = watch(client);
  await list.push(1);
  await first.child.kill();
  await until(() => events.length === 1, 'the loss');
  const pushed = Promise.all([list.push(1), list.push(2)]);
  await restart();
  await expect(pushed).resolves.toEqual([1, 2]);
  expect(warned.map(({ message }) => message)).toEqual([
    expect.stringContaining('trying up to 100 times more'),
  ]);
});

test('gives up after `retries`, or with its signal, and may be used again', async () => {
  await first.child.kill();
  const controller = new AbortController();
  const few = Manager.connect(first.address, { authkey, retries: 2, retryDelayMs: 5 });
  const aborted = Manager.connect(first.address, { ...RETRIES, signal: controller.signal });
  const list = few.named<ListProxy>('list', () => few.list());
  await expect(list.push(1)).rejects.toThrow(/nobody listens there/);
  const pushed = aborted.named<ListProxy>('list').push(1);
  controller.abort(new Error('enough'));
  await expect(pushed).rejects.toThrow('enough');
  await restart();
  await expect(list.push(1)).resolves.toBe(1);
  await few.close();
  await aborted.close();
});

test('a call that may have run is not made again', async () => {
  const list = client.named('list', () => client.list<string>());
  await list.push('first');
  first.child.process.kill('SIGSTOP');
  const lost = list.push('lost');
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve))); // it has left
  first.child.process.kill('SIGKILL');
  await expect(lost).rejects.toMatchObject({
    code: 'ERR_REFERENT_CONNECTION_LOST',
    outcome: 'unknown',
  });
  await restart();
  await expect(list.push('only')).resolves.toBe(1);
});

test('after close() nothing connects again', async () => {
  const events = watch(client);
  const list = client.named('list', () => client.list());
  const module = client.module<typeof process>('node:process');
  await list.length;
  await client.close();
  await expect(list.push(1)).rejects.toMatchObject({ outcome: 'not-sent' });
  await expect((async () => await module.pid)()).rejects.toThrow('closed here');
  await expect(client.names.has('list')).rejects.toThrow('closed here');
  expect(events).toEqual(['disconnect']);
});

test('a blocking handle goes on too', async () => {
  const list = sync(client).named<ListProxy<string>>('list', () => client.list(['made']));
  expect(list.push('pushed')).toBe(2);
  await client.ping(); // the event loop has connected too
  const events = watch(client);
  await first.child.kill();
  await until(() => events.length > 0, 'the loss');
  await restart();
  expect(list.toArray()).toEqual(['made']);
});

test('a handle that was revived elsewhere finds the new server, an old token does not', async () => {
  const list = client.named('list', () => client.list([1]));
  const plain = client.list();
  await list.push(2);
  await plain.length;
  const texts = JSON.stringify({ list, plain });
  const child = new Child();
  children.push(child);
  const [address] = [first.address];
  const read = async (library: typeof import('../../src/index'), state: any, argument: unknown) => {
    const [at, key, text] = argument as string[];
    state.own ??= library.Manager.connect(at!, { authkey: key! });
    await state.own.names.replace('list', [0]).then(() => state.own.names.delete('list'));
    await state.own.names.replace('list', state.own.list(['new']));
    state.list ??= (library.revive(JSON.parse(text!)) as { list: ListProxy }).list;
    return await (state.list as ListProxy).toArray();
  };
  await expect(child.run(read as never, [address, authkey, texts])).resolves.toEqual(['new']);
  await first.child.kill();
  await restart();
  await until(async () => {
    const items = child.run(read as never, [address, authkey, texts]);
    return await items.then((all) => JSON.stringify(all) === '["new"]', () => false); // prettier-ignore
  }, 'the revived handle to go on');
  const late = revive(JSON.parse(texts) as { plain: ListProxy }).plain;
  await expect(late.push(1)).rejects.toBeInstanceOf(StaleManagerError);
});

test('where only the connection was lost, the objects of names are the same', async () => {
  const way = await forwardTo(first.address);
  const far = Manager.connect(way.address, RETRIES);
  const events = watch(far);
  const list = far.named('list', () => far.list(['kept']));
  await list.length;
  way.cut();
  await until(() => events.length === 1, 'the loss');
  await expect(list.toArray()).resolves.toEqual(['kept']);
  expect(events).toEqual(['disconnect', { restarted: false }]);
  await far.close();
  await way.close();
});

interface Way {
  readonly address: string;
  /** Else every connection is taken, and ended at once. */
  isOpen: boolean;
  cut(): void;
  close(): Promise<void>;
}

/** A way to a server that can be cut. */
async function forwardTo(address: string): Promise<Way> {
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    if (!way.isOpen) {
      socket.destroy();
      return;
    }
    const onward = connect(port, '127.0.0.1');
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => sockets.delete(one));
    }
    socket.pipe(onward).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const way: Way = {
    address: `tcp://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    isOpen: true,
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
  return way;
}

test('a server that takes the connection and leaves without a word is tried again', async () => {
  const way = await forwardTo(first.address);
  way.isOpen = false;
  const far = Manager.connect(way.address, RETRIES);
  const warned = once(far, 'warning');
  const list = far.named('list', () => far.list([1]));
  const items = list.toArray();
  const [warning] = (await warned) as [Error];
  expect(warning.message).toMatch(/closed without a word; trying up to 100 times more/);
  way.isOpen = true;
  await expect(items).resolves.toEqual([1]);
  way.isOpen = false;
  way.cut();
  const few = Manager.connect(way.address, { authkey, retries: 2, retryDelayMs: 5 });
  await expect(few.start()).rejects.toBeInstanceOf(ConnectionLostError);
  await few.close();
  await far.close();
  await way.close();
});
