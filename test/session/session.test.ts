// Two sessions joined in memory: order, answers, cancelling, lending, and what closes a session.
import { ObjectGoneError, ProtocolError, TimeoutError, UsageError } from '../../src/base/errors';
import { deferred } from '../../src/base/deferred';
import { Lease } from '../../src/refs/lease';
import { currentSignal } from '../../src/session/current-call';
import {
  writeCallHead,
  writeControl,
  writeOutcomeHead,
  type CallHead,
} from '../../src/wire/frames';
import { writeReferences, type Reference } from '../../src/wire/references';
import { type ByteWriter } from '../../src/wire/bytes';
import { FakeHandle, SessionPair } from '../support/session-pair';
import { until } from '../support/until';

let pair: SessionPair;
/** Calls that the server was asked for, in their order. */
let log: unknown[];
let gate = deferred<unknown>();
let id: number;

class Service {
  echo = (...args: unknown[]) => {
    log.push(['echo', ...args]);
    return args[0];
  };
  slow = (name: unknown) => {
    log.push(['slow', name]);
    return gate.promise;
  };
  self() {
    return this;
  }
  lateSelf() {
    return gate.promise.then(() => this);
  }
  make = () => () => 'made';
  lateMake = () => gate.promise.then(() => () => 'made');
  fail = (value: unknown) => {
    throw value;
  };
  failWith = (kind: string) => {
    throw kind === 'symbol' ? Symbol('s') : kind === 'undefined' ? undefined : null;
  };
  symbol = () => Symbol('s');
  signal = () => {
    const signal = currentSignal();
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        log.push('aborted');
        reject(signal.reason as Error);
      });
    });
  };
  callBack = (back: FakeHandle, value: unknown) =>
    pair.server.session.call({
      target: back.lease,
      operation: 'call',
      path: [],
      name: '',
      args: [value],
      purpose: 'argument',
    });
}
const service = new Service();

function head(more: Partial<CallHead> = {}): CallHead {
  return {
    callId: 900,
    target: { kind: 'object', id, relative: false },
    operation: 'call',
    path: [],
    name: 'echo',
    returns: 'auto',
    reply: true,
    keep: false,
    ...more,
  };
}

function rawCall(
  more: Partial<CallHead> = {},
  references: Reference[] = [],
): (writer: ByteWriter) => void {
  return (writer) => {
    writeCallHead(writer, head(more));
    writeReferences(writer, references);
    writer.varint(0);
  };
}

function start(limits = {}): void {
  pair = new SessionPair(limits);
  id = pair.server.party.put(service);
}

beforeEach(() => {
  log = [];
  gate = deferred();
  start();
});

afterEach(async () => {
  gate.resolve(undefined);
  await pair.settle();
  expect(pair.rest).toMatchObject({ pending: 0, running: 0 });
  pair.close();
});

