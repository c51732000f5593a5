// What locks, semaphores and conditions must do, said once more and plainly: lists, and no callbacks.
// `LockRun` takes random steps with the real thing and with this, and compares after each.
//
//   L1  no more holders than permits             L3  nothing is granted to who is gone
//   L4  no notification is lost                  L5  fences increase, grant by grant
//   L6  who waits and could have it, has it      and nobody overtakes
//
// The comparison of every attempt with the model checks L1, L3, L4, L6 and the order; L5 is checked by itself.
import { HOLDS } from '../../src/session/guard';
import { Fences } from '../../src/types/fences';
import { ConditionReferent } from '../../src/types/condition';
import { LockReferent } from '../../src/types/lock';
import { RLockReferent } from '../../src/types/rlock';
import { SemaphoreReferent } from '../../src/types/semaphore';
import { type Attempt, Client, settled } from './lock-clients';

export type Kind =
  'lock' | 'rlock' | 'semaphore' | 'boundedSemaphore' | 'condition' | 'lock condition';
const LOCK_STEPS = [
  ...(['acquire', 'acquire', 'acquire', 'try', 'confirm', 'lose', 'cancel'] as const),
  ...(['release', 'release', 'stale release', 'bare release', 'die', 'advance'] as const),
] as const;
const CONDITION_STEPS = ['wait', 'wait', 'wait', 'wait', 'notify', 'notify', 'interrupt'] as const;

export function stepsOf(kind: Kind): readonly Step[0][] {
  return kind.endsWith('condition') ? [...LOCK_STEPS, ...CONDITION_STEPS] : LOCK_STEPS;
}

type Name = (typeof LOCK_STEPS | typeof CONDITION_STEPS)[number];
/** What to do, with whom, and how. */
export type Step = readonly [what: Name, who: number, how: number];

const PERMITS = 2;
const CLIENTS = 3;

interface Holder {
  readonly client: Client;
  readonly owner: number | undefined;
  /** Acquisitions of it that were not released. */
  readonly levels: Attempt[];
  /** How many of them it had when it was granted. */
  readonly restored: number;
  fence: number;
  abandoned: number | undefined;
  notified: boolean;
}

interface Waiter {
  readonly attempt: Attempt;
  readonly client: Client;
  readonly owner: number | undefined;
  readonly levels: Attempt[];
  deadline: number;
  /** Of one who waits on a condition. */
  why: string | undefined;
}

export class LockRun {
  readonly #kind: Kind;
  readonly #bound: number;
  readonly #real: any;
  readonly #clients = Array.from({ length: CLIENTS }, (_, i) => new Client(`client ${i}`));
  #now = 0;
  #free: number;
  #holders: Holder[] = [];
  #queue: Waiter[] = [];
  #sleepers: Waiter[] = [];
  /** Fences that dead holders left. */
  #left: number[] = [];
  #tickets = new Map<Attempt, number>();
  readonly #expected = new Map<Attempt, Attempt['state']>();
  /** Granted in this step, in this order. */
  #granted: { attempt: Attempt; holder: Holder; abandoned: number | undefined; why?: string }[] =
    [];
  #lastFence = 0;

  constructor(kind: Kind) {
    this.#kind = kind;
    const isSemaphore = kind === 'semaphore' || kind === 'boundedSemaphore';
    this.#free = isSemaphore ? PERMITS : 1;
    this.#bound = kind === 'boundedSemaphore' ? PERMITS : isSemaphore ? Infinity : 1;
    const fences = new Fences(() => this.#now);
    if (isSemaphore) {
      const isBounded = kind === 'boundedSemaphore';
      this.#real = new SemaphoreReferent(PERMITS, { isBounded }, fences);
    } else if (kind === 'lock') this.#real = new LockReferent({}, fences);
    else if (kind === 'rlock') this.#real = new RLockReferent({}, fences);
    else if (kind === 'condition')
      this.#real = new ConditionReferent(new RLockReferent({}, fences));
    else this.#real = new ConditionReferent(new LockReferent({}, fences));
  }

  get #isReentrant(): boolean {
    return this.#kind === 'rlock' || this.#kind === 'condition';
  }

