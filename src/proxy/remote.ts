// Remote: custom objects seen from afar. Members are lazy: a call is sent when called, a read when
// awaited, and a chain written in one expression leaves in one write and has one reply.
//
//   root     an ordinary object with the token property, so that it can be cloned and sent; its
//            prototype is a JS Proxy that answers every other name. Callable roots are JS Proxies.
//   member   root.a.b: a path that was not asked for yet
//   answer   root.f(): a call that was made; further members name it by its number
//
// An answer with dependents that nobody awaited in its tick is not sent back: the manager keeps it
// under its number until it is forgotten here.

import { inspect } from 'node:util';
import { ObjectGoneError, UsageError } from '../base/errors';
import { type Lease } from '../refs/lease';
import { realCollector } from '../refs/finalizer';
import { orDefault } from '../session/absence';
import { type Callee } from '../session/callee';
import { answered } from '../session/calls';
import { numberOf } from '../session/exchange';
import { perform } from '../session/exposure';
import { deepFreeze } from '../session/freeze';
import { type Answer, type CallRequest, type OpenCall } from '../session/outgoing';
import { type MemberPath, type Purpose } from '../session/parties';
import { Outbox } from '../transport/outbox';
import { type Operation } from '../wire/frames';
import { TOKEN_KEY } from '../wire/token';
import { describeHandle, hold, letGo, calleeOf, tokenProperty, tokenValue } from './handles';
import { type CallOptions } from './options';

/** What makes an answer, on which one can go on. */
type CallOperation = 'call' | 'construct' | 'super';

/** What a root is. */
export interface RootState {
  readonly lease: Lease;
  readonly options: CallOptions | undefined;
  /** What arguments are for: a view of a container takes what the container takes. */
  readonly purpose: Purpose;
  /** A write that failed: the next call rejects with it. */
  failure: unknown;
}

/** What a member or an answer is. */
export interface Link {
  /** The handle at the beginning of the chain, kept alive by its members. */
  readonly root: object;
  readonly state: RootState;
  /** The call whose answer the path starts from; undefined: from the root itself. */
  readonly from: AnswerState | undefined;
  readonly path: readonly string[];
  /** A member's value, once somebody waits for it. */
  promise: Promise<unknown> | undefined;
}

interface AnswerState {
  readonly call: OpenCall;
  /** What it comes to for who awaits it, also where nobody listens. */
  readonly landed: Promise<unknown>;
  /** open: not sent yet. kept: only the manager has it. sent: it comes back. */
  phase: 'open' | 'kept' | 'sent';
  dependents: number;
  awaited: boolean;
}

const roots = new WeakMap<object, RootState>();
const links = new WeakMap<object, Link>();
const forgetter = realCollector<{ readonly callee: Callee; readonly callId: number }>(
  ({ callee, callId }) => {
    callee.forget(callId, false);
  },
);

/** Answered here, at every hop, and never a member: test runners, loggers and engines ask for them. */
const LOCAL_NAMES = new Set([
  'toJSON',
  'constructor',
  'prototype',
  '__proto__',
  'valueOf',
  'toString',
  'toLocaleString',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'inspect',
  'asymmetricMatch',
  '$$typeof',
  'nodeType',
  'tagName',
  '@@__IMMUTABLE_ITERABLE__@@',
  '@@__IMMUTABLE_RECORD__@@',
]);
/** A function is called by these too; an EventEmitter does so with its listeners. */
const FUNCTION_NAMES = new Set(['apply', 'call', 'bind']);
const PROMISE_NAMES = new Set(['then', 'catch', 'finally']);

/** Whether a name is answered here, and is never a member of the remote object. */
export function isLocalName(name: string): boolean {
  return LOCAL_NAMES.has(name) || PROMISE_NAMES.has(name);
}

// ---- making -------------------------------------------------------------------------------------

