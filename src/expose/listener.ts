// One listener of an exposed object: lets calls in as they come, or one after another, or keeps them
// until the owner takes them.
//
// Rule 1: a call that comes from inside of a call that runs here does not wait for itself.
// Rule 2: a call whose caller no longer waits never runs.

import { AsyncLocalStorage } from 'node:async_hooks';
import { deferred } from '../base/deferred';
import { type RunningCall, currentCall } from '../session/current-call';
import { type GatedCall } from '../session/gate';
import { isThenable } from '../session/outcome';

/** A call that waits to be taken. */
interface Request {
  readonly call: GatedCall;
  /** Resolves when it was handled, however that ended. */
  handle(): Promise<void>;
  /** Answers it without running it. */
  refuse(answer: (call: GatedCall) => unknown): void;
}

/** The calls around the running code, by the listeners that let them in. */
interface Inside {
  readonly listener: Listener;
  readonly outer: Inside | undefined;
  over: boolean;
}

const inside = new AsyncLocalStorage<Inside>();

export class Listener {
  readonly #isManual: boolean;
  readonly #isSerial: boolean;
  readonly #queue: Request[] = [];
  /** Calls that have not answered. */
  readonly #running = new Map<RunningCall, Promise<unknown>>();
  #arrival = deferred<undefined>();
  /** One after another: the end of the one before. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly isManual: boolean; readonly isSerial: boolean }) {
    this.#isManual = options.isManual;
    this.#isSerial = options.isSerial;
  }

  /** Resolves when the next call has come, or nothing more does. */
  get arrival(): Promise<undefined> {
    return this.#arrival.promise;
  }
  get waiting(): number {
    return this.#queue.length;
  }

  enter(call: GatedCall, body: () => unknown): unknown {
    if (!this.#isManual && !this.#isSerial) return this.#run(call, body);
    if (this.#isInside()) return body();
    const answer = this.#enqueue(call, body);
    this.tell();
    if (!this.#isManual) void this.handleOne();
    return answer;
  }

  /** Wakes whoever waits for a call. */
  tell(): void {
    this.#arrival.resolve(undefined);
    this.#arrival = deferred();
  }

  #isInside(): boolean {
    for (let around = inside.getStore(); around !== undefined; around = around.outer)
      if (around.listener === this && !around.over) return true;
    return false;
  }

  #enqueue(call: GatedCall, body: () => unknown): Promise<unknown> {
    const outer = inside.getStore(); // it runs in another context: of whoever takes it
    const answer = deferred<unknown>();
    const settle = (run: () => unknown): void => {
      call.running.onAbort = undefined;
      answer.resolve(new Promise((resolve) => resolve(run())));
    };
    const request: Request = {
      call,
      handle: async () => {
        settle(() => this.#runInside(call, body, outer));
        await answer.promise.catch(toldToItsCaller);
      },
      refuse: (answerOf) => {
        settle(() => answerOf(call));
      },
    };
    call.running.onAbort = (reason) => {
      const at = this.#queue.indexOf(request);
      if (at !== -1) this.#queue.splice(at, 1);
      answer.reject(reason);
    };
    this.#queue.push(request);
    return answer.promise;
  }

  /** Whatever `body` calls knows that it is inside of a call here. */
  #runInside(call: GatedCall, body: () => unknown, outer: Inside | undefined): unknown {
    const here: Inside = { listener: this, outer, over: false };
    const result = this.#run(call, () => inside.run(here, body));
    const end = (): void => {
      here.over = true;
    };
    if (isThenable(result)) result.then(end, end);
    else end();
    return result;
  }

  #run({ running }: GatedCall, body: () => unknown): unknown {
    const result = body();
    if (!isThenable(result)) return result;
    const answer = Promise.resolve(result).finally(() => this.#running.delete(running));
    this.#running.set(running, answer);
    answer.catch(toldToItsCaller);
    return answer;
  }

  /** Takes one call, and resolves when it was handled; false where none waits. */
  handleOne(): Promise<boolean> {
    if (!this.#isSerial) return this.#takeOne();
    const turn = this.#turn.then(() => this.#takeOne());
    this.#turn = turn;
    return turn;
  }

  async #takeOne(): Promise<boolean> {
    const request = this.#queue.shift();
    await request?.handle();
    return request !== undefined;
  }

  /** Takes all that waits, and what comes meanwhile; resolves with how many were handled. */
  async handleAll(): Promise<number> {
    let count = 0;
    if (this.#isSerial) {
      while (this.#queue.length > 0 && (await this.handleOne())) count++;
      return count;
    }
    const handling = new Set<Promise<unknown>>();
    for (;;) {
      const arrival = this.#arrival.promise;
      for (; this.#queue.length > 0; count++) {
        const handled: Promise<unknown> = this.#takeOne().finally(() => handling.delete(handled));
        handling.add(handled);
      }
      if (handling.size === 0) return count;
      await Promise.race([...handling, arrival]);
    }
  }

  /** Answers all that waits, without running it; how many there were. */
  refuseAll(answer: (call: GatedCall) => unknown): number {
    const refused = this.#queue.splice(0);
    for (const request of refused) request.refuse(answer);
    return refused.length;
  }

  /**
   * Waits until nothing waits, and nothing runs whose caller still does; whoever asks inside of a call
   * does not wait for that one.
   */
  idler(): () => Promise<void> {
    const own = currentCall();
    const isInside = this.#isInside();
    return async () => {
      const others = [...this.#running].filter(([running]) => running !== own);
      const handled = this.handleAll();
      if (isInside) return;
      await handled;
      await Promise.all(
        others.map(([running, answer]) =>
          Promise.race([answer.catch(toldToItsCaller), givenUp(running)]),
        ),
      );
    };
  }
}

/** Its caller has died, or no longer wants the answer. */
function givenUp({ signal }: RunningCall): Promise<unknown> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

function toldToItsCaller(): undefined {
  return undefined;
}
