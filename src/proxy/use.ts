// One use of a late-bound handle: from the first call, or the first `await`, to all that is reached of
// its answer. It goes to one object, which is found when the use begins. Where the name has come to
// stand for something else meanwhile nothing of the use ran, and the whole of it is done again.

import { inspect, types } from 'node:util';
import {
  ConnectionLostError,
  LimitError,
  NotListeningError,
  ProcessDiedError,
  RemoteError,
} from '../base/errors';
import { type Lease } from '../refs/lease';
import { type Absence, hasDefault, valueOf } from '../session/absence';
import { perform } from '../session/exposure';
import { isRetargeted } from '../session/naming';
import { type Operation } from '../wire/frames';
import { isData } from '../wire/plain';
import { BaseProxy } from './base-proxy';
import { LockHandle, whenReleased } from './lock-handle';
import { type CallOptions } from './options';
import { leaseOfRemote } from './remote';
import { leaseOfSyncRemote } from './sync-remote';

/** What a use goes to: a proxy of its own, or one for as long as it is good. */
export interface Reached {
  readonly target: object;
  readonly lease: Lease;
  /** Whether its session was there, and has ended. */
  readonly wasLost: () => boolean;
  /** It was for that use alone. */
  readonly giveBack: () => void;
  /** One operation on the object itself, by whatever class its proxy is. */
  readonly send: (
    operation: Operation,
    name: string,
    args: readonly unknown[],
    options?: CallOptions,
  ) => Promise<unknown>;
}

/** What an operation of a use goes to. */
export type Sender = Pick<Reached, 'send'>;

/** How a late-bound handle finds its object. */
export interface Binding {
  /** What its uses give where nobody is there to be asked. */
  readonly absence: Absence | undefined;
  /** 'named', 'module' */
  readonly typeid: string;
  readonly address: string;
  /** For a use that begins now. */
  reach(): Reached | Promise<Reached>;
  /** The same with the thread blocked: of a proxy whose calls block. */
  reachNow(): Reached;
  /** Resolves when it stands for something. Absent: it always does. */
  readonly there?: (signal: AbortSignal) => Promise<unknown>;
  /** It no longer stands for what it stood for: ask anew. */
  missed(): void;
  /** What is held beyond a use is given back. */
  release(): void;
  /** Of what the handle stands for, where that is one object for the whole session. */
  readonly lease?: Lease;
  /** What the handle is written as. */
  token(): string;
  describe(): string;
  warn(warning: Error): void;
}

/** A name that changes more often than this during one use is not followed. */
export const TRIES_MAX = 10;

/** A value that may be thenable, and is not to be awaited. */
interface Box {
  readonly raw: unknown;
}
type Boxed = Box | Promise<Box>;

/** One try of a use: what it reached, and what came of each step. */
interface Try {
  readonly reached: Reached | Promise<Reached>;
  readonly made: Map<Use, Boxed>;
}

/** What all parts of one use have in common. */
interface Course {
  readonly binding: Binding;
  now: Try;
  tries: number;
  replayed: boolean;
  /** How many wait for what comes of it. */
  waiting: number;
}

type Act = (value: never, sender: Sender) => unknown;

export class Use {
  readonly #course: Course;
  readonly #parent: Use | undefined;
  readonly #act: Act;
  #settled: Promise<unknown> | undefined;
  #hasDependents = false;

  private constructor(course: Course, parent: Use | undefined, act: Act) {
    this.#course = course;
    this.#parent = parent;
    this.#act = act;
  }

  /** Begins a use with `act`: at once, where it is known what the handle stands for. */
  static start(binding: Binding, act: (target: object, sender: Sender) => unknown): Use {
    const course = { binding, now: begin(binding), tries: 1, replayed: false, waiting: 0 };
    const use = new Use(course, undefined, act);
    void use.#boxed(course.now);
    return use;
  }