  async take([what, who, how]: Step): Promise<void> {
    this.#granted = [];
    const client = this.#clients[who % CLIENTS]!;
    switch (what) {
      case 'acquire':
        this.#acquire(client, [undefined, 0, 2, 5][how % 4], how % 3);
        break;
      case 'try':
        this.#try(client, how % 3);
        break;
      case 'confirm':
        this.#unconfirmed(how)?.confirm(true);
        break;
      case 'lose':
        this.#lose(how);
        break;
      case 'cancel':
        this.#cancel(how);
        break;
      case 'release':
        this.#release(who, how);
        break;
      case 'stale release':
        this.#expect(
          client.call(() => this.#real._release(-1) as unknown),
          'failed',
        );
        break;
      case 'bare release':
        this.#bareRelease(client, how % 3);
        break;
      case 'die':
        this.#die(who % CLIENTS);
        break;
      case 'advance':
        this.#advance(1 + (how % 6));
        break;
      case 'wait':
        this.#wait(...this.#mostlyHolder(client, how), [undefined, 2, 5][how % 3]);
        break;
      case 'notify':
        this.#notifyBy(...this.#mostlyHolder(client, how), how % 4);
        break;
      case 'interrupt':
        this.#interrupt(how);
        break;
    }
    await this.#check();
  }

  /** All die: nothing is held and nobody waits. */
  async end(): Promise<void> {
    for (let i = 0; i < CLIENTS; i++) {
      this.#granted = [];
      this.#die(i);
      await this.#check();
    }
    if (this.#holders.length + this.#queue.length + this.#sleepers.length > 0) {
      throw new Error('the model itself has holders left');
    }
    for (const { caller } of this.#clients) if (caller.waiting > 0) throw new Error('one waits');
  }

  // ---- steps -----------------------------------------------------------------------------------

  #owner(number: number): number | undefined {
    return this.#isReentrant && number > 0 ? number : undefined;
  }

