// The queues against a model that sorts and searches arrays: whatever is put, got, taken, cancelled,
// given back, too late or killed, both hold the same items in the same order, and all calls end alike.
import * as fc from 'fast-check';
import { toPlain } from '../../src/session/plain-copy';
import { type QueueReferent, queueTypes } from '../../src/types/queue';
import {
  type Ending,
  type FakeCall,
  FakeClient,
  endingsOf,
  expectSame,
  microtasks,
} from '../support/fake-client';

type Kind = 'queue' | 'lifoQueue' | 'priorityQueue' | 'joinableQueue';
type Item = number | bigint;

interface Entry {
  readonly item: Item;
  readonly place: number;
  redelivered: boolean;
}
interface Expected extends Ending {
  /** What it was given and has not confirmed. */
  given?: Entry;
}
interface Waiting {
  readonly call: FakeCall;
  readonly until: number;
  /** What it puts. */
  readonly item?: Item;
  readonly takes?: boolean;
}

const ORDER: Record<Kind, (a: Entry, b: Entry) => number> = {
  queue: (a, b) => Number(b.redelivered) - Number(a.redelivered) || a.place - b.place,
  joinableQueue: (a, b) => Number(b.redelivered) - Number(a.redelivered) || a.place - b.place,
  lifoQueue: (a, b) => Number(b.redelivered) - Number(a.redelivered) || b.place - a.place,
  priorityQueue: (a, b) => Number(a.item) - Number(b.item) || a.place - b.place,
};

/** What a queue is, said in the simplest way. */
class Model {
  stored: Entry[] = [];
  getters: Waiting[] = [];
  putters: Waiting[] = [];
  joiners: Waiting[] = [];
  readonly expected = new Map<FakeCall, Expected>();
  readonly taken = new Map<number, { readonly entry: Entry; readonly client: FakeClient }>();
  state: 'open' | 'draining' | 'empty' = 'open';
  unfinished = 0;
  now = 0;
  readonly #kind: Kind;
  readonly #max: number;
  #places = 0;
  #tickets = 0;

  constructor(kind: Kind, maxSize: number) {
    this.#kind = kind;
    this.#max = maxSize > 0 ? maxSize : Infinity;
  }

