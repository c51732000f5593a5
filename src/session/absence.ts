// What a call gives when nobody listens to it: what its caller has said for that, or the error.
//
// Rule 1: only where the call certainly did not run. What a method throws, and what was lost on its
//         way back, is told as it is.

import { ConnectionLostError, NotListeningError } from '../base/errors';
import { Lease } from '../refs/lease';
import { type Operation } from '../wire/frames';
import { Callee } from './callee';
import { perform } from './exposure';
import { type CallRequest } from './outgoing';

/** What a caller may say; a key that is there counts, whatever it says. */
export interface Absence {
  /** A function is called, when it is needed. */
  readonly defaultValue?: unknown;
  /** The call runs on this object of the caller's own instead; goes before `defaultValue`. */
  readonly fallback?: object | undefined;
}

export function hasDefault(request: Absence): boolean {
  return request.fallback !== undefined || 'defaultValue' in request;
}

/** The answer, or what stands in for it. */
export function orDefault(request: CallRequest, answer: Promise<unknown>): Promise<unknown> {
  if (!hasDefault(request)) return answer;
  return answer.catch((error: unknown) => insteadOf(error, request));
}

/** The same for a call whose thread is blocked. */
export function orDefaultNow(request: CallRequest, call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return hasDefault(request) ? insteadOf(error, request) : rethrowAs(error);
  }
}

function rethrowAs(error: unknown): never {
  throw error;
}

function insteadOf(error: unknown, request: CallRequest): unknown {
  if (!isAbsent(error, rootOf(request))) throw error;
  return request.fallback === undefined
    ? valueOf(request.defaultValue, request.operation)
    : perform(request.fallback, request);
}

/** What was given as a default: the value, or what the function answers; as the operation tells it. */
export function valueOf(given: unknown, operation: Operation): unknown {
  const value: unknown = typeof given === 'function' ? Reflect.apply(given, undefined, []) : given;
  return operation === 'peek' ? [false, value] : value;
}

function rootOf({ target }: CallRequest): Lease {
  return target instanceof Lease ? target : target.root;
}

/** Of this very object, and not of one that its method has called. */
function isAbsent(error: unknown, root: Lease): boolean {
  const callee = root.lessor instanceof Callee ? root.lessor : undefined;
  if (error instanceof NotListeningError)
    return error.referent === nameOf(callee?.managerId, root.id);
  const isUnsent = error instanceof ConnectionLostError && error.outcome === 'not-sent';
  return isUnsent && (callee?.ended !== undefined || root.failure === error);
}

/** An object, as an error names it: by its manager and its number. */
export function nameOf(manager: string | undefined, id: number): string {
  return `${manager ?? ''}/${id.toString(36)}`;
}
