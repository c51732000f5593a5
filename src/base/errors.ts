// Every error class of this package.
//
// ReferentError                     base of all; has `code`
// ├─ UsageError                     the caller here did something wrong
// ├─ ProtocolError                  the peer did something wrong; its connection is closed
// │  └─ AuthenticationError         … while proving who it is
// ├─ SerializationError             a value cannot cross
// ├─ RemoteError                    the referent's method threw, or the server refused
// │  └─ MethodNotExposedError       … because the member may not be reached
// ├─ ConnectionLostError            the connection ended before the answer came
// │  └─ ManagerDiedError            … because the manager's process ended
// ├─ ProcessDiedError               a child process ended without a result
// ├─ StaleManagerError              the reference names a manager that is no longer there
// ├─ TicketGoneError                the token's ticket is spent, expired or not genuine
// ├─ ObjectGoneError                the referent, or the session that held it, is gone
// ├─ NotListeningError              the referent is there, and takes no calls now
// ├─ TimeoutError                   no answer in time
// ├─ LimitError                     a limit of `limits` was reached
// ├─ LockError                      a lock, permit or condition was used against its rules
// │  ├─ NotOwnerError               … by who does not hold it
// │  ├─ FenceError                  … by a guard whose holding is over
// │  └─ BrokenBarrierError          … because the barrier is broken
// ├─ QueueFullError                 no room came in time
// ├─ QueueEmptyError                no item came in time
// └─ QueueShutdownError             the queue was shut down

export interface RemoteErrorOptions extends ErrorOptions {
  /** The name of the error's class where it was thrown. */
  readonly remoteName?: string;
}

export class ReferentError extends Error {
  /** Stable; `docs/errors.md` has a paragraph for each. */
  readonly code: string = 'ERR_REFERENT';
  /** The stack where the error was thrown, if that was in another process. */
  declare readonly remoteStack?: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    // Not a field of the class, so that printing an error shows no second name.
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true });
  }
}

export class UsageError extends ReferentError {
  override readonly code: string;

  constructor(message: string, options?: ErrorOptions & { readonly code?: string }) {
    super(message, options);
    this.code = options?.code ?? 'ERR_REFERENT_USAGE';
  }
}

export class ProtocolError extends ReferentError {
  override readonly code: string = 'ERR_REFERENT_PROTOCOL';
}

export class AuthenticationError extends ProtocolError {
  override readonly code = 'ERR_REFERENT_AUTHENTICATION';
}

export class SerializationError extends ReferentError {
  override readonly code = 'ERR_REFERENT_SERIALIZATION';
}

export class RemoteError extends ReferentError {
  override readonly code: string = 'ERR_REFERENT_REMOTE';
  readonly remoteName: string;

  constructor(message: string, options?: RemoteErrorOptions) {
    super(message, options);
    this.remoteName = options?.remoteName ?? 'Error';
  }
}

export class MethodNotExposedError extends RemoteError {
  override readonly code = 'ERR_REFERENT_METHOD_NOT_EXPOSED';
}

export class ConnectionLostError extends ReferentError {
  override readonly code: string = 'ERR_REFERENT_CONNECTION_LOST';
  /** Whether the call may have run: `'not-sent'` means that it certainly did not. */
  readonly outcome: 'not-sent' | 'unknown';

  constructor(
    message: string,
    options?: ErrorOptions & { readonly outcome?: 'not-sent' | 'unknown' },
  ) {
    super(message, options);
    this.outcome = options?.outcome ?? 'unknown';
  }
}

export interface ExitOptions extends ErrorOptions {
  readonly outcome?: 'not-sent' | 'unknown';
  readonly exitCode?: number | null;
  readonly signal?: NodeJS.Signals | null;
}

export class ManagerDiedError extends ConnectionLostError {
  override readonly code = 'ERR_REFERENT_MANAGER_DIED';
  /** Null where it is not known: only the process that started the manager learns it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;

  constructor(message: string, options?: ExitOptions) {
    super(message, options);
    this.exitCode = options?.exitCode ?? null;
    this.signal = options?.signal ?? null;
  }
}

export class ProcessDiedError extends ReferentError {
  override readonly code = 'ERR_REFERENT_PROCESS_DIED';
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;

  constructor(message: string, options?: ExitOptions) {
    super(message, options);
    this.exitCode = options?.exitCode ?? null;
    this.signal = options?.signal ?? null;
  }
}

export class StaleManagerError extends ReferentError {
  override readonly code = 'ERR_REFERENT_STALE_MANAGER';
}

export class TicketGoneError extends ReferentError {
  override readonly code = 'ERR_REFERENT_TICKET_GONE';
}

export class ObjectGoneError extends ReferentError {
  override readonly code = 'ERR_REFERENT_OBJECT_GONE';
}

export class NotListeningError extends ReferentError {
  override readonly code = 'ERR_REFERENT_NOT_LISTENING';
  /** Which object does not listen: a method may have called another one. */
  readonly referent: string | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly referent?: string }) {
    super(message, options);
    this.referent = options?.referent;
  }
}

export class TimeoutError extends ReferentError {
  override readonly code = 'ERR_REFERENT_TIMEOUT';
}

export class LimitError extends ReferentError {
  override readonly code = 'ERR_REFERENT_LIMIT';
}

export class LockError extends ReferentError {
  override readonly code: string = 'ERR_REFERENT_LOCK';
}

export class NotOwnerError extends LockError {
  override readonly code = 'ERR_REFERENT_NOT_OWNER';
}

export class FenceError extends LockError {
  override readonly code = 'ERR_REFERENT_FENCE';
}

export class BrokenBarrierError extends LockError {
  override readonly code = 'ERR_REFERENT_BROKEN_BARRIER';
}

export class QueueFullError extends ReferentError {
  override readonly code = 'ERR_REFERENT_QUEUE_FULL';
}

export class QueueEmptyError extends ReferentError {
  override readonly code = 'ERR_REFERENT_QUEUE_EMPTY';
}

export class QueueShutdownError extends ReferentError {
  override readonly code = 'ERR_REFERENT_QUEUE_SHUTDOWN';
}

/** The loss of a connection, for one more call: each has an error, and so a stack, of its own. */
export function again(
  reason: Error,
  outcome = reason instanceof ConnectionLostError ? reason.outcome : undefined,
): Error {
  const options = {
    ...(reason.cause === undefined ? {} : { cause: reason.cause }),
    ...(outcome === undefined ? {} : { outcome }),
  };
  if (reason instanceof ManagerDiedError) {
    const { exitCode, signal } = reason;
    return new ManagerDiedError(reason.message, { ...options, exitCode, signal });
  }
  return reason instanceof ConnectionLostError
    ? new ConnectionLostError(reason.message, options)
    : reason;
}

/** The same for a call of which no byte has left this process. */
export function asNotSent(reason: Error): Error {
  return again(reason, 'not-sent');
}

/** Throws what somebody else threw, whatever it is. */
export function rethrow(error: unknown): never {
  throw error;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
