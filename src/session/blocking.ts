// The calls of a thread that blocks for their answers: they go down a lane, and with them all that was
// sent before. Callbacks are served meanwhile; the event loop is not.

import { TimeoutError, UsageError, rethrow } from '../base/errors';
import { type Lease } from '../refs/lease';
import { lacksPort } from '../transport/address';
import { type Outbox } from '../transport/outbox';
import { PipeEnd } from '../transport/sync-pipe';
import { Lane, type LaneOptions } from './lane';
import { type BlockingCall, type CallDetails, type CallRequest } from './outgoing';
import { type Blocker, type Session } from './session';

type Request = CallRequest & { readonly target: Lease };

/** How long a goodbye may take. */
const GOODBYE_MS = 100;
/** How often the lane is looked at from the event loop, where it may bring something. */
const LOOK_MS = 1;
const LOOK_MS_MAX = 50;

interface BlockingOptions {
  readonly session: Session;
  readonly outbox: Outbox;
  readonly address: () => string;
  /** What a lane needs, as things stand now. */
  readonly lane: () => LaneOptions;
  /** A call of the manager itself. */
  readonly managing: (name: string, args: readonly unknown[]) => Request;
  readonly claiming: (tokenText: string) => Request;
  /** The event loop connects too, as soon as it turns. */
  readonly wake: () => void;
  /** The claim of `lease` was answered with `handle`. */
  readonly claimed: (lease: Lease, handle: unknown) => void;
  /** The manager was asked to end: that it goes, whatever it still says, is no loss. */
  readonly ending: () => void;
  /** The lane is gone for `error`: the session ends with it, and its calls have their outcome then. */
  readonly broke: (error: unknown) => void;
}

export class Blocking implements Blocker {
  readonly #options: BlockingOptions;
  #lane: Lane | undefined;
  /** How many calls wait for their answers, one inside of the other. */
  #blocked = 0;
  /** Calls that nobody waits for any more, and that have not answered. */
  #unanswered = 0;
  #looking: NodeJS.Timeout | undefined;

  constructor(options: BlockingOptions) {
    this.#options = options;
  }

  /** The thread stands still: what is called here must answer at once. */
  get isBlocked(): boolean {
    return this.#blocked > 0;
  }

  callBlocking(request: Request): unknown {
    const { session, wake } = this.#options;
    this.#requireReady();
    wake();
    const timeoutMs = request.timeoutMs ?? session.callTimeoutMs;
    const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : undefined;
    const call = session.openBlocking(request);
    if (!this.#claimHeld(deadline) || !this.#complete(call, deadline)) {
      const text = `Call of "${request.name}" was not answered within ${String(timeoutMs)} ms`;
      const error = new TimeoutError(text);
      this.#giveUp(call, error);
      throw error;
    }
    if (call.outcome?.kind !== 'throw') return call.outcome?.value;
    const { value } = call.outcome;
    throwHere(value);
  }

  /** On its way when this returns; what goes wrong with it is a warning. */
  post(request: Request): void {
    const { session } = this.#options;
    this.#requireReady();
    session.sendPosted(request);
    this.flush();
  }

