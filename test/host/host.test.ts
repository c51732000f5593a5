// A host and its clients over links in memory: objects live as long as somebody holds them.
import { randomBytes } from 'node:crypto';
import {
  AuthenticationError,
  LimitError,
  RemoteError,
  TicketGoneError,
} from '../../src/base/errors';
import { DEFAULT_LIMITS, type Limits } from '../../src/base/limits';
import { Host } from '../../src/host/host';
import { Registry } from '../../src/host/registry';
import { Names } from '../../src/names/names';
import { type Lease } from '../../src/refs/lease';
import { leaseOfHandle, translator } from '../../src/proxy/realm';
import { Connection } from '../../src/session/connection';
import { lossOf } from '../../src/session/loss';
import { sendMessage } from '../../src/session/handshake';
import { type Link, type LinkListener } from '../../src/transport/link';
import { memoryPair } from '../../src/transport/memory';
import { STANDARD_TYPES } from '../../src/types/standard-types';
import { writeAuth } from '../../src/wire/auth';
import { formatToken, parseToken } from '../../src/wire/token';

const key = Buffer.alloc(32, 7);
const identity = { manager: '12'.repeat(16), incarnation: '34'.repeat(16) };
const LINGER_MS = 30;

let host: Host;
let faults: Error[];
let links: Link[];
let connections: Connection[];

function startHost(limits: Partial<Limits> = {}): void {
  host = new Host({
    address: 'unix:/tmp/none.sock',
    key,
    identity,
    limits: { ...DEFAULT_LIMITS, lingerMs: LINGER_MS, handshakeMs: 200, ...limits },
    registry: new Registry(STANDARD_TYPES),
    names: (objects) => new Names(objects),
  });
  host.on('fault', (error) => faults.push(error));
}

function client(withKey = key, limits: Partial<Limits> = {}): Connection {
  const connection = new Connection({
    address: 'unix:/tmp/none.sock',
    key: () => withKey,
    limits: { ...DEFAULT_LIMITS, ...limits },
    translator,
    lendsInstances: true,
    prepare: async () => undefined,
    retry: async () => false,
    describeLoss: (cause) => lossOf('unix:/tmp/none.sock', cause),
    connectLink: async () => {
      const [ours, theirs] = memoryPair();
      links.push(ours);
      host.accept(theirs);
      return ours;
    },
  });
  connections.push(connection);
  return connection;
}

const list = (connection: Connection, items: unknown[] = []): Lease => {
  const lease = connection.lease('list');
  connection.session.create(lease, [items], 'container');
  return lease;
};
const call = (
  connection: Connection,
  lease: Lease,
  name: string,
  args: unknown[] = [],
): Promise<any> =>
  connection.session.call({
    target: lease,
    operation: 'call',
    path: [],
    name,
    args,
    purpose: 'argument',
  });

/** Resolves when `check` answers true; the jest timeout is its end. */
async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 2));
}

beforeEach(() => {
  faults = [];
  links = [];
  connections = [];
  startHost();
});

afterEach(async () => {
  for (const connection of connections) connection.close();
  for (const link of links) link.destroy();
  await until(() => host.snapshot().sessions.length === 0);
  expect(host.numberOfObjects()).toBe(0);
  expect([...host.objects].filter((row) => row.sessions + row.names > 0)).toEqual([]);
  await host.close();
  expect(host.tickets.size).toBe(0);
});

describe('an object', () => {
  it('is created, called and released', async () => {
    const one = client();
    const lease = list(one, [1, 2]);
    await expect(call(one, lease, 'push', [3])).resolves.toBe(3);
    expect(host.numberOfObjects()).toBe(1);
    lease.release();
    await until(() => host.numberOfObjects() === 0);
  });

  it('of a typeid that is not known fails every call on it', async () => {
    const one = client();
    const lease = one.lease('nothing');
    one.session.create(lease, [], 'argument');
    await expect(call(one, lease, 'x')).rejects.toThrow(`Unknown typeid 'nothing'`);
    await expect(call(one, lease, 'y')).rejects.toBeInstanceOf(Error);
  });

  it('whose number is not known to another session is refused there', async () => {
    const [one, two] = [client(), client()];
    const lease = list(one, ['secret']);
    await call(one, lease, 'length');
    const guess = two.lease('list');
    guess.id = lease.id;
    Object.assign(guess, { relative: 0 });
    await expect(call(two, guess, 'at', [0])).rejects.toThrow('not held by this session');
  });

  it('beyond limits.references is refused, and leaves no row', async () => {
    await host.close();
    startHost({ references: 2 });
    const one = client();
    const leases = [list(one), list(one), list(one)];
    await Promise.allSettled(leases.map((lease) => call(one, lease, 'length')));
    one.close();
    await until(() => host.snapshot().sessions.length === 0);
    const strong = [...host.objects].filter((row) => row.strong !== undefined);
    expect(strong).toEqual([]);
  });
});

