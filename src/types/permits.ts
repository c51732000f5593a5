// Permits: who holds them, who waits for them, and who is next. A lock has one, a semaphore several.
//
// Rule 1: first come, first served. A permit that is given back goes to the first that waits, in the
//         same turn; nobody overtakes, so a free permit and somebody who waits for it never meet.
// Rule 2: nothing is granted to a caller that has ended; what it held is given back at once, and the
//         next holder is told.
// Rule 3: a grant that its caller never received comes back.
// Rule 4: every grant has a new fence, and is named by it.

import { LockError, NotOwnerError } from '../base/errors';
import { type GrantValues } from '../proxy/held';
import { type Abandoned } from '../proxy/lock-handle';
import { type Caller } from '../session/caller';
import { Delivery } from '../session/delivery';
import { type Fences, managerFences } from './fences';
import { type Owner } from './uses';
import { Wait, firstOf, timedOut } from './wait';

/** What somebody asks for. */
export interface Claim {
  readonly caller: Caller;
  /** Who it is within its process, where it may acquire again what it holds. */
  readonly owner?: Owner | undefined;
  readonly depth?: number | undefined;
  /** It has asked for what a dead holder left, although that is to be refused. */
  readonly takesAbandoned?: boolean | undefined;
}

/** A claim that waits. */
interface Contender extends Claim {
  granted(holding: Holding): void;
  refused(error: Error): void;
}

/** One permit in somebody's hands. */
export class Holding {
  readonly caller: Caller;
  readonly owner: Owner | undefined;
  readonly fence: number;
  readonly abandoned: Abandoned | undefined;
  /** How often its owner has acquired it. */
  depth: number;
  /** Runs when its holder is gone, or never learnt that it holds. */
  onLost: (() => void) | undefined = undefined;

  constructor(claim: Claim, fence: number, abandoned: Abandoned | undefined) {
    this.caller = claim.caller;
    this.owner = claim.owner;
    this.depth = claim.depth ?? 1;
    this.fence = fence;
    this.abandoned = abandoned;
  }

  /** What its holder is sent. */
  get grant(): GrantValues {
    const { fence, abandoned } = this;
    return abandoned === undefined ? [fence] : [fence, abandoned.fence, abandoned.at];
  }
}

export interface PermitsOptions {
  /** For errors. */
  readonly name: string;
  readonly count: number;
  /** More than these there cannot be. */
  readonly bound?: number;
  /** What a dead holder left is refused to all who do not ask for it. */
  readonly rejectsAbandoned?: boolean;
  readonly fences?: Fences | undefined;
}

export class Permits {
  readonly #name: string;
  readonly #bound: number;
  readonly #rejectsAbandoned: boolean;
  readonly #fences: Fences;
  /** By fence, oldest first. */
  readonly #holdings = new Map<number, { readonly holding: Holding; readonly drop: () => void }>();
  readonly #queue = new Set<Contender>();
  /** For each free permit whose holder is gone, and of which nobody was told. */
  readonly #left: Abandoned[] = [];
  #free: number;

  constructor({ name, count, bound, rejectsAbandoned, fences }: PermitsOptions) {
    this.#name = name;
    this.#free = count;
    this.#bound = bound ?? Infinity;
    this.#rejectsAbandoned = rejectsAbandoned ?? false;
    this.#fences = fences ?? managerFences;
  }