  #acquire(client: Client, timeMs: number | undefined, number: number): void {
    const owner = this.#owner(number);
    const attempt = client.call(() => this.#real.acquire(timeMs, false, owner, callers(owner)));
    if (this.#enter(client, owner, attempt)) return;
    if (timeMs === 0) {
      this.#expect(attempt, 'failed');
      return;
    }
    this.#expect(attempt, 'waiting');
    const deadline = timeMs === undefined ? Infinity : this.#now + timeMs;
    const levels = [attempt];
    this.#queue.push({ attempt, client, owner, levels, deadline, why: undefined });
  }

  #try(client: Client, number: number): void {
    const owner = this.#owner(number);
    const attempt = client.call(() => this.#real.tryAcquire(owner, callers(owner)));
    if (!this.#enter(client, owner, attempt)) this.#expect(attempt, 'done');
  }

  #enter(client: Client, owner: number | undefined, attempt: Attempt): boolean {
    const own = this.#holders.find((one) => one.client === client && one.owner === owner);
    if (owner !== undefined && own !== undefined) {
      own.levels.push(attempt);
      this.#expect(attempt, 'done');
      return true;
    }
    if (this.#free === 0 || this.#queue.length > 0) return false;
    const levels = [attempt];
    this.#grant({ attempt, client, owner, levels, deadline: Infinity, why: undefined });
    return true;
  }

  #unconfirmed(how: number): Attempt | undefined {
    const all = [...this.#expected.keys()].filter(
      ({ delivery, client }) => delivery !== undefined && !client.caller.ended,
    );
    return all[how % all.length];
  }

  /** A grant crosses the news that its caller gave up. */
  #lose(how: number): void {
    const attempt = this.#unconfirmed(how);
    if (attempt === undefined) return;
    const isWait = this.#tickets.has(attempt);
    const holder = this.#holders.find(
      (one) => (isWait && one.fence === fenceOf(attempt)) || one.levels.includes(attempt),
    );
    attempt.confirm(false);
    if (holder === undefined) return; // released meanwhile
    if (isWait)
      holder.levels.splice(0, holder.restored); // not what was acquired since
    else holder.levels.splice(holder.levels.indexOf(attempt), 1);
    if (holder.levels.length > 0) return;
    if (holder.abandoned !== undefined) this.#left.unshift(holder.abandoned);
    this.#remove(holder);
    this.#free++;
    if (holder.notified) this.#notify(1);
    this.#grantNext();
  }

  #cancel(how: number): void {
    const waiting = [...this.#queue, ...this.#sleepers];
    const waiter = waiting[how % waiting.length];
    if (waiter === undefined) return;
    waiter.attempt.running.abort(new Error('cancelled'));
    this.#gone(waiter);
  }

  #gone(waiter: Waiter): void {
    this.#expect(waiter.attempt, 'failed');
    this.#sleepers = this.#sleepers.filter((one) => one !== waiter);
    this.#queue = this.#queue.filter((one) => one !== waiter);
    if (waiter.why === 'notified') this.#notify(1);
  }

  #release(who: number, how: number): void {
    const holder = this.#holders[how % this.#holders.length];
    if (holder === undefined) return;
    this.#confirm(holder);
    // Who releases by the handle does not matter: the fence says which holding is meant.
    const client = this.#clients[who % CLIENTS]!;
    const isBeyond = holder.levels.length === 1 && this.#free >= this.#bound;
    const attempt = client.call(() => this.#real._release(holder.fence) as unknown);
    this.#expect(attempt, isBeyond ? 'failed' : 'done');
    holder.levels.pop();
    if (holder.levels.length === 0) this.#endHolding(holder);
  }

  /** Whoever uses what he holds has heard that he holds it. */
  #confirm(holder: Holder | undefined): void {
    for (const attempt of this.#expected.keys()) {
      const isOfIt = attempt.delivery !== undefined && fenceOf(attempt) === holder?.fence;
      if (isOfIt) attempt.confirm(true);
    }
  }

  #bareRelease(client: Client, number: number): void {
    const owner = this.#owner(number);
    if (this.#isReentrant) this.#confirm(this.#heldBy(client, owner));
    const isSemaphore = this.#kind.toLowerCase().endsWith('semaphore');
    const count = 1 + (number % 2);
    const attempt = client.call(() => this.#real.release(isSemaphore ? count : callers(owner)));
    if (isSemaphore) {
      this.#releasePermits(client, count, attempt);
      return;
    }
    const mine = (one: Holder): boolean =>
      !this.#isReentrant || (owner !== undefined && one.client === client && one.owner === owner);
    const holder = this.#holders.find(mine);
    this.#expect(attempt, holder === undefined ? 'failed' : 'done');
    holder?.levels.pop();
    if (holder?.levels.length === 0) this.#endHolding(holder);
  }

  #releasePermits(client: Client, count: number, attempt: Attempt): void {
    const isBeyond = this.#free + count > this.#bound;
    this.#expect(attempt, isBeyond ? 'failed' : 'done');
    if (isBeyond) return;
    const own = this.#holders.filter((one) => one.client === client).slice(0, count);
    for (const holder of own) this.#endHolding(holder);
    for (let i = own.length; i < count; i++) {
      this.#free++;
      this.#grantNext();
    }
  }

  #die(index: number): void {
    const client = this.#clients[index]!;
    const attempts = [...client.attempts];
    client.end();
    this.#clients[index] = new Client(client.name);
    for (const attempt of attempts) {
      const waiter = [...this.#queue, ...this.#sleepers].find((one) => one.attempt === attempt);
      if (waiter !== undefined) this.#gone(waiter);
    }
    for (const holder of this.#holders.filter((one) => one.client === client)) {
      this.#remove(holder);
      if (this.#free < this.#bound) {
        this.#free++;
        this.#left.push(holder.fence);
      }
      if (holder.notified) this.#notify(1);
      this.#grantNext();
    }
  }

  #advance(ms: number): void {
    this.#now += ms;
    const order = [...this.#expected.keys()];
    const due = [...this.#queue, ...this.#sleepers]
      .filter(({ deadline }) => deadline <= this.#now)
      .sort(
        (a, b) => a.deadline - b.deadline || order.indexOf(a.attempt) - order.indexOf(b.attempt),
      );
    jest.advanceTimersByTime(ms);
    for (const waiter of due) {
      // One that was notified by the end of another is in time.
      if (waiter.deadline === Infinity) continue;
      if (this.#sleepers.includes(waiter)) this.#rouse(waiter, 'expired');
      else if (this.#queue.includes(waiter)) this.#gone(waiter);
    }
  }

  /** Who may wait and notify; sometimes somebody else. */
  #mostlyHolder(client: Client, how: number): [Client, number | undefined] {
    const [holder] = this.#holders;
    if (holder === undefined || how === 0) return [client, this.#owner(how % 3)];
    return [holder.client, holder.owner];
  }

  #wait(client: Client, owner: number | undefined, timeMs: number | undefined): void {
    const holder = this.#heldBy(client, owner);
    this.#confirm(holder);
    const ticket = this.#tickets.size + 1;
    const attempt = client.call(() => this.#real.wait(timeMs, callers(owner), ticket) as unknown);
    this.#tickets.set(attempt, ticket);
    this.#expect(attempt, holder === undefined ? 'failed' : 'waiting');
    if (holder === undefined) return;
    const deadline = timeMs === undefined ? Infinity : this.#now + timeMs;
    const { levels } = holder;
    this.#sleepers.push({ attempt, client, owner: holder.owner, levels, deadline, why: undefined });
    this.#endHolding(holder);
  }

  #heldBy(client: Client, owner: number | undefined): Holder | undefined {
    const [holder] = this.#holders;
    if (holder?.client !== client) return undefined;
    return holder.owner === undefined || holder.owner === owner ? holder : undefined;
  }

  #notifyBy(client: Client, owner: number | undefined, count: number): void {
    const attempt = client.call(() =>
      count === 3
        ? (this.#real.notifyAll(callers(owner)) as unknown)
        : (this.#real.notify(count, callers(owner)) as unknown),
    );
    const isHeld = this.#heldBy(client, owner) !== undefined;
    this.#expect(attempt, isHeld ? 'done' : 'failed');
    if (isHeld) this.#notify(count === 3 ? Infinity : count);
  }

  #interrupt(how: number): void {
    const waits = [...this.#tickets].filter(([{ client }]) => !client.caller.ended);
    const [attempt, ticket] = waits[how % waits.length] ?? [];
    if (attempt === undefined) return;
    this.#expect(
      attempt.client.call(() => this.#real._interrupt(ticket) as unknown),
      'done',
    );
    const sleeper = this.#sleepers.find((one) => one.attempt === attempt);
    if (sleeper !== undefined) this.#rouse(sleeper, 'interrupted');
  }

  // ---- what follows ----------------------------------------------------------------------------

  #expect(attempt: Attempt, state: Attempt['state']): void {
    this.#expected.set(attempt, state);
  }

  #notify(count: number): void {
    for (const sleeper of this.#sleepers.filter(isAlive).slice(0, count)) {
      this.#rouse(sleeper, 'notified');
    }
  }

  #rouse(sleeper: Waiter, why: string): void {
    this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
    sleeper.why = why;
    sleeper.deadline = Infinity;
    this.#queue.push(sleeper);
    this.#grantNext();
  }

  #endHolding(holder: Holder): void {
    this.#remove(holder);
    if (this.#free < this.#bound) this.#free++;
    this.#grantNext();
  }

  #remove(holder: Holder): void {
    this.#holders = this.#holders.filter((one) => one !== holder);
  }

  #grantNext(): void {
    while (this.#free > 0) {
      const next = this.#queue.find(isAlive);
      if (next === undefined) return;
      this.#queue = this.#queue.filter((one) => one !== next);
      this.#grant(next);
    }
  }

  #grant({ attempt, client, owner, levels, why }: Waiter): void {
    this.#free--;
    const abandoned = this.#left.shift();
    const notified = why === 'notified';
    const restored = levels.length;
    const holder = { client, owner, levels, restored, fence: 0, abandoned, notified };
    this.#holders.push(holder);
    this.#expect(attempt, 'done');
    this.#granted.push({ attempt, holder, abandoned, ...(why === undefined ? {} : { why }) });
  }

  // ---- comparing -------------------------------------------------------------------------------

  async #check(): Promise<void> {
    await settled();
    for (const [attempt, state] of this.#expected) {
      if (attempt.state === state) continue;
      const why = attempt.error === undefined ? '' : `: ${String(attempt.error as Error)}`;
      throw new Error(`${attempt.client.name}: ${attempt.state}, and should be ${state}${why}`);
    }
    for (const { attempt, holder, abandoned, why } of this.#granted) {
      if (attempt.client.caller.ended) throw new Error('granted to who is gone');
      const value = attempt.value as unknown[];
      const grant = (why === undefined ? value : value.slice(2)) as number[];
      if (why !== undefined && value[0] !== why) throw new Error(`${String(value[0])}, not ${why}`);
      if (grant[0]! <= this.#lastFence) throw new Error('a fence did not increase');
      if (grant[1] !== abandoned) throw new Error(`told of ${grant[1]}, not of ${abandoned}`);
      this.#lastFence = grant[0]!;
      holder.fence = grant[0]!;
    }
    for (const { fence } of this.#holders) {
      if (this.#real[HOLDS](fence) !== true) throw new Error(`fence ${fence} is not held`);
    }
  }
}

function callers(owner: number | undefined): number[] {
  return owner === undefined ? [] : [owner];
}

function isAlive({ client }: Waiter): boolean {
  return !client.caller.ended;
}

function fenceOf({ value }: Attempt): number {
  const [first, , third] = value as (number | string)[];
  return Number(typeof first === 'string' ? third : first);
}
