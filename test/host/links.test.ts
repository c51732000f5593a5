// The links of one session: which of them belong together, what each brings, and how it ends.
import { randomBytes } from 'node:crypto';
import { DEFAULT_LIMITS } from '../../src/base/limits';
import { Host } from '../../src/host/host';
import { Registry } from '../../src/host/registry';
import { Names } from '../../src/names/names';
import { type Admission, Handshake, sendMessage } from '../../src/session/handshake';
import { FrameReader } from '../../src/transport/frame-reader';
import { type Link } from '../../src/transport/link';
import { memoryPair } from '../../src/transport/memory';
import { Outbox } from '../../src/transport/outbox';
import { STANDARD_TYPES } from '../../src/types/standard-types';
import { SESSION_BYTES } from '../../src/wire/auth';
import type { ByteWriter } from '../../src/wire/bytes';
import {
  type Frame,
  readFrame,
  writeCallHead,
  writeControl,
  writeCreateHead,
} from '../../src/wire/frames';
import { until } from '../support/until';

const key = Buffer.alloc(32, 7);
const ownerSecret = Buffer.alloc(32, 8);
const identity = { manager: '12'.repeat(16), incarnation: '34'.repeat(16) };

let host: Host;
let faults: Error[];
let links: ClientLink[];

/** One link of a client, without a session behind it. */
class ClientLink {
  readonly heard: Frame['kind'][] = [];
  readonly link: Link;
  admission: Admission | undefined;
  refusal: unknown;
  closed = false;

  constructor(session: Buffer, isLane: boolean, isOwner = false) {
    const [ours, theirs] = memoryPair();
    this.link = ours;
    const secret = isOwner ? { ownerSecret } : {};
    const credentials = { address: 'unix:/tmp/none.sock', key: () => key, session, ...secret };
    const handshake = new Handshake(credentials, isLane);
    const reader = new FrameReader((buffer, start, end) => {
      const bytes = Buffer.from(buffer.subarray(start, end));
      if (this.admission !== undefined) {
        this.heard.push(readFrame(bytes, 0, bytes.length).kind);
        return;
      }
      const answer = handshake.receive(bytes, undefined);
      if (Buffer.isBuffer(answer)) sendMessage(ours, answer);
      else this.admission = answer;
    }, 2 ** 20);
    ours.listen({
      data: (chunk) => {
        try {
          reader.push(chunk);
        } catch (error) {
          this.refusal = error;
        }
      },
      drain: () => undefined,
      close: () => (this.closed = true),
    });
    host.accept(theirs);
    links.push(this);
  }

  async opened(): Promise<this> {
    await until(() => this.admission !== undefined || this.closed, 'the link to be let in');
    return this;
  }
  get range(): number | undefined {
    return this.admission?.range;
  }

  /** A message as its bytes, one frame. */
  send(compose: (writer: ByteWriter) => void): void {
    const outbox = new Outbox();
    outbox.send(compose, true);
    outbox.open(this.link);
  }
  at(number: number): void {
    this.send((writer) => writeControl(writer, { kind: 'at', number }));
  }
  create(n: number): void {
    this.send((writer) => {
      writeCreateHead(writer, n * 2 + 1, 'list');
      writer.u8(0); // no references
      writer.varint(0);
    });
  }
  /** `list.length` of the n-th. */
  ask(callId: number, n: number, lane: boolean): void {
    this.send((writer) => {
      writeCallHead(writer, {
        callId,
        target: { kind: 'object', id: n, relative: true },
        operation: 'call',
        path: [],
        name: 'length',
        returns: 'auto',
        reply: true,
        keep: false,
        lane,
      });
      writer.u8(0);
      writer.varint(0);
    });
  }
}

const sessions = () => host.snapshot().sessions;
const main = (session: Buffer, isOwner?: boolean) =>
  new ClientLink(session, false, isOwner).opened();
const lane = (session: Buffer, isOwner?: boolean) =>
  new ClientLink(session, true, isOwner).opened();

let name: Buffer;

beforeEach(() => {
  faults = [];
  links = [];
  name = randomBytes(SESSION_BYTES);
  host = new Host({
    address: 'unix:/tmp/none.sock',
    key,
    ownerSecret,
    identity,
    limits: { ...DEFAULT_LIMITS, lingerMs: 20, handshakeMs: 200 },
    registry: new Registry(STANDARD_TYPES),
    names: (objects) => new Names(objects),
  } as ConstructorParameters<typeof Host>[0]);
  host.on('fault', (error) => faults.push(error));
});