/** The handle for a lease. Takes the lease. */
export function makeRemote(
  lease: Lease,
  options?: CallOptions,
  purpose: Purpose = 'argument',
): object {
  const root = lease.callable ? makeCallableRoot() : makePlainRoot();
  roots.set(root, { lease, options, purpose, failure: undefined });
  hold(root, lease);
  return root;
}

function makePlainRoot(): object {
  const root = Object.create(rootPrototype) as object;
  Object.defineProperty(root, TOKEN_KEY, TOKEN);
  return root;
}

/** A bound function: the one kind of target with which every trap works. */
function makeCallableRoot(): object {
  const target = nothing.bind(undefined);
  const root = new Proxy(target, callableTraps);
  proxyOf.set(target, root);
  return root;
}

/** The JS Proxy over a bound function. */
const proxyOf = new WeakMap<object, object>();

function proxyFor(target: object): object {
  const proxy = proxyOf.get(target);
  if (proxy === undefined) throw new TypeError('unreachable: every target has its proxy');
  return proxy;
}

function nothing(): undefined {
  return undefined;
}

// `util.inspect` looks at the target of a JS Proxy: bound functions inherit this prototype.
Object.setPrototypeOf(
  nothing,
  Object.create(Function.prototype, {
    [inspect.custom]: {
      value(this: object): string {
        return describeTarget(this);
      },
    },
  }) as object,
);

function describeTarget(target: object): string {
  const proxy = proxyOf.get(target);
  const link = proxy === undefined ? undefined : links.get(proxy);
  if (link !== undefined) return describeLink(link);
  const state = proxy === undefined ? undefined : roots.get(proxy);
  return state === undefined ? '<Remote>' : describeHandle('Remote', state.lease);
}

function describeLink({ path, from, state }: Link): string {
  const name = [from === undefined ? '' : '(answer)', ...path].filter((part) => part !== '');
  return `<member ${name.join('.')} of ${describeHandle('Remote', state.lease)}, not awaited>`;
}

const TOKEN = tokenProperty((handle) => stateOf(handle).lease);

export function leaseOfRemote(value: object): Lease | undefined {
  return roots.get(value)?.lease;
}
export function optionsOfRemote(value: object): CallOptions | undefined {
  return roots.get(value)?.options;
}

export function purposeOfRemote(value: object): Purpose | undefined {
  return roots.get(value)?.purpose;
}

function stateOf(root: object): RootState {
  const state = roots.get(root);
  if (state === undefined)
    throw new UsageError('This object inherits from a remote handle; use the handle itself');
  return state;
}

/** Where a member or answer stands, for sending it as an argument without awaiting it. */
export function pathOfMember(value: object): MemberPath | undefined {
  const link = links.get(value);
  if (link === undefined) return undefined;
  const root = link.state.lease;
  const callee = calleeOf(root);
  const { from, path } = link;
  if (from === undefined) {
    return { lessor: callee, root, target: { kind: 'object', ...numberOf(root) }, path };
  }
  if (!nameable(from)) {
    throw new UsageError('Cannot send a member of an answer that has arrived: await it first');
  }
  from.dependents++;
  return { lessor: callee, root, target: { kind: 'answer', callId: from.call.callId }, path };
}

// ---- traps --------------------------------------------------------------------------------------

const rootPrototype: object = new Proxy(Object.create(null) as object, {
  get: (_target, name, receiver: object) => rootMember(receiver, name),
  set: (_target, name, value, receiver: object) => writeMember(receiver, name, value),
  has: (_target, name) => name === TOKEN_KEY,
  getPrototypeOf: () => null,
});

const callableTraps: ProxyHandler<() => undefined> = {
  get: (target, name) => rootMember(proxyFor(target), name),
  set: (target, name, value) => writeMember(proxyFor(target), name, value),
  has: () => false,
  apply: (target, _self, args: unknown[]) => callLink(rootLink(proxyFor(target)), args, 'call'),
  construct: (target, args: unknown[]) => callLink(rootLink(proxyFor(target)), args, 'construct'),
};