describe('a client that is gone', () => {
  it('holds what it held for lingerMs, where its connection just broke', async () => {
    const one = client();
    await call(one, list(one), 'length');
    links[0]!.destroy();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(host.numberOfObjects()).toBe(1);
    await until(() => host.numberOfObjects() === 0);
  });

  it('holds nothing at once, where it said goodbye', async () => {
    await host.close();
    startHost({ lingerMs: 1e6 });
    const one = client();
    await call(one, list(one), 'length');
    one.close();
    await until(() => host.numberOfObjects() === 0);
  });

  it('rejects its calls that wait', async () => {
    const one = client();
    await one.open();
    const answer = call(one, list(one), 'length');
    links[0]!.destroy();
    await expect(answer).rejects.toMatchObject({ code: 'ERR_REFERENT_MANAGER_DIED' });
  });
});

describe('a token', () => {
  it('opens its object for another session, whoever made it may be gone', async () => {
    const [one, two] = [client(), client()];
    const lease = list(one, [5]);
    await call(one, lease, 'length');
    const text = one.mint(lease, { uses: 1, ttlMs: 60_000 });
    await one.manage('numberOfObjects');
    one.close();
    const claimed = two.claim(text);
    await expect(call(two, claimed.lease, 'at', [0])).resolves.toBe(5);
    await until(() => host.tickets.size === 0);
    await expect(two.claim(text).over).rejects.toBeInstanceOf(TicketGoneError);
  });

  it('may be claimed before its mint has come', async () => {
    const [one, two] = [client(), client()];
    await two.open();
    await one.open();
    const lease = list(one, [6]);
    const text = one.mint(lease, { uses: 1, ttlMs: 60_000 });
    const claimed = two.claim(text); // its write stands behind in no order to the mint of the other
    two.session.outbox.flush();
    await expect(call(two, claimed.lease, 'at', [0])).resolves.toBe(6);
    await expect(two.claim(text).over).rejects.toBeInstanceOf(TicketGoneError);
    await one.manage('numberOfObjects');
    expect(host.tickets.size).toBe(0);
  });

  it('is not used up by a claim that still waits when its session ends', async () => {
    const [one, two, three] = [client(), client(), client()];
    for (const connection of connections) await connection.open();
    const write = jest.spyOn(links[0]!, 'write').mockImplementation(); // nothing of it arrives
    const lease = list(one, [7]);
    const text = one.mint(lease, { uses: 1, ttlMs: 60_000 });
    const lost = expect(two.claim(text).over).rejects.toBeInstanceOf(Error);
    await two.manage('numberOfObjects');
    links[1]!.destroy();
    await lost;
    await until(() => host.snapshot().sessions.length === 2);
    const claimed = three.claim(text);
    await three.manage('numberOfObjects');
    const held = write.mock.calls.map(([bytes]) => bytes);
    write.mockRestore();
    for (const bytes of held) links[0]!.write(bytes);
    await expect(call(three, claimed.lease, 'at', [0])).resolves.toBe(7);
  });

  it('that was changed, spent or made up gets one and the same answer', async () => {
    const [one, two] = [client(), client()];
    const lease = list(one);
    await call(one, lease, 'length');
    const text = one.mint(lease, { uses: 1, ttlMs: 60_000 });
    await two.claim(text).over;
    const token = parseToken(text);
    const secret = Buffer.from(token.secret);
    secret[0]! ^= 1;
    const texts = [
      text,
      formatToken({ ...token, secret }),
      formatToken({ ...token, number: token.number + 5 }),
      formatToken({ ...token, incarnation: '99'.repeat(16) }),
    ];
    const answers = await Promise.allSettled(texts.map((one_) => two.claim(one_).over));
    const reasons = answers.map((answer) => (answer as PromiseRejectedResult).reason as Error);
    expect(reasons.every((reason) => reason instanceof TicketGoneError)).toBe(true);
    expect(new Set(reasons.map(({ message }) => message)).size).toBe(1);
  });

  it('of a client is refused after its session could have none', async () => {
    const one = client(key, { tickets: 2 });
    const leases = [list(one), list(one), list(one)];
    await call(one, leases[2]!, 'length');
    one.mint(leases[0]!, { uses: 0, ttlMs: 1000 });
    one.mint(leases[1]!, { uses: 0, ttlMs: 1000 });
    expect(one.mint(leases[0]!, { uses: 0, ttlMs: 1000 })).toContain('smref1.');
    expect(() => one.mint(leases[2]!, { uses: 0, ttlMs: 1000 })).toThrow(LimitError);
  });

  it('that a session makes up for an object that it does not hold opens nothing', async () => {
    const [one, two] = [client(), client()];
    const lease = list(one, ['secret']);
    await call(one, lease, 'length');
    const own = list(two);
    await call(two, own, 'length');
    for (const uses of [0, 1]) {
      const guess = two.lease('list');
      guess.id = lease.id; // `mint` signs what it is told: so would a hostile client
      const text = formatToken({ ...parseToken(two.mint(guess, { uses, ttlMs: 1000 })) });
      await expect(two.claim(text).over).rejects.toBeInstanceOf(Error);
      if (two.state === 'closed') break; // the mint itself closed it
    }
  });
});