  /** Goes on with what this answers: at once, if that is a member of a Remote. */
  further(act: (value: unknown) => unknown): Use {
    this.#hasDependents = true;
    const next = new Use(this.#course, this, act);
    void next.#boxed(this.#course.now);
    return next;
  }

  /** What it comes to in the end. */
  settled(): Promise<unknown> {
    return (this.#settled ??= this.#settle());
  }

  /** Where nobody waits for a call, it is done again all the same, and its failure is told as of any promise. */
  watch(): void {
    process.nextTick(() => {
      if (!this.#hasDependents) void this.settled();
    });
  }

  async *iterate(): AsyncGenerator<unknown, void, undefined> {
    this.#course.waiting++;
    try {
      for (let begun = false; ;) {
        const { now } = this.#course;
        try {
          const { raw } = await this.#boxed(now);
          for await (const item of requireIterable(raw)) {
            begun = true;
            yield item;
          }
          return;
        } catch (error) {
          if (begun || !(await this.#again(now, error))) throw error;
        }
      }
    } finally {
      this.#over();
    }
  }

  async #settle(): Promise<unknown> {
    this.#course.waiting++;
    let value: unknown;
    try {
      value = await this.#tryOn();
    } finally {
      this.#over(value);
    }
    return value;
  }

  async #tryOn(): Promise<unknown> {
    for (;;) {
      const { now } = this.#course;
      try {
        const { raw } = await this.#boxed(now);
        return await raw;
      } catch (error) {
        if (!(await this.#again(now, error))) return await this.#insteadOf(now, error);
      }
    }
  }

  /** What its handle has for when there is nobody to be asked, or `error`. */
  async #insteadOf(attempt: Try, error: unknown): Promise<unknown> {
    const { absence } = this.#course.binding;
    const isAbsent = isUnreached(error) && (await found(attempt)) === undefined;
    if (!isAbsent || absence === undefined || !hasDefault(absence)) throw error;
    const { fallback, defaultValue } = absence;
    return fallback === undefined ? valueOf(defaultValue, 'call') : await this.#doneTo(fallback);
  }

  /** The same, done to an object that is here. */
  async #doneTo(object: object): Promise<unknown> {
    const owner = this.#parent === undefined ? object : await this.#parent.#doneTo(object);
    return await this.#act(owner as never, {
      send: (operation, name, args) =>
        Promise.resolve(perform(object, { operation, path: [], name, args })),
    });
  }

  /** Nobody waits any more: the object is given back, unless `value` still goes through its proxy. */
  #over(value?: unknown): void {
    const course = this.#course;
    if (--course.waiting > 0) return;
    const { reached } = course.now;
    if (value instanceof LockHandle) whenReleased(value, () => void giveBack(reached));
    else if (standsAlone(value)) void giveBack(reached);
  }