afterEach(async () => {
  for (const { link } of links) link.destroy();
  await until(() => sessions().length === 0, 'the sessions to end');
  expect(host.numberOfObjects()).toBe(0);
  await host.close();
});

describe('a link and a lane', () => {
  it.each([
    ['link', main, lane],
    ['lane', lane, main],
  ])('of one name are one session, the %s first', async (_first, one, other) => {
    const first = await one(name);
    const second = await other(name);
    expect([first.range, sessions().length]).toEqual([second.range, 1]);
  });

  it('of two names are two sessions', async () => {
    const first = await main(name);
    const second = await lane(randomBytes(SESSION_BYTES));
    expect(first.range).not.toBe(second.range);
    expect(sessions()).toHaveLength(2);
  });

  it('of a client and of an owner have nothing in common, whatever they are called', async () => {
    const [owner, client] = [await main(name, true), await lane(name)];
    expect([owner.range, client.range === 1, sessions().length]).toEqual([1, false, 2]);
    const joined = await lane(name, true);
    expect([joined.range, sessions().length]).toEqual([1, 2]);
  });

  it('bring one order of messages, each once', async () => {
    const [link, other] = [await main(name), await lane(name)];
    other.at(2);
    other.ask(0, 1, true); // before the object that it names
    other.create(2);
    other.ask(1, 2, true);
    link.create(1);
    await until(() => other.heard.length === 2, 'two answers');
    for (const message of [() => link.ask(0, 1, true), () => link.create(2)]) message();
    link.ask(1, 2, true);
    link.ask(2, 1, false);
    await until(() => link.heard.length === 1, 'the answer that is new');
    expect([link.heard, other.heard, faults]).toEqual([['return'], ['return', 'return'], []]);
  });
});

it('a second link of the same name is another session', async () => {
  const [first, second] = [await main(name), await main(name)];
  expect(first.range).not.toBe(second.range);
});

it('a new lane takes the place of the one before', async () => {
  const [link, first] = [await main(name), await lane(name)];
  const second = await lane(name);
  await until(() => first.closed, 'the first to be closed');
  expect([link.closed, second.range, sessions().length]).toEqual([false, link.range, 1]);
  link.create(1);
  second.at(2);
  second.ask(0, 1, true);
  await until(() => second.heard.length === 1);
});

it('a session outlives its lane, where it has a link', async () => {
  const [link, first] = [await main(name), await lane(name)];
  first.link.destroy();
  link.create(1);
  link.ask(0, 1, true); // its lane is gone: it is answered all the same
  await until(() => link.heard.length === 1);
  const again = await lane(name);
  expect([again.range, sessions().length]).toEqual([link.range, 1]);
});

it('a session ends with its link, its lane too, and nobody joins it any more', async () => {
  const [link, first] = [await main(name), await lane(name)];
  link.link.destroy();
  await until(() => first.closed, 'the lane to be closed');
  const late = await lane(name);
  expect(late.range).not.toBe(first.range);
});

it('a lane alone is the session', async () => {
  const first = await lane(name);
  first.create(1);
  first.ask(0, 1, true);
  await until(() => first.heard.length === 1);
  first.link.destroy();
  await until(() => sessions().length === 0, 'the session to end');
});

it('goodbye by the lane ends all of it at once', async () => {
  const [link, first] = [await main(name), await lane(name)];
  first.send((writer) => writeControl(writer, { kind: 'bye' }));
  await until(() => link.closed && first.closed, 'both to be closed');
  expect(sessions()).toEqual([]);
});

it('both are told of the end', async () => {
  const [link, first] = [await main(name), await lane(name)];
  const closed = host.close();
  await until(() => link.closed && first.closed, 'both to be closed');
  expect([link.heard, first.heard]).toEqual([['goaway'], ['goaway']]);
  await closed;
});

it('a fault on one of them ends both: what it should have brought does not come by the other', async () => {
  const [link, first] = [await main(name), await lane(name)];
  first.send((writer) => writer.u8(99));
  await until(() => link.closed && first.closed, 'both to be closed');
  expect([link.heard, first.heard, faults.length]).toEqual([['goaway'], ['goaway'], 1]);
});