describe('a call', () => {
  it('is answered', async () => {
    await expect(pair.client.call(id, 'echo', [{ a: [1n, new Date(1)] }])).resolves.toEqual({
      a: [1n, new Date(1)],
    });
    expect(pair.rest).toEqual({ pending: 0, running: 0, clientLends: 0, serverLends: 1 });
  });

  it('keeps its place among others, large or small', async () => {
    const sizes = [1, 600_000, 2, 300_000, 3, 10];
    const answers = sizes.map((size) => pair.client.call(id, 'echo', [size, 'x'.repeat(size)]));
    await expect(Promise.all(answers)).resolves.toEqual(sizes);
    expect(log.map((entry) => (entry as unknown[])[1])).toEqual(sizes);
  });

  it('may be answered after later ones', async () => {
    const order: string[] = [];
    const slow = pair.client.call(id, 'slow', ['a']).then(() => order.push('slow'));
    await pair.client.call(id, 'echo', [1]).then(() => order.push('echo'));
    gate.resolve(1);
    await slow;
    expect(order).toEqual(['echo', 'slow']);
  });

  it('of what the peer does not hold rejects, and the session goes on', async () => {
    await expect(pair.client.call(99, 'echo')).rejects.toBeInstanceOf(ObjectGoneError);
    await expect(pair.client.call(id, 'echo', [2])).resolves.toBe(2);
  });

  it('through a released lease rejects here', async () => {
    const target = new Lease(pair.client.session, { id, typeid: 'fake' });
    target.move();
    await expect(
      pair.client.session.call({ ...pair.client.request(id, 'echo'), target }),
    ).rejects.toBeInstanceOf(UsageError);
    expect(log).toEqual([]);
  });

  it.each(['undefined', 'null'])('whose method throws %s rejects with it', async (kind) => {
    const outcome = await pair.client.call(id, 'failWith', [kind]).then(
      () => 'returned',
      (error: unknown) => [error],
    );
    expect(outcome).toEqual([kind === 'undefined' ? undefined : null]);
  });

  it('whose error or result cannot be sent is answered all the same', async () => {
    await expect(pair.client.call(id, 'failWith', ['symbol'])).rejects.toThrow(
      'What was thrown cannot be sent',
    );
    await expect(pair.client.call(id, 'symbol')).rejects.toThrow('cannot be sent');
    await expect(pair.client.call(id, 'echo', [3])).resolves.toBe(3);
  });

  it('whose arguments cannot be sent rejects here, and lends nothing', async () => {
    await expect(pair.client.call(id, 'echo', [() => 1, Symbol('s')])).rejects.toThrow(
      'argument 2',
    );
    expect(pair.rest).toMatchObject({ pending: 0, clientLends: 0 });
    await expect(pair.client.call(id, 'echo', [4])).resolves.toBe(4);
  });

  it('of a member that is not exposed rejects', async () => {
    for (const name of ['constructor', '__proto__', 'toString', '_hidden', 'nothing']) {
      await expect(pair.client.call(id, name)).rejects.toMatchObject({
        code: 'ERR_REFERENT_METHOD_NOT_EXPOSED',
      });
    }
  });

  it('made by a getter of what is being sent is sent too', async () => {
    let inner: Promise<unknown> | undefined;
    const value = {
      get x() {
        inner ??= pair.client.call(id, 'echo', ['inner']);
        return 1;
      },
    };
    await expect(pair.client.call(id, 'echo', [value])).resolves.toEqual({ x: 1 });
    await expect(inner).resolves.toBe('inner');
  });

  it('made by a getter of what then cannot be sent is sent all the same', async () => {
    let inner: Promise<unknown> | undefined;
    const value = {
      get x() {
        inner ??= pair.client.call(id, 'echo', ['inner']);
        return Symbol('s');
      },
    };
    await expect(pair.client.call(id, 'echo', [value])).rejects.toThrow('symbol');
    await pair.settle();
    expect(log).toEqual([['echo', 'inner']]);
    await inner;
  });
});

