// The barrier against a model: all of a pass go on with different numbers, or none does.
import * as fc from 'fast-check';
import { BarrierReferent } from '../../src/types/barrier';
import {
  type Ending,
  type FakeCall,
  FakeClient,
  endingsOf,
  expectSame,
  microtasks,
} from '../support/fake-client';

interface Party {
  readonly call: FakeCall;
  readonly until: number;
}

/** What a barrier is, said in the simplest way. */
class Model {
  readonly expected = new Map<FakeCall, Ending>();
  gathering: Party[] = [];
  /** Passes that wait for the action; the first one's runs. */
  complete: Party[][] = [];
  isBroken = false;
  now = 0;
  readonly #parties: number;
  readonly #hasAction: boolean;

  constructor(parties: number, hasAction: boolean) {
    this.#parties = parties;
    this.#hasAction = hasAction;
  }

  get waiting(): Party[] {
    return [...this.complete, this.gathering].flat();
  }

  wait(call: FakeCall, timeMs: number | undefined): void {
    if (this.isBroken) {
      this.expected.set(call, { state: 'threw', value: 'BrokenBarrierError' });
      return;
    }
    this.expected.set(call, { state: 'waits' });
    this.gathering.push({ call, until: this.now + (timeMs ?? Infinity) });
    if (this.gathering.length < this.#parties) return;
    const pass = this.gathering;
    this.gathering = [];
    if (this.#hasAction) this.complete.push(pass);
    else this.#release(pass);
  }

  /** The action of the first complete pass has ended. */
  acted(fails: boolean): void {
    const pass = this.complete[0];
    if (pass === undefined) return;
    if (fails) {
      this.expected.set(pass.at(-1)!.call, { state: 'threw', value: 'RangeError' });
      this.#break(pass.at(-1)!.call);
    } else {
      this.complete.shift();
      this.#release(pass);
    }
  }

  #release(pass: Party[]): void {
    for (const [index, { call }] of pass.entries()) {
      this.expected.set(call, { state: 'returned', value: index });
    }
  }

  giveUp(call: FakeCall): void {
    if (this.expected.get(call)?.state !== 'waits') return;
    this.expected.set(call, { state: 'threw', value: 'Error' });
    this.#break(call);
  }

  advance(ms: number): void {
    this.now += ms;
    if (this.gathering.some(({ until }) => until <= this.now)) this.#break();
  }

  reset(): void {
    this.#break();
    this.isBroken = false;
  }
  abort(): void {
    this.#break();
  }

  #break(except?: FakeCall): void {
    for (const { call } of this.waiting) {
      if (call !== except) this.expected.set(call, { state: 'threw', value: 'BrokenBarrierError' });
    }
    this.isBroken = true;
    this.gathering = [];
    this.complete = [];
  }
}

/** Both, side by side. */
class Run {
  readonly #barrier: BarrierReferent;
  readonly #model: Model;
  readonly #clients = [new FakeClient(), new FakeClient(), new FakeClient()];
  readonly #calls: FakeCall[] = [];
  /** Ends of the actions that run. After a reset an old one may end late: that does nothing. */
  readonly #actions: { readonly end: (fails: boolean) => void; readonly epoch: number }[] = [];
  #epoch = 0;

  constructor(parties: number, hasAction: boolean) {
    const action = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const end = (fails: boolean): void => {
          if (fails) reject(new RangeError('the action failed'));
          else resolve();
        };
        this.#actions.push({ end, epoch: this.#epoch });
      });
    this.#barrier = new BarrierReferent(parties, hasAction ? action : undefined);
    this.#model = new Model(parties, hasAction);
  }

  async step({ what, who, pick, timeMs }: Step): Promise<void> {
    const barrier = this.#barrier;
    const model = this.#model;
    const client = this.#clients[who]!;
    const one = client.calls[pick % Math.max(1, client.calls.length)];
    switch (what) {
      case 'wait': {
        const call = client.call(() => barrier.wait(timeMs));
        this.#calls.push(call);
        model.wait(call, timeMs);
        break;
      }
      case 'acts':
      case 'fails':
        this.#endAction(what === 'fails');
        break;
      case 'cancel':
        one?.cancel();
        if (one !== undefined) model.giveUp(one);
        break;
      case 'die':
        client.die();
        for (const call of client.calls) model.giveUp(call);
        this.#clients[who] = new FakeClient();
        break;
      case 'advance':
        jest.advanceTimersByTime(pick);
        model.advance(pick);
        break;
      case 'abort':
        barrier.abort();
        model.abort();
        break;
      case 'reset':
        barrier.reset();
        model.reset();
        this.#epoch++;
    }
    await microtasks();
    await microtasks(); // an action begins behind the one before
    this.#compare();
  }

  #endAction(fails: boolean): void {
    const action = this.#actions.shift();
    action?.end(fails);
    const counts = action?.epoch === this.#epoch && !this.#model.isBroken;
    if (counts) this.#model.acted(fails);
  }

  #compare(): void {
    const model = this.#model;
    const barrier = this.#barrier;
    const real = {
      broken: barrier.broken(),
      nWaiting: barrier.nWaiting(),
      waits: this.#clients.reduce((sum, { caller }) => sum + caller.waiting, 0),
      acting: barrier.broken()
        ? 0
        : this.#actions.filter(({ epoch }) => epoch === this.#epoch).length,
      calls: endingsOf(this.#calls),
    };
    const wanted = {
      broken: model.isBroken,
      nWaiting: model.gathering.length,
      waits: model.waiting.length,
      acting: Math.min(1, model.complete.length), // once for each pass, one after the other
      calls: endingsOf(this.#calls.map((call) => model.expected.get(call)!)),
    };
    expectSame(real, wanted);
  }

  async end(): Promise<void> {
    for (const client of this.#clients) {
      client.die();
      for (const call of client.calls) this.#model.giveUp(call);
      await microtasks();
      this.#compare();
    }
    expect(jest.getTimerCount()).toBe(0);
  }
}

const WHATS = [
  ...(['wait', 'wait', 'wait', 'wait', 'wait', 'wait', 'acts', 'acts', 'fails'] as const),
  ...(['cancel', 'die', 'advance', 'abort', 'reset', 'reset'] as const),
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
    pick: fc.nat(20),
    timeMs: fc.constantFrom(undefined, undefined, undefined, 10, 25),
  }),
  { maxLength: 60, size: 'max' },
);

beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] }));
afterEach(() => jest.useRealTimers());

test.each([
  ['without an action', false],
  ['with an action', true],
])(
  '%s: all of a pass go on, each with a number of its own, or none',
  async (_name, hasAction) => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), async (list, parties) => {
        const run = new Run(parties, hasAction);
        for (const step of list) await run.step(step);
        await run.end();
      }),
      { numRuns: 1000 },
    );
  },
  60_000,
);