  get free(): number {
    return this.#free;
  }
  get waiting(): number {
    return this.#queue.size;
  }
  /** What dead holders left and nobody has taken. */
  get left(): number {
    return this.#left.length;
  }
  /** Oldest first. */
  get holdings(): Holding[] {
    return Array.from(this.#holdings.values(), ({ holding }) => holding);
  }
  /** The oldest holding: of a lock, the only one. */
  get current(): Holding | undefined {
    return firstOf(this.#holdings.values())?.holding;
  }

  holds(fence: number): boolean {
    return this.#holdings.has(fence);
  }

  /** Throws `NotOwnerError` where nothing is held under that fence. */
  require(fence: number): Holding {
    const held = this.#holdings.get(fence);
    if (held !== undefined) return held.holding;
    throw new NotOwnerError(
      `Cannot release the ${this.#name}: it is no longer held under fence ${String(fence)}; somebody else released it, or its holder was gone`,
    );
  }

  /** Throws `TimeoutError`, at once where `timeMs` is 0, and `LockError` for what was left behind. */
  acquire(timeMs: number | undefined, claim: Claim): Delivery | Promise<Delivery> {
    const delivery = this.tryAcquire(claim);
    if (delivery !== undefined) return delivery;
    if (timeMs === 0) throw timedOut(`The ${this.#name} was not free`, 0);
    return this.#wait(timeMs, claim);
  }

  /** Undefined where it would have to wait. */
  tryAcquire(claim: Claim): Delivery | undefined {
    if (this.#free === 0 || this.#queue.size > 0) return undefined;
    if (this.#refuses(claim)) throw this.#leftBehind();
    const holding = this.#hold(claim);
    return this.deliver(holding);
  }

  #wait(timeMs: number | undefined, claim: Claim): Promise<Delivery> {
    const contender: Contender = {
      ...claim,
      granted: (holding) => wait.wake(this.deliver(holding)),
      refused: (error) => wait.fail(error),
    };
    const wait = new Wait<Delivery>(() => {
      this.withdraw(contender);
    }).limit(timeMs, () => {
      this.withdraw(contender);
      wait.fail(timedOut(`The ${this.#name} was not free`, timeMs ?? 0));
    });
    this.#queue.add(contender);
    return wait.promise;
  }

  /** Waits from now on, without end. */
  contend(contender: Contender): void {
    this.#queue.add(contender);
    this.#grantNext();
  }

  withdraw(contender: Contender): void {
    this.#queue.delete(contender);
  }

  /** An answer that says what is held; if it does not arrive, so many levels of it come back. */
  deliver(holding: Holding, answer: unknown = holding.grant, levels = 1): Delivery {
    return new Delivery(answer, (received) => {
      if (!received) this.#giveBack(holding, levels);
    });
  }

  /** Its holder gives it back. Answers whether there was room for it within the bound. */
  end(holding: Holding): boolean {
    this.#remove(holding);
    const hasRoom = this.#free < this.#bound;
    if (hasRoom) this.#free++;
    this.#grantNext();
    return hasRoom;
  }

  /** One more, from nowhere. */
  add(): void {
    this.#free++;
    this.#grantNext();
  }

  /** Nobody knows that it was granted. What a caller has that has ended, it loses with all the rest. */
  #giveBack(holding: Holding, levels: number): void {
    if (holding.caller.ended || !this.#holdings.has(holding.fence)) return;
    holding.depth -= levels;
    if (holding.depth > 0) return;
    if (holding.abandoned !== undefined) this.#left.unshift(holding.abandoned);
    this.#remove(holding);
    this.#free++;
    holding.onLost?.();
    this.#grantNext();
  }

  #lost(holding: Holding): void {
    this.#remove(holding);
    if (this.#free < this.#bound) {
      this.#free++;
      this.#left.push({ fence: holding.fence, at: this.#fences.now() });
    }
    holding.onLost?.();
    this.#grantNext();
  }

  #remove({ fence }: Holding): void {
    this.#holdings.get(fence)?.drop();
    this.#holdings.delete(fence);
  }

  #grantNext(): void {
    for (const contender of this.#queue) {
      if (this.#free === 0) return;
      if (contender.caller.ended) continue; // on its way out of the queue
      this.#queue.delete(contender);
      if (this.#refuses(contender)) contender.refused(this.#leftBehind());
      else contender.granted(this.#hold(contender));
    }
  }

  #hold(claim: Claim): Holding {
    const fence = this.#fences.next();
    const { drop } = claim.caller.hold(() => {
      this.#lost(holding);
    }, 'lock');
    const isTold = !this.#rejectsAbandoned || claim.takesAbandoned === true;
    const holding = new Holding(claim, fence, isTold ? this.#left.shift() : undefined);
    this.#holdings.set(fence, { holding, drop });
    this.#free--;
    return holding;
  }

  /** Where there is nothing but what dead holders left. */
  #refuses(claim: Claim): boolean {
    if (!this.#rejectsAbandoned || claim.takesAbandoned === true) return false;
    return this.#left.length >= this.#free;
  }

  #leftBehind(): LockError {
    return new LockError(
      `The ${this.#name} was left by a holder that is gone: what it protects may be half done; acquire it with { abandoned: 'grant' } to set that right`,
    );
  }
}
