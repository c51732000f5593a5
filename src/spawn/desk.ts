// The place in a child where its task is run. The parent calls it as it calls any object of a
// client: it asks for the result, or for what a generator yields, one value for each call.

import { functionOf } from '../process/function-text';
import { type ResolvedModule } from '../process/modules';
import { UsageError } from '../base/errors';
import { isProxy } from '../proxy/functions';
import { handle } from '../proxy/handle';
import { localCaller } from '../session/caller';
import { RunningCall, runAs } from '../session/current-call';
import { isData } from '../wire/plain';
import { type Whereabouts, ownWhereabouts } from './child-name';
import { type Ledger, Replica } from './except';
import { explained } from './self-contained';
import { type Parcel, unpack } from './parcel';
import { type TaskFunction, type TravellingTask } from './task';

/** What the parent wants done. */
export interface Order {
  readonly task: TravellingTask;
  readonly parcel: Parcel;
  /** The first one is for what the task throws. */
  readonly ledgers: readonly Ledger[];
  /** Whether the parent wants the result, or what is yielded. */
  readonly results: boolean;
}

/** What a step came to; `failed` with an error that the ledger has under that number. */
export type Outcome =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'stream' }
  | { readonly kind: 'yielded'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly number: number };

/** A desk as the parent sees it. */
export interface Desk {
  run(order: Order): Promise<Outcome>;
  /** The next value of a generator. (An object with a method `next` would travel as an iterator.) */
  step(): Promise<Outcome>;
  /** Ends the generator: its `finally` blocks run. */
  close(): Promise<Outcome>;
  /** Where what the task exposes can be reached. */
  whereabouts(): Promise<Whereabouts>;
  abort(reason: unknown): Promise<void>;
  /** The parent has what it wanted. */
  leave(): Promise<void>;
}

export interface DeskOptions {
  readonly load: (module: ResolvedModule) => Promise<unknown>;
  readonly memories: readonly SharedArrayBuffer[];
  readonly onFailed: () => void;
  readonly onLeave: () => void;
}

type Step = IteratorResult<unknown, unknown>;
type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

export class TaskDesk implements Desk {
  readonly #options: DeskOptions;
  readonly #running = new RunningCall(localCaller);
  #errors: Replica | undefined;
  #text = '';
  #stream: AnyIterator | undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  async run({ task, parcel, ledgers, results }: Order): Promise<Outcome> {
    const errors = ledgers.map((ledger) => new Replica(ledger));
    this.#errors = errors[0];
    return await this.#attempt(async () => {
      const body = await this.#find(task);
      const args = unpack(parcel, errors, this.#options.memories);
      this.#running.throwIfAborted();
      const result = await this.#do(() => body(...(args as never[])));
      this.#stream = iteratorOf(result);
      if (this.#stream === undefined) return returned(results ? result : undefined);
      return results ? { kind: 'stream' } : await this.#exhaust();
    });
  }

  async step(): Promise<Outcome> {
    return await this.#attempt(async () => {
      const { done, value } = (await this.#do(() => this.#iterator().next())) as Step;
      return done === true ? returned(value) : { kind: 'yielded', value };
    });
  }

  async close(): Promise<Outcome> {
    return await this.#attempt(async () => {
      const result = await this.#do(() => this.#iterator().return?.());
      return returned(result?.value);
    });
  }

  whereabouts(): Promise<Whereabouts> {
    return Promise.resolve(ownWhereabouts());
  }

  abort(reason: unknown): Promise<void> {
    this.#running.abort(reason);
    return Promise.resolve();
  }

  leave(): Promise<void> {
    this.#options.onLeave();
    return Promise.resolve();
  }

  async #exhaust(): Promise<Outcome> {
    for (;;) {
      const { done } = await this.#do(() => this.#iterator().next());
      if (done === true) return returned(undefined);
    }
  }

  /** Runs a piece of the task's own code: it can ask for its signal. */
  #do<T>(body: () => T): T {
    return runAs(this.#running, body);
  }

  #iterator(): AnyIterator {
    if (this.#stream === undefined) throw new UsageError('The task has not answered an iterator');
    return this.#stream;
  }

  /** An error is kept like any other of this process, and the parent has it before the outcome. */
  async #attempt(body: () => Promise<Outcome>): Promise<Outcome> {
    const errors = this.#errors;
    try {
      return await body();
    } catch (thrown) {
      this.#options.onFailed();
      const error = explained(thrown, this.#text);
      const keep = errors?.run(undefined, () => rejected(error), KEEP);
      await keep?.catch(() => undefined); // not of its types: thrown below
      const number = errors?.numberOf(error);
      if (number === undefined) throw error;
      return { kind: 'failed', number };
    } finally {
      await errors?.delivered();
    }
  }

  async #find(task: TravellingTask): Promise<TaskFunction> {
    if (task.kind === 'function') return task.body;
    if (task.kind === 'text') return functionOf((this.#text = task.text));
    if (task.kind === 'remote') {
      const { target, path } = task;
      return path.length === 0 ? (target as TaskFunction) : handle(target).path(...path);
    }
    const found = await this.#options.load(task.module);
    if (typeof found === 'function') return found as TaskFunction;
    const { url, exportName } = task.module;
    throw new UsageError(`Cannot run "${exportName}" of ${url}: it is not a function`);
  }
}

const KEEP = { rethrow: false, once: true };

function rejected(error: unknown): Promise<never> {
  return Promise.reject(error);
}

function returned(value: unknown): Outcome {
  return { kind: 'returned', value };
}

/** The iterator of what is yielded; undefined for a result that is a value. */
function iteratorOf(result: unknown): AnyIterator | undefined {
  if (typeof result !== 'object' || result === null || isData(result) || isProxy(result))
    return undefined;
  const source = result as {
    [Symbol.asyncIterator]?: () => AnyIterator;
    [Symbol.iterator]?: () => AnyIterator;
    next?: unknown;
  };
  if (typeof source[Symbol.asyncIterator] === 'function') return source[Symbol.asyncIterator]?.();
  if (typeof source[Symbol.iterator] === 'function') return source[Symbol.iterator]?.();
  return typeof source.next === 'function' ? (result as AnyIterator) : undefined;
}
