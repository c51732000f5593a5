// The shared barrier: each of its parties waits until all are there, then all go on. It can be passed
// any number of times; each time is a pass of its own.
//
// Rule 1: all parties of a pass go on, or none: one that gives up, dies or is too late breaks the
//         barrier, for all that wait and for all that come until it is reset.
// Rule 2: the action runs once for a pass, when all are there and before anyone goes on.

import { inspect } from 'node:util';
import {
  BrokenBarrierError,
  ConnectionLostError,
  ObjectGoneError,
  UsageError,
} from '../base/errors';
import { isDuration, isObject, option, resolveOptions } from '../base/options';
import { type ModuleRef, type ResolvedModule, loadExport, resolveModule } from '../process/modules';
import { type WaitOptions } from '../proxy/options';
import { type Home, type SharedType } from './shared-type';
import { Wait, waitingTime } from './wait';
import { WaitingProxy } from './waiting-proxy';

export interface BarrierOptions {
  /** Runs once for each pass: here, if a function; in the manager, if named by its module. */
  readonly action?: ModuleRef | (() => unknown) | undefined;
  /** How long `wait()` waits where it is not told. Default: without end. */
  readonly timeoutMs?: number | undefined;
}

type Action = () => unknown;
/** The parties of one pass, in the order in which they came. */
type Pass = Wait<number>[];

export class BarrierReferent {
  readonly #parties: number;
  readonly #action: Action | undefined;
  readonly #timeMs: number | undefined;
  /** Those of the next pass. */
  #gathering: Pass = [];
  /** Passes that are complete, and whose parties still wait for the action. */
  readonly #complete = new Set<Pass>();
  /** The end of the last action that was begun. */
  #acting: Promise<void> = Promise.resolve();
  #passed = 0;
  #isBroken = false;

  constructor(parties: number, action?: Action, timeMs?: number) {
    this.#parties = requireParties(parties);
    this.#timeMs = waitingTime(true, timeMs);
    this.#action = action;
  }

  parties(): number {
    return this.#parties;
  }
  nWaiting(): number {
    return this.#gathering.length;
  }
  broken(): boolean {
    return this.#isBroken;
  }

