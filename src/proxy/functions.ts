// Functions that are applied to any proxy, so that no name of a remote member is ever taken.

import { UsageError } from '../base/errors';
import { option, isBoolean, isDuration, isCount, resolveOptions } from '../base/options';
import { isPlainArray, isPlainMap, isPlainObject, isPlainSet } from '../wire/plain';
import { type Lease } from '../refs/lease';
import { tokenTextOf } from '../wire/token';
import { BaseProxy } from './base-proxy';
import { calleeOf, forget, letGo, mint } from './handles';
import { type Late, lateOf, useOnce } from './late';
import { type CallOptions, type HandleOptions, SYNC, mergeOptions } from './options';
import {
  type ProxyClass,
  leaseOfHandle,
  makeProxy,
  makeRemoteHandle,
  optionsOf,
  purposeOf,
  realm,
  requireLease,
} from './realm';
import { type Remote } from './remote-types';

/** Gives the reference of a proxy back now; calls through it then reject. */
export function release(proxy: object): void {
  const late = lateOf(proxy);
  if (late === undefined) letGo(proxy, requireLease(proxy));
  else late.binding.release();
}

export function isProxy(value: unknown): boolean {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && (lateOf(value) !== undefined || leaseOfHandle(value) !== undefined);
}

/** Whether both are proxies of one and the same object. */
export function sameReferent(a: unknown, b: unknown): boolean {
  if (!isProxy(a) || !isProxy(b)) return false;
  if (lateOf(a as object) !== undefined || lateOf(b as object) !== undefined) {
    return isSameName(a as object, b as object);
  }
  const left = requireLease(a);
  const right = requireLease(b);
  if (left === right) return true;
  const sameManager =
    left.lessor === right.lessor || calleeOf(left).managerId === calleeOf(right).managerId;
  return sameManager && left.id !== 0 && left.id === right.id;
}

/** What a name stands for may change at any time: only the names can be compared. */
function isSameName(a: object, b: object): boolean {
  const name = lateOf(a)?.binding.describe();
  return name !== undefined && name === lateOf(b)?.binding.describe();
}

/** Another handle of the same referent, with these options for its calls. */
export function withOptions<T extends object>(proxy: T, options: CallOptions): T {
  const late = lateOf(proxy);
  if (late !== undefined) return late.again(mergeOptions(late.options, options)) as T;
  const lease = requireLease(proxy);
  const merged = mergeOptions(optionsOf(proxy), options); // checked before anything is counted
  const copy = calleeOf(lease).duplicate(lease);
  return makeLike(proxy, copy, merged) as T;
}

/**
 * The same referent, with calls that block the thread until they are answered, and answer with what
 * they give: `sync(list)[0]`, `for (const x of sync(list))`.
 */
export function blocking(proxy: object): object {
  const late = lateOf(proxy);
  if (late !== undefined) return blockingLate(proxy, late);
  const lease = requireLease(proxy);
  const options = optionsOf(proxy);
  if (options?.[SYNC] === true) return proxy;
  requireElsewhere(calleeOf(lease).peer);
  return makeLike(proxy, calleeOf(lease).duplicate(lease), { ...options, [SYNC]: true });
}

function blockingLate(proxy: object, { options, binding, again }: Late): object {
  if (options?.[SYNC] === true) return proxy;
  requireElsewhere(binding.address);
  return again({ ...options, [SYNC]: true });
}

/** Throws `UsageError` where this thread is the one that would have to answer. */
export function requireElsewhere(address: string): void {
  if (!realm.serves(address)) return;
  throw new UsageError(
    `Cannot block for the manager at ${address}: it runs in this very thread; use its objects themselves, or await the call`,
  );
}

function makeLike(proxy: object, lease: Lease, options: HandleOptions | undefined): object {
  return proxy instanceof BaseProxy
    ? makeProxy(proxy.constructor as ProxyClass, lease, options)
    : makeRemoteHandle(lease, options, purposeOf(proxy));
}

/** A new object in the manager of `proxy`, made of `args`, whose calls are as those of `proxy`. */
export function makeBeside(proxy: object, typeid: string, args: readonly unknown[]): object {
  const lease = calleeOf(requireLease(proxy)).make(typeid, args);
  return realm.makeHandle(lease, optionsOf(proxy));
}

/** A remote handle of any proxy, with a lease of its own: its members are lazy, and chains are one call. */
export function viewOf(proxy: object): object {
  const late = lateOf(proxy);
  if (late !== undefined) return late.again(late.options, makeView);
  const lease = requireLease(proxy);
  return makeRemoteHandle(calleeOf(lease).duplicate(lease), optionsOf(proxy), purposeOf(proxy));
}

/** A view takes what the proxy takes that it stands in for. */
function makeView(lease: Lease, options?: HandleOptions): object {
  const proxy = realm.makeHandle(lease, options);
  forget(proxy);
  return makeRemoteHandle(lease, options, purposeOf(proxy));
}

/**
 * Tokens, at any depth of plain data, become proxies; everything else is left alone. A proxy that
 * comes back to the process of its referent becomes the referent itself.
 */
export function revive<T>(value: T): T {
  return reviveValue(value, new Map()) as T;
}