  get items(): Item[] {
    return this.#sorted().map(({ item }) => item);
  }
  get isFull(): boolean {
    return this.stored.length >= this.#max;
  }
  #sorted(): Entry[] {
    return (this.stored = [...this.stored].sort(ORDER[this.#kind]));
  }

  put(call: FakeCall, item: Item, timeMs: number | undefined): void {
    if (this.state !== 'open') this.#end(call, 'threw', 'QueueShutdownError');
    else if (!this.isFull) {
      this.#add(item);
      this.#end(call, 'returned', undefined);
    } else if (timeMs === 0) this.#end(call, 'threw', 'QueueFullError');
    else this.putters.push(this.#wait(call, timeMs, { item }));
    this.#serve();
  }

  get(call: FakeCall, takes: boolean, timeMs: number | undefined): void {
    if (this.stored.length > 0) this.#give(call, takes);
    else if (this.state !== 'open') this.#end(call, 'threw', 'QueueShutdownError');
    else if (timeMs === 0) this.#end(call, 'threw', 'QueueEmptyError');
    else this.getters.push(this.#wait(call, timeMs, { takes }));
    this.#serve();
  }

  join(call: FakeCall, timeMs: number | undefined): void {
    if (this.unfinished === 0) this.#end(call, 'returned', undefined);
    else this.joiners.push(this.#wait(call, timeMs, {}));
  }

  taskDone(call: FakeCall): void {
    if (this.unfinished === 0) this.#end(call, 'threw', 'UsageError');
    else {
      this.#end(call, 'returned', undefined);
      this.#finish(1);
    }
  }

  settle(call: FakeCall, acks: boolean, ticket: number): void {
    const taken = this.taken.get(ticket);
    if (taken?.client !== call.client) this.#end(call, 'threw', 'UsageError');
    else {
      this.#end(call, 'returned', undefined);
      this.taken.delete(ticket);
      if (!acks) this.#giveBack(taken.entry);
    }
  }

  confirm(call: FakeCall, received: boolean): void {
    const expected = this.expected.get(call);
    const entry = expected?.given;
    if (expected === undefined || entry === undefined) return;
    delete expected.given;
    if (!received) this.#giveBack(entry);
    else if (Array.isArray(expected.value)) {
      this.taken.set(expected.value[2] as number, { entry, client: call.client });
    }
  }

  shutdown(call: FakeCall, immediate: boolean): void {
    this.#end(call, 'returned', undefined);
    if (this.state !== 'empty') this.state = immediate ? 'empty' : 'draining';
    for (const waiting of [...this.getters.splice(0), ...this.putters.splice(0)]) {
      this.#end(waiting.call, 'threw', 'QueueShutdownError');
    }
    if (immediate) this.#finish(this.stored.splice(0).length);
  }

  giveUp(call: FakeCall, why: string): void {
    const before = this.expected.get(call);
    if (before?.state === 'waits') this.#end(call, 'threw', why);
    for (const queue of ['getters', 'putters', 'joiners'] as const) {
      this[queue] = this[queue].filter((waiting) => waiting.call !== call);
    }
  }

  advance(ms: number): void {
    this.now += ms;
    const late = (waiting: Waiting): boolean => waiting.until <= this.now;
    for (const { call } of this.getters.filter(late)) this.giveUp(call, 'QueueEmptyError');
    for (const { call } of this.putters.filter(late)) this.giveUp(call, 'QueueFullError');
    for (const { call } of this.joiners.filter(late)) this.giveUp(call, 'TimeoutError');
  }

  lose(client: FakeClient): void {
    for (const call of client.calls) this.giveUp(call, 'Error');
    for (const call of client.calls) this.confirm(call, false);
    for (const [ticket, { entry, client: owner }] of [...this.taken]) {
      if (owner !== client) continue;
      this.taken.delete(ticket);
      this.#giveBack(entry);
    }
  }

  #wait(call: FakeCall, timeMs: number | undefined, more: Partial<Waiting>): Waiting {
    this.expected.set(call, { state: 'waits' });
    return { call, until: this.now + (timeMs ?? Infinity), ...more };
  }
  #end(call: FakeCall, state: 'returned' | 'threw', value: unknown): void {
    this.expected.set(call, { state, value });
  }
  #add(item: Item): void {
    this.stored.push({ item, place: this.#places++, redelivered: false });
    this.unfinished++;
  }
  #give(call: FakeCall, takes: boolean): void {
    const [entry] = this.#sorted().splice(0, 1) as [Entry];
    this.stored = this.stored.filter((one) => one !== entry);
    const value = takes ? [entry.item, entry.redelivered, ++this.#tickets] : entry.item;
    this.expected.set(call, { state: 'returned', value, given: entry });
  }
  #giveBack(entry: Entry): void {
    if (this.state === 'empty') this.#finish(1);
    else {
      entry.redelivered = true;
      this.stored.push(entry);
      this.#serve();
    }
  }
  #serve(): void {
    for (;;) {
      const getter = this.stored.length > 0 ? this.getters.shift() : undefined;
      const putter = getter === undefined && !this.isFull ? this.putters.shift() : undefined;
      if (getter !== undefined) this.#give(getter.call, getter.takes ?? false);
      else if (putter !== undefined) {
        this.#add(putter.item as Item);
        this.#end(putter.call, 'returned', undefined);
      } else return;
    }
  }
  #finish(count: number): void {
    this.unfinished = Math.max(0, this.unfinished - count);
    if (this.unfinished > 0) return;
    for (const { call } of this.joiners.splice(0)) this.#end(call, 'returned', undefined);
  }
}

/** Both, side by side. */
class Run {
  readonly #kind: Kind;
  readonly #queue: QueueReferent;
  readonly #model: Model;
  readonly #clients = [new FakeClient(), new FakeClient(), new FakeClient()];
  readonly #calls: FakeCall[] = [];
  #puts = 0;

  constructor(kind: Kind, maxSize: number) {
    const type = queueTypes.find(({ typeid }) => typeid === kind);
    this.#kind = kind;
    this.#queue = type?.create(maxSize as never) as QueueReferent;
    this.#model = new Model(kind, maxSize);
  }