describe('a stranger', () => {
  it('with another key is refused, and told so', async () => {
    const thief = client(Buffer.alloc(32, 8));
    await expect(thief.open()).rejects.toBeInstanceOf(AuthenticationError);
    expect(host.snapshot().sessions).toEqual([]);
    expect(faults[0]).toBeInstanceOf(AuthenticationError);
  });

  it.each([
    ['nothing that is a handshake', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['zeroes', Buffer.alloc(200)],
    ['a message that is too long', Buffer.from([0, 0, 16, 0])],
    ['noise', Buffer.from('ff'.repeat(100), 'hex')],
  ])('that sends %s is sent away', async (_name, bytes) => {
    const [ours, theirs] = memoryPair();
    links.push(ours);
    const closed = new Promise<void>((resolve) =>
      ours.listen({ data: () => {}, drain: () => {}, close: () => resolve() }),
    );
    host.accept(theirs);
    ours.write(bytes);
    await closed;
    expect(host.snapshot().sessions).toEqual([]);
  });

  it('that was refused once is not heard again, on a link that is still half open', async () => {
    const writes: Buffer[] = [];
    let listener: LinkListener | undefined;
    const nothing = (): void => {};
    const halfOpen: Link = {
      peer: 'half open',
      buffered: 0,
      listen: (given) => (listener = given),
      write: (bytes) => writes.push(Buffer.from(bytes)),
      end: nothing,
      destroy: nothing,
      ref: nothing,
      unref: nothing,
    };
    host.accept(halfOpen);
    const greeting = writes[0]!.subarray(4);
    const say = (withKey: Buffer): void => {
      const claimant = {
        mode: 'client',
        isLane: false,
        nodeMajor: 20,
        session: randomBytes(16),
        nonce: Buffer.alloc(32),
      } as const;
      sendMessage(
        { ...halfOpen, write: (bytes) => listener?.data(bytes) },
        writeAuth(withKey, greeting, claimant),
      );
    };
    say(Buffer.alloc(32, 8));
    say(key);
    expect(host.snapshot().sessions).toEqual([]);
    listener?.close();
  });

  it('that sends nothing is sent away after handshakeMs', async () => {
    await host.close();
    startHost({ handshakeMs: 10 });
    const [ours, theirs] = memoryPair();
    const closed = new Promise<void>((resolve) =>
      ours.listen({ data: () => {}, drain: () => {}, close: () => resolve() }),
    );
    host.accept(theirs);
    await closed;
  });
});

describe('a session', () => {
  it('ends with malformed bytes, and the others go on', async () => {
    const [one, two] = [client(), client()];
    await one.open();
    const lease = list(two, [1]);
    await call(two, lease, 'length');
    const ended = new Promise((resolve) => (one.onEnd = resolve));
    sendMessage(links[0]!, Buffer.from([250, 1, 2]));
    await ended;
    expect(faults[0]).toMatchObject({ code: 'ERR_REFERENT_PROTOCOL' });
    await expect(call(two, lease, 'length')).resolves.toBe(1);
  });

  it('ends with a message above limits.messageBytes, from its header', async () => {
    await host.close();
    startHost({ messageBytes: 10_000 });
    const one = client();
    await one.open();
    const ended = new Promise((resolve) => (one.onEnd = resolve));
    links[0]!.write(Buffer.from([0x11, 0x27, 0, 0])); // 10 001 bytes announced, none sent
    await ended;
    expect(faults[0]).toBeInstanceOf(LimitError);
  });

  it('is refused where limits.sessions are there', async () => {
    await host.close();
    startHost({ sessions: 1 });
    const one = client();
    await one.open();
    await expect(client().open()).rejects.toThrow('limits.sessions');
    await expect(one.manage('numberOfObjects')).resolves.toBe(0);
  });

  it('reaches nothing of the manager but what is exposed', async () => {
    const one = client();
    for (const name of ['constructor', '__proto__', 'toString', 'parts', '#parts']) {
      await expect(one.manage(name)).rejects.toBeInstanceOf(RemoteError);
    }
    expect(leaseOfHandle({})).toBeUndefined();
  });

  it('numbers its objects apart from those of others', async () => {
    const [one, two] = [client(), client()];
    const ids = [list(one), list(two)];
    await Promise.all([call(one, ids[0]!, 'length'), call(two, ids[1]!, 'length')]);
    expect(ids[0]!.id).not.toBe(ids[1]!.id);
  });
});
