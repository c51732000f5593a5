// What a proxy calls through: a session with another process, or, for objects that this process has
// exposed, the process itself. Proxies know nothing else of where their referents live.

import { type Lease, type Lessor } from '../refs/lease';
import { type CallRequest, type Fate, type OpenCall } from './outgoing';

/** How often a token may be claimed (0: without end), and how long it keeps its referent alive. */
export interface Wish {
  readonly uses: number;
  readonly ttlMs: number;
}

export abstract class Callee implements Lessor {
  /** For errors and descriptions: where the referents live. */
  abstract readonly peer: string;
  /** The manager of the referents; undefined while it is not known. */
  abstract readonly managerId: string | undefined;
  /** How long a token in JSON keeps its referent alive. */
  abstract readonly ticketMs: number;
  /** Why calls come to nothing; undefined while they may be answered. */
  abstract readonly ended: Error | undefined;
  /** Whether plain values that are read from shared containers are frozen here. */
  abstract readonly freezes: boolean;

  /** Faults that no call can report. */
  onWarning: ((warning: Error) => void) | undefined;
  /** Before each write: lazy chains decide what they want of their answers. */
  beforeFlush: (() => void) | undefined;

  // ---- calls -----------------------------------------------------------------------------------

  /** Resolves with what the call answers. Throws nothing: what is wrong here rejects. */
  abstract call(request: CallRequest): Promise<unknown>;
  /** The same, and further calls in this tick can name its answer, where it has a place. */
  abstract open(request: CallRequest): OpenCall;
  /** The same, blocking the thread. Throws what the call throws. */
  abstract callBlocking(request: CallRequest & { readonly target: Lease }): unknown;
  /** The same without its answer: on its way when this returns, before whatever comes next. */
  abstract post(request: CallRequest & { readonly target: Lease }): void;
  /** Changes the fate of a call's outcome; false where the call has left already. */
  abstract patch(call: OpenCall, fate: Fate): boolean;
  /** The answer of that call is named no more. `replied`: it also came back to this side. */
  abstract forget(callId: number, replied: boolean): void;
  /** A new object beside those that are there. Throws `UsageError` where none can be made. */
  abstract make(typeid: string, args: readonly unknown[]): Lease;

  // ---- references ------------------------------------------------------------------------------

  /** Another lease of what `lease` holds. */
  abstract duplicate(lease: Lease): Lease;
  abstract giveBack(lease: Lease, explicit: boolean): void;
  /** A token for what `lease` holds; undefined where none can be made. */
  abstract mint(lease: Lease, wish: Wish): string | undefined;
  /** Resolves when all that was sent till now was handled. */
  abstract confirm(): Promise<void>;
  /** `listener` runs once, with the end of what is here; not after what is answered was called. */
  abstract whenEnded(listener: (reason: Error) => void): () => void;
}