  async step({ what, who, pick, timeMs }: Step): Promise<void> {
    const client = this.#clients[who]!;
    const queue = this.#queue;
    const model = this.#model;
    const call = (body: () => unknown): FakeCall => {
      const made = client.call(body);
      this.#calls.push(made);
      return made;
    };
    const calls = client.calls;
    const one = calls[pick % Math.max(1, calls.length)];
    switch (what) {
      case 'put': {
        // Of a number and a bigint neither is less: equal priorities that can be told apart.
        const n = this.#puts++;
        const item = this.#kind !== 'priorityQueue' ? n : n % 2 === 0 ? pick % 3 : BigInt(pick % 3);
        model.put(
          call(() => queue.put(item, timeMs)),
          item,
          timeMs,
        );
        break;
      }
      case 'get':
        model.get(
          call(() => queue.get(timeMs)),
          false,
          timeMs,
        );
        break;
      case 'take':
        model.get(
          call(() => queue._take(timeMs)),
          true,
          timeMs,
        );
        break;
      case 'join':
        model.join(
          call(() => queue.join(timeMs)),
          timeMs,
        );
        break;
      case 'taskDone':
        model.taskDone(call(() => queue.taskDone()));
        break;
      case 'ack':
      case 'nack': {
        const ticket = [...model.taken.keys(), 999][pick % (model.taken.size + 1)]!;
        const acks = what === 'ack';
        model.settle(
          call(() => (acks ? queue._ack(ticket) : queue._nack(ticket))),
          acks,
          ticket,
        );
        break;
      }
      case 'confirm':
      case 'refuse':
        one?.confirm(what === 'confirm');
        if (one !== undefined) model.confirm(one, what === 'confirm');
        break;
      case 'cancel':
        one?.cancel();
        if (one !== undefined) model.giveUp(one, 'Error');
        break;
      case 'die':
        client.die();
        model.lose(client);
        this.#clients[who] = new FakeClient();
        break;
      case 'advance':
        jest.advanceTimersByTime(pick);
        model.advance(pick);
        break;
      case 'shutdown':
        if (pick % 8 === 0) {
          const immediate = pick % 16 === 0;
          model.shutdown(
            call(() => queue.shutdown(immediate)),
            immediate,
          );
        }
    }
    await microtasks();
    this.#compare();
  }

  #compare(): void {
    const queue = this.#queue;
    const model = this.#model;
    const real = {
      items: toPlain(queue),
      size: queue.size(),
      full: queue.full(),
      empty: queue.empty(),
      waits: this.#clients.reduce((sum, { caller }) => sum + caller.waiting, 0),
      calls: endingsOf(this.#calls),
    };
    const wanted = {
      items: model.items,
      size: model.stored.length,
      full: model.isFull,
      empty: model.stored.length === 0,
      waits: model.getters.length + model.putters.length + model.joiners.length,
      calls: endingsOf(this.#calls.map((call) => model.expected.get(call)!)),
    };
    expectSame(real, wanted);
  }

  /** All clients die: every item that nobody has confirmed or acknowledged is there. */
  async end(): Promise<void> {
    for (const client of this.#clients) {
      client.die();
      this.#model.lose(client);
      await microtasks();
      this.#compare();
    }
    expect(this.#model.taken.size).toBe(0);
    for (const { caller } of this.#clients) {
      expect([caller.waiting, caller.holdings]).toEqual([0, 0]);
    }
    expect(jest.getTimerCount()).toBe(0);
  }
}

const WHATS = [
  ...(['put', 'put', 'put', 'get', 'get', 'take', 'take', 'confirm', 'confirm', 'refuse'] as const),
  ...(['ack', 'nack', 'cancel', 'die', 'advance', 'join', 'taskDone', 'shutdown'] as const),
];
interface Step {
  readonly what: (typeof WHATS)[number];
  readonly who: number;
  readonly pick: number;
  readonly timeMs: number | undefined;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    what: fc.constantFrom(...WHATS),
    who: fc.nat(2),
    pick: fc.nat(40),
    timeMs: fc.constantFrom(undefined, undefined, 0, 10, 25),
  }),
  { maxLength: 60, size: 'max' },
);

beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] }));
afterEach(() => jest.useRealTimers());

test.each(['queue', 'lifoQueue', 'priorityQueue', 'joinableQueue'] as const)(
  '%s: nothing is lost, nothing is got twice unmarked, and the order is kept',
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(0, 1, 2, 3), async (list, maxSize) => {
        const run = new Run(kind, maxSize);
        for (const step of list) await run.step(step);
        await run.end();
      }),
      { numRuns: 1000 },
    );
  },
  60_000,
);
