// Where messages go to a peer whose thread is blocked: down the lane, as long as it is.
import { deferred } from '../../src/base/deferred';
import { FrameReader } from '../../src/transport/frame-reader';
import { memoryPair } from '../../src/transport/memory';
import { describeFrame, readFrame } from '../../src/wire/frames';
import { type FakeHandle, SessionPair } from '../support/session-pair';

let pair: SessionPair;
let id: number;
let gate = deferred<unknown>();
/** What came down the lane, and by the link. */
let down: string[];

const service = {
  echo: (value: unknown) => value,
  slow: () => gate.promise,
  callBack: (back: FakeHandle) =>
    pair.server.session.call({
      target: back.lease,
      operation: 'call',
      path: [],
      name: '',
      args: [1],
      purpose: 'argument',
    }),
};

function openPair(limits = {}): void {
  pair = new SessionPair(limits);
  const [ours, theirs] = memoryPair();
  const reader = new FrameReader((buffer, start, end) => {
    down.push(describeFrame(readFrame(Buffer.from(buffer.subarray(start, end)))).split(' ')[0]!);
    pair.client.session.receive(buffer, start, end);
  }, 2 ** 30);
  ours.listen({
    data: (chunk) => reader.push(chunk),
    drain: () => undefined,
    close: () => undefined,
  });
  pair.server.session.openLane(theirs);
  id = pair.server.party.put(service);
}

const call = (name: string, args: unknown[] = [], more = {}): Promise<unknown> =>
  pair.client.call(id, name, args, more);
const BLOCKED = { lane: true };

beforeEach(() => {
  down = [];
  gate = deferred();
  openPair();
});
afterEach(async () => {
  gate.resolve('gate');
  await pair.settle();
  expect(pair.rest).toMatchObject({ pending: 0, running: 0 });
  pair.close();
});

it('an answer goes where its caller is', async () => {
  await expect(call('echo', [1], BLOCKED)).resolves.toBe(1);
  expect(down).toHaveLength(1);
  await expect(call('echo', [2])).resolves.toBe(2);
  expect(down).toHaveLength(1);
});

it('while a thread is blocked it is called there, and only then', async () => {
  const back = (value: unknown): unknown => value;
  const blocked = call('slow', [], BLOCKED);
  await expect(call('callBack', [back])).resolves.toBe(1);
  expect(down).toHaveLength(1); // the call; the answer of the other one goes by the link
  gate.resolve('done');
  await expect(blocked).resolves.toBe('done');
  expect(down).toHaveLength(2);
  await expect(call('callBack', [back])).resolves.toBe(1);
  expect(down).toHaveLength(2);
});

it('who has given up is not blocked any more, however long the method runs', async () => {
  const signal = AbortSignal.timeout(1);
  await expect(call('slow', [], { ...BLOCKED, signal })).rejects.toThrow();
  await expect(call('callBack', [(value: unknown) => value])).resolves.toBe(1);
  gate.resolve('late');
  await pair.settle();
  expect(down).toEqual([]);
});

it('a thread that is blocked is not waited for: what came before it runs, read or not', async () => {
  pair.close();
  openPair({ outboundBytes: 10 });
  const server = pair.server.outbox;
  jest.spyOn(server, 'buffered', 'get').mockReturnValue(11); // nobody reads the link
  const before = call('echo', ['before']);
  await pair.settle();
  expect(pair.client.session.pendingCalls).toBe(1);
  await expect(call('echo', ['blocked'], BLOCKED)).resolves.toBe('blocked');
  await expect(before).resolves.toBe('before');
});

it('without a lane everything goes by the link', async () => {
  pair.server.session.closeLane();
  const back = (value: unknown): unknown => value;
  await expect(call('callBack', [back], BLOCKED)).resolves.toBe(1);
  expect(down).toEqual([]);
});
