// A client without a process: calls a referent as a session would, and is cancelled, killed and slow
// to confirm what it was given, step by step.
import { inspect, isDeepStrictEqual } from 'node:util';
import { Caller } from '../../src/session/caller';
import { RunningCall, runAs } from '../../src/session/current-call';
import { Delivery } from '../../src/session/delivery';

export class FakeCall {
  readonly client: FakeClient;
  readonly running: RunningCall;
  state: 'waits' | 'returned' | 'threw' = 'waits';
  /** What it returned or threw; of a delivery what is in it. */
  value: unknown;
  /** Delivered, and not yet confirmed. */
  delivery: Delivery | undefined;
  /** The caller no longer waits. */
  abandoned = false;

  constructor(client: FakeClient) {
    this.client = client;
    this.running = new RunningCall(client.caller);
  }

  settle(state: 'returned' | 'threw', value: unknown): void {
    this.state = state;
    if (!(value instanceof Delivery)) {
      this.value = value;
      return;
    }
    this.value = value.value;
    this.delivery = value;
    if (this.abandoned || this.client.caller.ended) this.confirm(false);
  }

  confirm(received: boolean): void {
    const { delivery } = this;
    this.delivery = undefined;
    delivery?.settle(received);
  }

  cancel(reason: unknown = new Error('cancelled')): void {
    this.abandoned = true;
    this.running.abort(reason);
  }
}

export class FakeClient {
  readonly caller: Caller;
  readonly calls: FakeCall[] = [];

  constructor(waiters = 1000) {
    this.caller = new Caller(waiters);
  }

  call(body: () => unknown): FakeCall {
    const call = new FakeCall(this);
    this.calls.push(call);
    try {
      const result = runAs(call.running, body);
      if (result instanceof Promise) {
        result.then(
          (value) => call.settle('returned', value),
          (error) => call.settle('threw', error),
        );
      } else call.settle('returned', result);
    } catch (error) {
      call.settle('threw', error);
    }
    return call;
  }

  /** As `Incoming.end`: its waits end, then what it never confirmed comes back, then what it holds. */
  die(): void {
    this.caller.leave();
    for (const { running } of this.calls) running.abort(new Error('the client died'));
    for (const call of this.calls) call.confirm(false);
    this.caller.loseAll();
  }
}

/** Until all that was settled has been told. */
export async function microtasks(): Promise<void> {
  for (let i = 0; i < 4; i++) await Promise.resolve();
}

/** What a call has come to, or what a model says that it should have. */
export interface Ending {
  state: 'waits' | 'returned' | 'threw';
  value?: unknown;
}

/** Errors by their names. */
export function endingsOf(calls: readonly Ending[]): Ending[] {
  return calls.map(({ state, value }) => ({
    state,
    value: value instanceof Error ? value.name : value,
  }));
}

/** As toEqual(), but quick: it is asked after every step. */
export function expectSame(real: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(real, wanted)) return;
  throw new Error(`It is ${inspect(real, { depth: 5 })}, not ${inspect(wanted, { depth: 5 })}`);
}