function reviveValue(value: unknown, seen: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null || isProxy(value)) return value;
  if (seen.has(value)) return seen.get(value);
  if (!isPlainObject(value) && !isPlainArray(value) && !isPlainMap(value) && !isPlainSet(value))
    return value;
  const text = isPlainObject(value) ? tokenTextOf(value) : undefined;
  if (text !== undefined) {
    const opened = realm.open(text).value;
    seen.set(value, opened);
    return opened;
  }
  seen.set(value, value);
  if (isPlainMap(value)) reviveMap(value, seen);
  else if (isPlainSet(value)) reviveSet(value, seen);
  else reviveFields(value as Record<string, unknown>, seen);
  return value;
}

function reviveMap(map: Map<unknown, unknown>, seen: Map<object, unknown>): void {
  const entries = [...map];
  map.clear();
  for (const [key, item] of entries) map.set(reviveValue(key, seen), reviveValue(item, seen));
}

function reviveSet(set: Set<unknown>, seen: Map<object, unknown>): void {
  const items = [...set];
  set.clear();
  for (const item of items) set.add(reviveValue(item, seen));
}

function reviveFields(fields: Record<string, unknown>, seen: Map<object, unknown>): void {
  for (const [name, field] of Object.entries(fields)) {
    const revived = reviveValue(field, seen);
    if (revived !== field) fields[name] = revived;
  }
}

export interface TokenOptions {
  /** How long the token keeps its referent alive. Default: `limits.ticketMs`; at most a day. */
  readonly ttlMs?: number | undefined;
  /** How often it may be claimed. Default 0: without end. */
  readonly uses?: number | undefined;
  /** Resolve only when the manager has the ticket, so that even a crash right now loses nothing. */
  readonly confirm?: boolean | undefined;
}

const TOKEN_RULES = {
  ttlMs: option<number | undefined>(undefined, isDuration, 'a number of milliseconds >= 0'),
  uses: option(0, isCount, 'a whole number >= 0'),
  confirm: option(false, isBoolean, 'true or false'),
};

/** The token of a proxy as a text: at once in `text`, and as a promise. */
export function tokenOf(
  proxy: object,
  options?: TokenOptions,
): Promise<string> & { readonly text: string } {
  const { ttlMs, uses, confirm } = resolveOptions('tokenOf', TOKEN_RULES, options);
  const late = lateOf(proxy);
  if (late !== undefined && late.binding.lease === undefined)
    return nameToken(late, ttlMs !== undefined || uses > 0);
  const lease = requireLease(proxy);
  const callee = calleeOf(lease);
  const text = mint(lease, { uses, ttlMs: ttlMs ?? callee.ticketMs });
  const answer = confirm ? callee.confirm().then(() => text) : Promise.resolve(text);
  return Object.assign(answer, { text });
}

function nameToken(
  { binding }: Late,
  isLimited: boolean,
): Promise<string> & { readonly text: string } {
  if (isLimited) {
    throw new UsageError(
      'Options "ttlMs" and "uses" of tokenOf() are for objects: the token of a name holds none, and is good as long as the name is',
    );
  }
  const text = binding.token();
  return Object.assign(Promise.resolve(text), { text });
}

/** From now on, in this process, proxies of that typeid are of this class. */
export function registerProxyType(typeid: string, type: new (...args: never[]) => BaseProxy): void {
  if (typeof (type as unknown) !== 'function' || !(type.prototype instanceof BaseProxy)) {
    throw new UsageError(`A proxy type of '${typeid}' must be a class that extends BaseProxy`);
  }
  realm.registerProxyType(typeid, type as never);
}

/** `proxy` whose calls return at once: errors go to the `warning` event of its manager. */
export function oneway<T extends object>(
  proxy: Remote<T>,
): { -readonly [K in keyof T]: OnewayMember<T[K]> };
export function oneway<T extends object>(proxy: T): { [K in keyof T]: OnewayMember<T[K]> };
export function oneway(proxy: object): object {
  const send = senderOf(proxy);
  return new Proxy(Object.create(null) as object, {
    get: (_target, name) =>
      typeof name === 'symbol' || name === 'then'
        ? undefined
        : (...args: unknown[]) => {
            send('call', name, args);
          },
    set: (_target, name, value) => {
      if (typeof name === 'symbol') return false;
      send('set', name, [value]);
      return true;
    },
  });
}

/** Sends an operation; what goes wrong with it is a warning. */
function senderOf(
  proxy: object,
): (operation: 'call' | 'set', name: string, args: readonly unknown[]) => void {
  const late = lateOf(proxy);
  if (late !== undefined) {
    const { binding } = late;
    return (operation, name, args) => {
      useOnce(binding, (_target, { send }) => send(operation, name, args)).catch(
        (error: unknown) => {
          binding.warn(error as Error);
        },
      );
    };
  }
  const lease = requireLease(proxy);
  const callee = calleeOf(lease);
  const purpose = purposeOf(proxy);
  const options = optionsOf(proxy);
  return (operation, name, args) => {
    callee
      .call({ target: lease, operation, path: [], name, args, purpose, held: proxy, ...options })
      .catch((error: unknown) => callee.onWarning?.(error as Error));
  };
}

export type OnewayMember<M> = M extends (...args: infer A) => unknown
  ? (...args: A) => undefined
  : M;
