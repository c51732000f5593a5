// Whether and when a call of an object runs: the object may be listening or not, take its calls one
// after another, or wait until its owner takes them.

import { type Operation } from '../wire/frames';
import { type RunningCall } from './current-call';

/** A call that wants in. */
export interface GatedCall {
  readonly operation: Operation;
  readonly running: RunningCall;
  /** The caller has an answer of its own for when nobody listens: it wants no other. */
  readonly hasDefault: boolean;
}

export interface Gate {
  /** Runs `body`, now or later, and answers what it gives. Throws where the call is refused. */
  enter(call: GatedCall, body: () => unknown): unknown;
}