  /** A call of the manager itself. */
  manage(name: string, args: readonly unknown[] = [], options: CallDetails = {}): unknown {
    return this.callBlocking({ ...this.#options.managing(name, args), ...options, lane: true });
  }

  /** Blocks until the session is there: ids and tokens exist, and what waited is on its way. */
  open(): void {
    const { session, wake } = this.#options;
    this.#requireWhole();
    wake();
    if (session.ended === undefined) this.flush();
    if (session.ended !== undefined) throw session.ended;
  }

  /** What waits to be sent is on its way when this returns. */
  flush(): void {
    try {
      (this.#lane ??= this.#openLane(undefined))?.send(this.#options.outbox);
    } catch (error) {
      this.#broke(error);
    }
  }

  /** The last words: what no link has sent goes by the lane, if there is one. */
  sendLast(): void {
    const { outbox } = this.#options;
    if (outbox.hasLeft) return;
    try {
      this.#lane?.sendLast(outbox, performance.now() + GOODBYE_MS);
    } catch (error) {
      if (!(error instanceof PipeEnd)) throw error; // the server is gone: it misses nobody
    }
  }

  /**
   * Asks the manager to end. A second time where that was asked for already, and as a call of a blocked
   * thread: others are held back while the answers before them are unread.
   */
  shutdown(drainMs: number): void {
    const { session, managing, address } = this.#options;
    if (session.ended !== undefined || lacksPort(address())) return; // signals end it
    this.post({ ...managing('shutdown', [drainMs]), lane: true });
    this.#options.ending();
  }

  /** Takes what has come so far, for a thread that waits for something else. */
  hear(): void {
    this.#blocked++;
    this.#takeAll();
    this.#blocked--;
  }

  close(): void {
    clearTimeout(this.#looking);
    this.#looking = undefined;
    this.#lane?.close();
    this.#lane = undefined;
  }

  #requireReady(): void {
    this.#requireWhole();
    if (this.#lane !== undefined || !lacksPort(this.#options.address())) return;
    throw new UsageError('Cannot block before the port is known: await manager.start() first', {
      code: 'ERR_REFERENT_NOT_CONNECTED',
    });
  }

  /** Half a message cannot be sent, and what blocks here would come before it. */
  #requireWhole(): void {
    if (!this.#options.outbox.isComposing) return;
    throw new UsageError(
      'Cannot block inside of another call: a getter of one of its arguments uses sync(); read the value before, and give that',
    );
  }

  /** What waits for a claim was sent before. False where the deadline passed before it could leave. */
  #claimHeld(deadline: number | undefined): boolean {
    const { session } = this.#options;
    return session.claimsHeld().every((lease) => this.#claim(lease, deadline));
  }

  #claim(lease: Lease, deadline: number | undefined): boolean {
    const { session, claiming, claimed } = this.#options;
    const { claim } = lease;
    if (claim === undefined) return true;
    const call = session.openBlocking({ ...claiming(claim.tokenText), lane: true });
    if (!this.#complete(call, deadline)) {
      this.#giveUp(call);
      return false;
    }
    const { outcome } = call;
    if (outcome?.kind === 'return') claimed(lease, outcome.value);
    else lease.refused(outcome?.value as Error);
    return true;
  }

  /** False where the deadline passed before the answer came. */
  #complete(call: BlockingCall, deadline: number | undefined): boolean {
    this.#blocked++;
    try {
      while (call.outcome === undefined) {
        const lane = (this.#lane ??= this.#openLane(deadline));
        lane?.send(this.#options.outbox, deadline);
        if (lane?.receive(deadline) !== true) return false;
      }
    } catch (error) {
      this.#broke(error);
    } finally {
      this.#blocked--;
    }
    return true;
  }

  #giveUp(call: BlockingCall, reason?: Error): void {
    if (call.outcome !== undefined) return;
    this.#options.session.giveUp(call, reason);
    this.#lookOutFor(call);
  }

  /** What comes for it, and callbacks before, may lie in the lane when the event loop turns again. */
  #lookOutFor(call: BlockingCall): void {
    this.#unanswered++;
    call.cleanup = () => {
      this.#unanswered--;
    };
    this.#lookSoon(LOOK_MS);
  }

  #lookSoon(waitMs: number): void {
    this.#looking ??= setTimeout(() => {
      this.#looking = undefined;
      this.#takeAll();
      if (this.#unanswered > 0) this.#lookSoon(Math.min(waitMs * 2, LOOK_MS_MAX));
    }, waitMs).unref();
  }

  #broke(error: unknown): void {
    if (error instanceof PipeEnd) this.#takeAll(); // who no longer reads may have said goodbye before
    this.#options.broke(error);
  }

  #takeAll(): void {
    try {
      while (this.#lane?.receive(performance.now()) === true);
    } catch (error) {
      if (error instanceof PipeEnd)
        this.close(); // that was all
      else this.#options.broke(error);
    }
  }

  #openLane(deadline: number | undefined): Lane | undefined {
    return Lane.open(this.#options.lane(), deadline);
  }
}

/** The stack of whoever waits for it here; that of the other side stays in `remoteStack`. */
function throwHere(error: unknown): never {
  if (error instanceof Error) Error.captureStackTrace(error, throwHere);
  rethrow(error);
}