  wait(timeMs: number | undefined = this.#timeMs): Promise<number> {
    const limitMs = waitingTime(true, timeMs);
    if (this.#isBroken) throw broken('it was broken before');
    const wait = new Wait<number>(() => {
      this.#break('a party gave up or is gone');
    });
    wait.limit(limitMs, () => {
      this.#break(`a party waited for ${String(limitMs)} ms`);
    });
    this.#gathering.push(wait);
    if (this.#gathering.length === this.#parties) this.#trip();
    return wait.promise;
  }
  abort(): void {
    this.#break('it was aborted');
  }
  /** Breaks it for those who wait, and makes it as new. */
  reset(): void {
    this.#break('it was reset');
    this.#isBroken = false;
    this.#acting = Promise.resolve(); // one that never ends holds up nobody
  }

  /** All are there: from now on nobody is too late. */
  #trip(): void {
    const pass = this.#gathering;
    this.#gathering = [];
    if (this.#action === undefined) {
      this.#release(pass);
      return;
    }
    for (const wait of pass) wait.unlimit();
    this.#complete.add(pass);
    this.#acting = this.#acting.then(() => this.#act(pass));
  }

  async #act(pass: Pass): Promise<void> {
    if (!this.#complete.has(pass)) return; // broken meanwhile
    try {
      await this.#action?.();
    } catch (error) {
      this.#fail(pass, error);
      return;
    }
    if (this.#complete.delete(pass)) this.#release(pass);
  }

  #release(pass: Pass): void {
    this.#passed++;
    for (const [index, wait] of pass.entries()) wait.wake(index);
  }

  /** What the action threw goes to the party that came last, as in Python; the others get it as cause. */
  #fail(pass: Pass, error: unknown): void {
    if (!this.#complete.has(pass)) return;
    if (!isLoss(error)) pass.at(-1)?.fail(error);
    this.#break('its action failed', error);
  }

  #break(why: string, cause?: unknown): void {
    const waits = [...this.#complete, this.#gathering].flat();
    this.#isBroken = true;
    this.#complete.clear();
    this.#gathering = [];
    for (const wait of waits) wait.fail(broken(why, cause));
  }

  [inspect.custom](): string {
    const state = this.#isBroken ? 'broken' : `passed ${String(this.#passed)} times`;
    return `barrier (${String(this.nWaiting())} of ${String(this.#parties)} wait, ${state})`;
  }
}

function broken(why: string, cause?: unknown): BrokenBarrierError {
  return new BrokenBarrierError(
    `The barrier is broken: ${why}; reset() makes it as new`,
    cause === undefined ? {} : { cause },
  );
}

/** The process of the action is gone: no party has lost its connection. */
function isLoss(error: unknown): boolean {
  return error instanceof ConnectionLostError || error instanceof ObjectGoneError;
}

function requireParties(parties: unknown): number {
  if (Number.isInteger(parties) && Number(parties) > 0) return parties as number;
  throw new UsageError('The parties of a barrier are a whole number >= 1');
}

export class BarrierProxy extends WaitingProxy {
  /** Asked for when awaited, as the other two. */
  get parties(): Promise<number> {
    return this.property('parties') as Promise<number>;
  }
  /** How many have come for the next pass. */
  get nWaiting(): Promise<number> {
    return this.property('nWaiting') as Promise<number>;
  }
  get broken(): Promise<boolean> {
    return this.property('broken') as Promise<boolean>;
  }
  /** Waits for all parties: a different number for each, from 0. `BrokenBarrierError`. */
  wait(options?: WaitOptions): Promise<number> {
    return this.waitUpTo('wait', [], options) as Promise<number>;
  }
  /** Breaks it, until `reset()`. */
  abort(): Promise<void> {
    return this.call('abort', []) as Promise<void>;
  }
  /** Makes it as new. Those who wait get `BrokenBarrierError`. */
  reset(): Promise<void> {
    return this.call('reset', []) as Promise<void>;
  }
}

const RULES = {
  action: option<BarrierOptions['action']>(
    undefined,
    (value) => typeof value === 'function' || typeof value === 'string' || isObject(value),
    'a function, or a module: a path or URL, or { module, export }',
  ),
  timeoutMs: option<number | undefined>(undefined, isDuration, 'a number of milliseconds >= 0'),
};

/** What is sent to make a barrier. Throws `UsageError`. */
export function barrierArguments(
  parties: number,
  options: BarrierOptions | undefined,
): readonly unknown[] {
  const { action, timeoutMs } = resolveOptions('a barrier', RULES, options);
  const sent =
    action === undefined || typeof action === 'function' ? action : resolveModule(action);
  return [requireParties(parties), sent, timeoutMs];
}

/** Over a network a client may name only what the manager's option `imports` does. */
async function loadAction(module: ResolvedModule, home: Home | undefined): Promise<Action> {
  home?.requireCode(module.url);
  const action = await loadExport(module);
  if (typeof action === 'function') return action as Action;
  throw new UsageError(`Export "${module.exportName}" of ${module.url} is no function`);
}

/** The action is a function of a client, or named by its module. */
function createBarrier(
  home: Home | undefined,
  parties: number,
  action?: Action | ResolvedModule,
  timeMs?: number,
): BarrierReferent | Promise<BarrierReferent> {
  if (action === undefined || typeof action === 'function') {
    return new BarrierReferent(parties, action, timeMs);
  }
  return loadAction(action, home).then((loaded) => new BarrierReferent(parties, loaded, timeMs));
}

export const barrierType: SharedType = {
  typeid: 'barrier',
  create: createBarrier,
  takesHome: true,
  referentType: BarrierReferent,
  exposed: ['parties', 'nWaiting', 'broken', 'wait', 'abort', 'reset'],
  proxyType: BarrierProxy,
};