const linkTraps: ProxyHandler<() => undefined> = {
  get: (target, name) => linkMember(linkOf(target), name),
  set: (target, name, value) => {
    const link = linkOf(target);
    if (typeof name === 'symbol') return false;
    assign(link, name, value);
    return true;
  },
  has: () => false,
  apply: (target, _self, args: unknown[]) => callLink(linkOf(target), args, 'call'),
  construct: (target, args: unknown[]) => callLink(linkOf(target), args, 'construct'),
};

function linkOf(target: object): Link {
  const link = links.get(proxyFor(target));
  if (link === undefined) throw new TypeError('unreachable: every target has its link');
  return link;
}

function rootLink(root: object): Link {
  return { root, state: stateOf(root), from: undefined, path: [], promise: undefined };
}

function makeLink(link: Link): object {
  const target = nothing.bind(undefined);
  const proxy = new Proxy(target, linkTraps);
  proxyOf.set(target, proxy);
  links.set(proxy, link);
  return proxy;
}

function rootMember(root: object, name: string | symbol): unknown {
  const state = stateOf(root);
  if (name === inspect.custom) return () => describeHandle('Remote', state.lease);
  if (name === Symbol.dispose) {
    return () => {
      letGo(root, state.lease);
    };
  }
  if (name === Symbol.asyncIterator) return () => iterate(rootLink(root));
  if (typeof name === 'symbol' || PROMISE_NAMES.has(name)) return undefined;
  if (name === 'toJSON') return () => tokenValue(state.lease);
  if (name === 'toString') return () => describeHandle('Remote', state.lease);
  if (name === 'valueOf') return () => root;
  if (state.lease.callable && FUNCTION_NAMES.has(name)) return functionMember(rootLink(root), name);
  if (name === TOKEN_KEY || LOCAL_NAMES.has(name)) return undefined;
  return makeLink({ root, state, from: undefined, path: [name], promise: undefined });
}

function linkMember(link: Link, name: string | symbol): unknown {
  if (name === inspect.custom) return () => describeLink(link);
  if (name === Symbol.asyncIterator) return () => iterate(link);
  if (typeof name === 'symbol') return undefined;
  if (PROMISE_NAMES.has(name)) {
    const promise = land(link);
    return promise[name as 'then'].bind(promise);
  }
  if (FUNCTION_NAMES.has(name)) return functionMember(link, name);
  if (name === 'toString') return () => `[member ${link.path.join('.')}]`;
  if (LOCAL_NAMES.has(name)) return undefined;
  return makeLink({ ...link, path: [...link.path, name], promise: undefined });
}

/** `this` stays with its object: the first argument of each is left out. */
function functionMember(link: Link, name: string): unknown {
  const call = (args: readonly unknown[]): object => callLink(link, args, 'call');
  switch (name) {
    case 'apply':
      return (_self: unknown, args: readonly unknown[] = []) => call(args);
    case 'call':
      return (_self: unknown, ...args: unknown[]) => call(args);
    default:
      return (_self: unknown, ...first: unknown[]) =>
        (...args: unknown[]) =>
          call([...first, ...args]);
  }
}

/** Writes are ordered with the calls around them; a failure rejects the next call. */
function writeMember(root: object, name: string | symbol, value: unknown): boolean {
  if (typeof name === 'symbol') return false;
  const link = rootLink(root);
  assign(link, name, value);
  return true;
}

/** The next call gets the failure in place of its own answer, and says so. */
function assign(link: Link, name: string, value: unknown): void {
  send(link, 'set', name, [value]).catch((error: unknown) => {
    link.state.failure = error;
    calleeOf(link.state.lease).onWarning?.(error as Error);
    if (!(error instanceof Error)) return;
    error.message += ` (from the assignment to "${name}" before; this call was not sent)`;
  });
}

// ---- calls --------------------------------------------------------------------------------------

/** A proxy or a member, for control by name: where operations on it begin. */
export function linkTo(subject: object, state: () => RootState): Link {
  const known = links.get(subject);
  if (known !== undefined) return known;
  const own = roots.get(subject) ?? state();
  return { root: subject, state: own, from: undefined, path: [], promise: undefined };
}

