// What a session may ask of the manager itself: object number 0 of every session.

import { TicketGoneError, TimeoutError } from '../base/errors';
import { currentCall } from '../session/current-call';
import { openExposure, type Exposure } from '../session/exposure';
import { parseToken } from '../wire/token';

export interface ControlParts {
  readonly numberOfObjects: () => number;
  readonly snapshot: () => Snapshot;
  readonly debugInfo: () => string;
  readonly shutdown: (drainMs: number) => void;
  readonly newRange: () => number;
  /** The referent that a token opens, or `'later'`. */
  readonly claim: (text: string) => object | 'later';
  /** Resolves when something has come that a claim may have waited for. */
  readonly nextArrival: (signal: AbortSignal) => Promise<void>;
  readonly claimMs: number;
  readonly names: object;
}

/** A frozen picture of a server. */
export interface Snapshot {
  /** `unpinned`: only a container, or not yet the collector, has it. */
  readonly objects: readonly {
    readonly id: number;
    readonly typeid: string;
    readonly sessions: number;
    readonly names: number;
    readonly tickets: number;
    readonly unpinned: boolean;
    readonly text: string;
  }[];
  readonly sessions: readonly {
    readonly id: number;
    readonly peer: string;
    readonly references: number;
    readonly pendingCalls: number;
    readonly locks: number;
  }[];
  readonly calls: { readonly total: number; readonly running: number };
}

export const CONTROL_EXPOSURE: Exposure = {
  ...openExposure('manager'),
  names: new Set([
    'numberOfObjects',
    'debugInfo',
    'inspect',
    'shutdown',
    'newRange',
    'claim',
    'names',
  ]),
};

export class Control {
  readonly #parts: ControlParts;

  constructor(parts: ControlParts) {
    this.#parts = parts;
  }

  /** What may be asked about names. */
  get names(): object {
    return this.#parts.names;
  }

  numberOfObjects(): number {
    return this.#parts.numberOfObjects();
  }

  debugInfo(): string {
    return this.#parts.debugInfo();
  }

  inspect(): Snapshot {
    return this.#parts.snapshot();
  }

  shutdown(drainMs: number): void {
    this.#parts.shutdown(drainMs);
  }

  newRange(): number {
    return this.#parts.newRange();
  }

  /** The referent that a token names; waits where the token came before what it names. */
  claim(text: string): object | Promise<object> {
    parseToken(text);
    const referent = this.#parts.claim(text);
    return referent === 'later' ? this.#claimLater(text) : referent;
  }

  /** A claim whose caller gave up, or is gone, must not use up a token that comes later. */
  async #claimLater(text: string): Promise<object> {
    const time = AbortSignal.timeout(this.#parts.claimMs);
    const call = currentCall(); // none where it is the argument of a call that has not begun
    const signal = call === undefined ? time : AbortSignal.any([time, call.signal]);
    for (;;) {
      try {
        await this.#parts.nextArrival(signal);
        signal.throwIfAborted();
      } catch (cause) {
        if (!time.aborted) throw cause;
        throw new TicketGoneError(
          'Cannot open the token: its object has not come; the process that made it ended before the manager heard of it',
          { cause: new TimeoutError(`Waited ${String(this.#parts.claimMs)} ms`) },
        );
      }
      const referent = this.#parts.claim(text);
      if (referent !== 'later') return referent;
    }
  }
}