  /** What it gives in that try. Done once, whoever asks. */
  #boxed(attempt: Try): Boxed {
    const known = attempt.made.get(this);
    if (known !== undefined) return known;
    const made = this.#make(attempt);
    attempt.made.set(this, made);
    if (made instanceof Promise) made.catch(told);
    return made;
  }

  #make(attempt: Try): Boxed {
    const { reached } = attempt;
    const act = (value: unknown, target: Reached): Boxed =>
      confirmed(target, () => ({ raw: this.#act(value as never, target) }));
    if (reached instanceof Promise) {
      return reached.then((target) => this.#follow(attempt, target, act));
    }
    try {
      return this.#follow(attempt, reached, act);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #follow(attempt: Try, reached: Reached, act: (value: unknown, target: Reached) => Boxed): Boxed {
    const parent = this.#parent;
    const before = parent === undefined ? { raw: reached.target } : parent.#boxed(attempt);
    const go = ({ raw }: Box): Boxed =>
      isPromise(raw)
        ? Promise.resolve(raw).then((value) => act(value, reached))
        : act(raw, reached);
    return before instanceof Promise ? before.then(go) : go(before);
  }

  /** Whether the use is done again after `error`, or is being done again already. */
  async #again(attempt: Try, error: unknown): Promise<boolean> {
    const course = this.#course;
    if (course.now !== attempt) return true; // by another part of it
    const reached = await found(attempt);
    if (course.now !== attempt) return true;
    if (reached === undefined) return false; // it could not even be asked for
    if (isRetargeted(error, reached.lease.id)) {
      if (course.tries++ === TRIES_MAX) throw restless(course.binding);
      course.binding.missed();
    } else if (!course.replayed && wasNotSent(error, reached)) {
      course.replayed = true;
    } else {
      return false;
    }
    void giveBack(attempt.reached);
    course.now = begin(course.binding);
    return true;
  }
}

function begin(binding: Binding): Try {
  let reached: Reached | Promise<Reached>;
  try {
    reached = binding.reach();
  } catch (error) {
    reached = Promise.reject(error);
  }
  if (reached instanceof Promise) reached.catch(told);
  return { reached, made: new Map() };
}

async function found({ reached }: Pick<Try, 'reached'>): Promise<Reached | undefined> {
  try {
    return await reached;
  } catch {
    return undefined;
  }
}

/** Data, and proxies with a lease of their own; others make their calls through the proxy of the use. */
export function standsAlone(value: unknown): boolean {
  if (isData(value) || typeof value === 'function' || value instanceof BaseProxy) return true;
  return typeof value === 'object' && value !== null && leaseOfAnyRemote(value) !== undefined;
}

function leaseOfAnyRemote(value: object): Lease | undefined {
  return leaseOfRemote(value) ?? leaseOfSyncRemote(value);
}

/** Whether `value` must be waited for before something is reached of it: a member of a Remote need not. */
function isPromise(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  return typeof (value as { then?: unknown }).then === 'function';
}

/**
 * What there is not in the class that the handle believes in may be there in another one: that nothing
 * was found is told only when the manager has said that the belief is right.
 */
function confirmed({ lease, send }: Reached, act: () => Box): Boxed {
  let found: Box | undefined;
  try {
    found = act();
    if (found.raw !== undefined || lease.calls > 0) return found;
  } catch (error) {
    if (lease.calls > 0) throw error;
  }
  return send('length', '', [])
    .catch(refused)
    .then(() => found ?? act());
}

/** Whether it has a length does not matter: it was asked. */
export function refused(error: unknown): void {
  if (!(error instanceof TypeError) && !(error instanceof RemoteError)) throw error;
}

async function giveBack(reached: Try['reached']): Promise<void> {
  (await found({ reached }))?.giveBack();
}

/** Nobody was there who could have done anything. */
function isUnreached(error: unknown): boolean {
  const isUnsent = error instanceof ConnectionLostError && error.outcome === 'not-sent';
  return isUnsent || error instanceof ProcessDiedError || error instanceof NotListeningError;
}

/** The one call of the use stayed here, and its session is over: a new one may be asked. */
function wasNotSent(error: unknown, { lease, wasLost }: Reached): boolean {
  return (
    error instanceof ConnectionLostError &&
    error.outcome === 'not-sent' &&
    lease.calls <= 1 &&
    wasLost()
  );
}

export function restless(binding: Binding): LimitError {
  return new LimitError(
    `Cannot use ${binding.describe()}: its name was given to something else ${String(TRIES_MAX)} times meanwhile`,
  );
}

/** Whoever waits for the use is told. */
function told(): undefined {
  return undefined;
}

function requireIterable(value: unknown): AsyncIterable<unknown> {
  const iterable = value as Partial<AsyncIterable<unknown>> | null | undefined;
  if (typeof iterable?.[Symbol.asyncIterator] === 'function')
    return iterable as AsyncIterable<unknown>;
  throw new TypeError(
    `Cannot iterate with for await: ${inspect(value, { depth: 0 })} is not iterable`,
  );
}