/** What stands at the end of a link, as the class above its own sees it. */
export function superOf(link: Link): object {
  return callLink(link, [], 'super');
}

/** The value at the end of a link: asked for once, when somebody first waits. */
function land(link: Link): Promise<unknown> {
  if (link.promise !== undefined) return link.promise;
  const { from, path } = link;
  if (from !== undefined && path.length === 0 && from.phase !== 'kept') {
    from.awaited = true;
    return (link.promise = answered(from.landed));
  }
  return (link.promise = answered(send(link, 'get', '', [])));
}

/** A call of what stands at the end of `link`. */
function callLink(link: Link, args: readonly unknown[], operation: CallOperation): object {
  const { state, root, path } = link;
  const callee = calleeOf(state.lease);
  const { failure } = state;
  state.failure = undefined;
  const target = failure === undefined ? targetOf(link) : undefined;
  const at = { path: path.slice(0, -1), name: path.at(-1) ?? '' };
  const request = requestOf(link, target ?? state.lease, { operation, ...at, args });
  const call =
    failure !== undefined
      ? rejected(state.lease, failure)
      : target === undefined
        ? later(link, args, operation)
        : callee.open(request);
  const landed = orDefault(request, call.promise);
  const answer: AnswerState = { call, landed, phase: 'open', dependents: 0, awaited: false };
  if (call.place !== undefined) watch(callee, answer); // else its fate is settled
  const proxy = makeLink({ root, state, from: answer, path: [], promise: undefined });
  answers.set(answer, new WeakRef(proxy));
  return proxy;
}

function requestOf(
  { root, state }: Link,
  target: Lease | Answer,
  deed: Pick<CallRequest, 'operation' | 'path' | 'name' | 'args'>,
): CallRequest {
  return { target, ...deed, purpose: state.purpose, held: root, ...state.options };
}

function rejected(root: Lease, failure: unknown): OpenCall {
  return { callId: -1, root, promise: Promise.reject(failure), place: undefined };
}

async function refuse(failure: unknown): Promise<never> {
  return await Promise.reject(failure);
}

/** One operation on what stands at the end of `link`, and what it answers. */
export function send(
  link: Link,
  operation: Operation,
  name: string,
  args: readonly unknown[],
  options?: CallOptions,
): Promise<unknown> {
  const { state } = link;
  const { failure } = state;
  if (failure !== undefined) {
    state.failure = undefined;
    return refuse(failure);
  }
  const target = targetOf(link);
  const at =
    name === ''
      ? { path: link.path.slice(0, -1), name: link.path.at(-1) ?? '' }
      : { path: link.path, name };
  const plain = requestOf(link, target ?? state.lease, { operation, ...at, args });
  const request = options === undefined ? plain : { ...plain, ...options };
  const answer =
    target === undefined
      ? continueFrom(link, (owner) => operate(owner, operation, [...link.path, name], args))
      : calleeOf(state.lease).call(request);
  return orDefault(request, answer);
}

/** What to name in a call on `link`; undefined where its answer comes back to this side first. */
function targetOf(link: Link): Lease | Answer | undefined {
  if (link.from === undefined) return link.state.lease;
  // An object of this side may have to stand in for it: what follows is for that one then.
  if (link.state.options?.fallback !== undefined || !nameable(link.from)) return undefined;
  link.from.dependents++;
  return link.from.call;
}

function nameable(answer: AnswerState): boolean {
  if (answer.phase === 'kept') return true;
  const { place } = answer.call;
  return answer.phase === 'open' && place !== undefined && Outbox.batchOf(place) !== undefined;
}

/** A call on an answer that comes back: it goes on from what landed, a handle or a copy. */
function later(link: Link, args: readonly unknown[], operation: CallOperation): OpenCall {
  const promise = continueFrom(link, (owner) => operate(owner, operation, link.path, args));
  return { callId: -1, root: link.state.lease, promise, place: undefined };
}