describe('a call that nobody waits for any more', () => {
  it('rejects with the reason at once, and aborts in the callee', async () => {
    const stop = new AbortController();
    const answer = pair.client.call(id, 'signal', [], { signal: stop.signal });
    await pair.settle();
    stop.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    await pair.settle();
    expect(log).toEqual(['aborted']);
  });

  it('rejects with TimeoutError', async () => {
    await expect(pair.client.call(id, 'slow', [], { timeoutMs: 5 })).rejects.toBeInstanceOf(
      TimeoutError,
    );
  });

  it('does not time out early where its time is without end', async () => {
    const answers = [Infinity, 2 ** 31, 1e12].map((timeoutMs) =>
      pair.client.call(id, 'slow', [], { timeoutMs }),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    gate.resolve('late');
    await expect(Promise.all(answers)).resolves.toEqual(['late', 'late', 'late']);
  });

  it('gives back what its late answer lends', async () => {
    const stop = new AbortController();
    const answer = pair.client.call(id, 'lateMake', [], { signal: stop.signal });
    await pair.settle();
    stop.abort();
    await expect(answer).rejects.toThrow();
    gate.resolve(undefined);
    await pair.settle();
    expect(pair.rest).toMatchObject({ serverLends: 1 });
  });

  it('leaves the handle alone that it was called on, where it answers the same object', async () => {
    pair.server.party.duplicate(id);
    const lease = new Lease(pair.client.session, { id, typeid: 'fake' });
    const held = new FakeHandle(lease);
    const stop = new AbortController();
    const answer = pair.client.session.call({
      ...pair.client.request(id, 'lateSelf'),
      target: lease,
      held,
      signal: stop.signal,
    });
    await pair.settle();
    stop.abort();
    await expect(answer).rejects.toThrow();
    gate.resolve(undefined);
    await pair.settle();
    expect(lease.released).toBe(false);
    expect(pair.server.party.counts.get(id)).toBe(2);
  });
});

describe('what a call lends', () => {
  it('can be called back, and is given back when released', async () => {
    const got: unknown[] = [];
    await expect(pair.client.call(id, 'callBack', [(x: unknown) => got.push(x), 7])).resolves.toBe(
      1,
    );
    expect(got).toEqual([7]);
    expect(pair.rest).toMatchObject({ clientLends: 1 });
  });

  it('comes back as the same handle where a call answers its own object', async () => {
    const lease = new Lease(pair.client.session, { id, typeid: 'fake' });
    const held = new FakeHandle(lease);
    await expect(
      pair.client.session.call({ ...pair.client.request(id, 'self'), target: lease, held }),
    ).resolves.toBe(held);
    await pair.settle();
    expect(pair.server.party.counts.get(id)).toBe(1);
  });

  it('is given back in one frame with its count', async () => {
    const a = (await pair.client.call(id, 'make')) as FakeHandle;
    const b = (await pair.client.call(id, 'make')) as FakeHandle;
    expect(pair.server.party.counts.size).toBe(3);
    a.lease.release();
    b.lease.release();
    a.lease.release();
    await pair.settle();
    expect(pair.server.party.counts.size).toBe(1);
    expect(pair.server.heard.filter((frame) => frame.startsWith('release'))).toHaveLength(1);
  });

  it('is released after a call on it that was made before', async () => {
    const made = (await pair.client.call(id, 'make')) as FakeHandle;
    const answer = pair.client.session.call({ ...pair.client.request(0, ''), target: made.lease });
    made.lease.release();
    await expect(answer).resolves.toBe('made');
    await pair.settle();
    expect(pair.rest).toMatchObject({ serverLends: 1 });
  });

  it('is counted although another reference of the same frame is refused', async () => {
    const lent: Reference = { kind: 'lent', id: 55, typeid: 'fake', callable: true };
    pair.client.party.counts.set(55, 1);
    pair.client.party.subjects.set(55, { referent: {} });
    pair.client.sendRaw(
      rawCall({ reply: false }, [{ kind: 'own', id: 999, relative: false }, lent]),
    );
    await pair.settle();
    await until(() => !pair.client.party.counts.has(55), 'it to be given back');
  });
});

describe('a call on an answer', () => {
  const kept = (name: string, reply = false): number => {
    const call = pair.client.session.open(pair.client.request(id, name));
    call.promise.catch(() => undefined);
    expect(pair.client.session.patch(call, { reply, keep: true })).toBe(true);
    return call.callId;
  };
  const on = (callId: number, name: string): Promise<unknown> =>
    pair.client.session.call({
      ...pair.client.request(id, name),
      target: { callId, root: new Lease(pair.client.session, { id, typeid: 'fake' }) },
    });

  it('leaves with it in one write, and only the last is answered', async () => {
    const first = kept('self');
    await expect(on(first, 'echo')).resolves.toBeUndefined();
    expect(pair.client.heard).toHaveLength(1);
    pair.client.session.forget(first, false);
    await pair.settle();
  });

  it('waits for one that takes its time', async () => {
    const first = kept('lateSelf');
    const answer = on(first, 'make');
    gate.resolve(undefined);
    await expect(answer).resolves.toBeInstanceOf(FakeHandle);
  });

  it('gets the error of the first', async () => {
    const first = kept('nothing');
    await expect(on(first, 'echo')).rejects.toThrow('nothing');
    const other = kept('fail');
    await expect(on(other, 'echo')).rejects.toBeUndefined();
  });

  it('that was forgotten is refused', async () => {
    const first = kept('self');
    await pair.settle();
    pair.client.session.forget(first, false);
    await pair.settle();
    const answer = on(first, 'echo');
    await expect(answer).rejects.toBeInstanceOf(Error);
  });

  it('that was forgotten while it ran is not kept', async () => {
    const first = kept('lateSelf');
    await pair.settle();
    pair.client.session.forget(first, false);
    await pair.settle();
    gate.resolve(undefined);
    await pair.settle();
    await expect(on(first, 'echo')).rejects.toBeInstanceOf(Error);
  });

  it('is not forgotten for an older one of the same number', async () => {
    const first = kept('self');
    await pair.settle();
    pair.client.session.forget(first, false);
    const second = kept('self');
    await pair.settle();
    await expect(on(second, 'echo')).resolves.toBeUndefined();
  });
});

describe('calls that wait because too many run', () => {
  beforeEach(() => {
    pair.close();
    start({ calls: 1 });
  });

  it('run in their order when there is room', async () => {
    const slow = pair.client.call(id, 'slow', ['a']);
    const rest = [1, 2, 3].map((n) => pair.client.call(id, 'echo', [n]));
    await pair.settle();
    expect(log).toEqual([['slow', 'a']]);
    gate.resolve('done');
    await expect(Promise.all([slow, ...rest])).resolves.toEqual(['done', 1, 2, 3]);
  });

  it('hold what they are for, though it is released behind them', async () => {
    const made = (await pair.client.call(id, 'make')) as FakeHandle;
    const slow = pair.client.call(id, 'slow', ['a']);
    const answer = pair.client.session.call({ ...pair.client.request(0, ''), target: made.lease });
    made.lease.release();
    await pair.settle();
    gate.resolve('done');
    await expect(answer).resolves.toBe('made');
    await slow;
  });

  it('on an answer that is not kept crash nothing', async () => {
    const slow = pair.client.call(id, 'slow', ['a']);
    slow.catch(() => undefined);
    await pair.settle();
    const crash = jest.fn();
    process.once('unhandledRejection', crash);
    pair.client.sendRaw(rawCall({ target: { kind: 'answer', callId: 77 } }));
    await pair.settle();
    gate.resolve('done');
    await pair.settle();
    process.off('unhandledRejection', crash);
    expect(crash).not.toHaveBeenCalled();
    expect(log).toEqual([['slow', 'a']]);
  });

  it('do not run once they were cancelled', async () => {
    const slow = pair.client.call(id, 'slow', ['a']);
    const stop = new AbortController();
    const answer = pair.client.call(id, 'signal', [], { signal: stop.signal });
    await pair.settle();
    stop.abort();
    await expect(answer).rejects.toThrow();
    await pair.settle();
    gate.resolve('done');
    await slow;
    await pair.settle();
    expect(pair.rest).toMatchObject({ running: 0, pending: 0 });
  });
});

describe('what an object that is still made is for', () => {
  it('waits for it, in order, and a failing argument meanwhile crashes nothing', async () => {
    const ready = deferred<undefined>();
    const target = pair.server.party.put({});
    pair.server.party.subjects.set(target, { referent: undefined, ready: ready.promise });
    const first = pair.client.call(target, 'echo', ['one']);
    const failing = pair.client.session.open(pair.client.request(id, 'slow'));
    pair.client.session.patch(failing, { reply: false, keep: true });
    pair.client.sendRaw((writer) => {
      writeCallHead(
        writer,
        head({ target: { kind: 'object', id: target, relative: false }, reply: false }),
      );
      writeReferences(writer, [
        { kind: 'path', target: { kind: 'answer', callId: failing.callId }, path: [] },
      ]);
      writer.varint(0);
    });
    await pair.settle();
    gate.reject(new Error('no argument'));
    await pair.settle();
    pair.server.party.subjects.set(target, { referent: service });
    ready.resolve(undefined);
    await expect(first).resolves.toBe('one');
  });
});

describe('a frame out of turn closes the session', () => {
  const table: [string, (writer: ByteWriter) => void][] = [
    [
      'an answer to no call',
      (w) => {
        writeOutcomeHead(w, 'return', 5);
        w.u8(0);
        w.u8(0);
      },
    ],
    ['a kind that is unknown', (w) => w.u8(200)],
    ['nothing at all', () => undefined],
    [
      'a call that is cut',
      (w) => {
        w.u8(1);
        w.u8(1);
      },
    ],
    [
      'a release of what is not lent',
      (w) => writeControl(w, { kind: 'release', counts: [[77, 1]] }),
    ],
    [
      'a release of more than is lent',
      (w) => writeControl(w, { kind: 'release', counts: [[id, 2]] }),
    ],
    [
      'a mint where nothing is minted',
      (w) => writeControl(w, { kind: 'mint', number: 1, id, uses: 0, ttlMs: 1 }),
    ],
  ];

  it.each(table)('%s', async (_name, compose) => {
    pair.client.sendRaw(compose);
    await pair.settle();
    expect(pair.server.fault).toBeInstanceOf(ProtocolError);
    await expect(pair.client.call(id, 'echo')).rejects.toBeInstanceOf(ObjectGoneError);
  });

  it('an argument that names no reference of its table', async () => {
    pair.client.sendRaw((writer) => {
      writeCallHead(writer, head());
      writeReferences(writer, []);
      writer.varint(1);
      writer.u8(13);
      writer.varint(3);
    });
    await pair.settle();
    expect(pair.server.fault).toBeInstanceOf(ProtocolError);
  });
});

describe('the end', () => {
  it('rejects what waits, aborts what runs, and is told once', async () => {
    const waits = pair.client.call(id, 'signal');
    await pair.settle();
    pair.close();
    await expect(waits).rejects.toBeInstanceOf(ObjectGoneError);
    await pair.settle();
    expect(log).toEqual(['aborted']);
    await expect(pair.client.call(id, 'echo')).rejects.toThrow('the test is over');
  });

  it('tells which calls have not left', async () => {
    const sent: boolean[] = [];
    const first = pair.client.call(id, 'slow');
    await pair.settle();
    const second = pair.client.call(id, 'echo');
    pair.client.session.end(new Error('over'), (wasSent) => {
      sent.push(wasSent);
      return new Error('over');
    });
    await expect(Promise.allSettled([first, second])).resolves.toHaveLength(2);
    expect(sent).toEqual([true, false]);
  });
});