/** A default stands for the whole chain, a fallback for the object at its beginning. */
async function continueFrom(link: Link, then: (landed: unknown) => unknown): Promise<unknown> {
  const { from, state } = link;
  if (from === undefined) return await then(undefined);
  from.awaited = true;
  from.landed.catch(nothing); // told by what follows
  const landed = await (state.options?.fallback === undefined ? from.call.promise : from.landed);
  return await then(landed);
}

/** The same operation on a value of this side. */
function operate(
  owner: unknown,
  operation: Operation,
  path: readonly string[],
  args: readonly unknown[],
): unknown {
  const names = path.filter((name) => name !== '');
  if (!HERE.has(operation)) return operateOn(owner, operation, names, args);
  let here = owner;
  let before: unknown;
  for (const name of names) {
    before = here;
    here = (here as Record<string, unknown>)[name];
  }
  if (operation === 'get') return here;
  if (operation === 'set') return Reflect.set(before as object, names.at(-1) ?? '', args[0]);
  if (typeof here !== 'function') throw new TypeError(`${names.join('.')} is not a function`);
  if (operation === 'construct') return Reflect.construct(here, args) as unknown;
  return Reflect.apply(here, before, args);
}

/** What the language has no word for. */
function operateOn(
  owner: unknown,
  operation: Operation,
  path: readonly string[],
  args: readonly unknown[],
): unknown {
  const isHandle = typeof owner === 'object' && owner !== null && roots.has(owner);
  if (isHandle) return send({ ...rootLink(owner), path }, operation, '', args);
  return perform(owner, { operation, path: path.slice(0, -1), name: path.at(-1) ?? '', args });
}

/** What is done to a value of this side as if it were not remote. */
const HERE: ReadonlySet<Operation> = new Set(['get', 'set', 'call', 'construct']);

// ---- answers ------------------------------------------------------------------------------------

const answers = new WeakMap<AnswerState, WeakRef<object>>();
/** Answers of calls that have not left, by whom they go to. */
const open = new WeakMap<Callee, AnswerState[]>();

function watch(callee: Callee, answer: AnswerState): void {
  let waiting = open.get(callee);
  if (waiting === undefined) {
    waiting = [];
    open.set(callee, waiting);
    callee.beforeFlush = () => {
      for (const left of (open.get(callee) ?? []).splice(0)) decide(callee, left);
    };
  }
  waiting.push(answer);
}

/** The tick is over: is the answer wanted here, or only by the calls that name it? */
function decide(callee: Callee, answer: AnswerState): void {
  const { call, dependents, awaited } = answer;
  answer.phase = 'sent';
  if (dependents === 0) return;
  if (!callee.patch(call, { reply: awaited, keep: true })) return;
  if (awaited) {
    callee.forget(call.callId, true);
    return;
  }
  answer.phase = 'kept';
  const proxy = answers.get(answer)?.deref();
  if (proxy === undefined) callee.forget(call.callId, false);
  else forgetter.watch(proxy, { callee, callId: call.callId });
}

// ---- iteration ----------------------------------------------------------------------------------

interface RemoteIterator {
  next(): Promise<IteratorResult<unknown>>;
  return(): Promise<IteratorResult<unknown>>;
}

async function* iterate(link: Link): AsyncGenerator<unknown, void, undefined> {
  const iterator = (await send(link, 'iterate', '', [])) as RemoteIterator | undefined;
  if (iterator === undefined) throw new ObjectGoneError('The iterator is gone');
  const { lease, purpose } = link.state;
  const isFrozen = purpose === 'container' && calleeOf(lease).freezes;
  let finished = false;
  try {
    for (;;) {
      const result = await iterator.next();
      if (result.done === true) {
        finished = true;
        return;
      }
      yield isFrozen ? deepFreeze(result.value) : result.value;
    }
  } finally {
    if (!finished) await iterator.return().catch(nothing); // the loop was left: its own error goes first
  }
}
