// Late-bound handles: each use of one goes to what its name, or its module, stands for at that moment.
// What that is, and so which class its proxy has, is known only when it was asked for; therefore every
// member answers one kind of object, which can be called, awaited, iterated and reached into.
//
//   handle   an ordinary object with the token property, as the root of a Remote
//   member   handle.a.b: nothing was sent yet
//   answer   handle.f(), and whatever is reached of it: all of that is one use, of one object

import { inspect } from 'node:util';
import { UsageError } from '../base/errors';
import { TOKEN_KEY } from '../wire/token';
import { type HandleOptions } from './options';
import { isLocalName } from './remote';
import { type MakeHandle } from './source';
import { type Binding, type Sender, Use } from './use';

/** What a late-bound handle is. */
export interface Late {
  readonly binding: Binding;
  /** Another handle of the same, with these options and perhaps another kind of proxy. */
  readonly again: (options: HandleOptions | undefined, makeHandle?: MakeHandle) => object;
  readonly options: HandleOptions | undefined;
}

const handles = new WeakMap<object, Late>();

export function lateOf(value: object): Late | undefined {
  return handles.get(value);
}

/** From now on `handle` is known as that; for the blocking kind. */
export function standFor(handle: object, late: Late): void {
  handles.set(handle, late);
}

export function makeLate(late: Late): object {
  const handle = Object.create(prototype) as object;
  Object.defineProperty(handle, TOKEN_KEY, TOKEN);
  handles.set(handle, late);
  return handle;
}

function bindingOf(handle: object): Binding {
  const late = handles.get(handle);
  if (late !== undefined) return late.binding;
  throw new UsageError('This object inherits from a named handle; use the handle itself');
}

const TOKEN: PropertyDescriptor = {
  enumerable: true,
  configurable: false,
  get(this: object): string {
    return bindingOf(this).token();
  },
};

const prototype: object = new Proxy(Object.create(null) as object, {
  get: (_target, name, handle: object) => handleMember(handle, name),
  set: (_target, name, value, handle: object) => {
    if (typeof name === 'symbol') return false;
    write(bindingOf(handle), name, value);
    return true;
  },
  has: (_target, name) => name === TOKEN_KEY,
  getPrototypeOf: () => null,
});

function handleMember(handle: object, name: string | symbol): unknown {
  const binding = bindingOf(handle);
  if (name === inspect.custom || name === 'toString') return () => binding.describe();
  if (name === Symbol.dispose) return () => binding.release();
  if (name === Symbol.asyncIterator) return () => startUse(binding, itself).iterate();
  if (name === 'typeid') return binding.typeid;
  if (name === 'toJSON') return () => ({ [TOKEN_KEY]: binding.token() });
  if (name === 'valueOf') return () => handle;
  if (name === 'toStringRemote') return () => textOf(binding);
  if (typeof name === 'symbol' || isLocalName(name)) return undefined;
  return makeMember({ binding, answer: undefined, path: [name], value: undefined });
}

/** The text of what it stands for; never rejects. */
async function textOf(binding: Binding): Promise<unknown> {
  try {
    return await startUse(binding, (_target, { send }) => send('text', '', [])).settled();
  } catch (error) {
    return `${binding.describe()} (${error instanceof Error ? error.name : 'error'})`;
  }
}

/** `handle.x = 1`: what goes wrong is a warning. */
function write(binding: Binding, name: string, value: unknown): void {
  startUse(binding, (_target, { send }) => send('set', name, [value]))
    .settled()
    .catch((error: unknown) => binding.warn(error as Error));
}

// ---- members ------------------------------------------------------------------------------------

/** What stands at the end of a path, from the handle or from an answer. */
interface Member {
  readonly binding: Binding;
  /** Undefined: of the handle itself. */
  readonly answer: Use | undefined;
  readonly path: readonly string[];
  /** Its value, once somebody waits for it. */
  value: Use | undefined;
}

const members = new WeakMap<object, Member>();

function makeMember(member: Member): object {
  // What a call answers is no function itself: test runners take a function for one that makes a promise.
  const isAnswer = member.answer !== undefined && member.path.length === 0;
  const target = isAnswer ? (Object.create(ANSWER) as object) : nothing.bind(undefined);
  members.set(target, member);
  return new Proxy(target, memberTraps);
}

/** `util.inspect` asks the target of a JS Proxy. */
const ANSWER: object = Object.create(null, {
  [inspect.custom]: {
    value(this: object): string {
      return describeMember(memberOf(this));
    },
  },
}) as object;

function memberOf(target: object): Member {
  const member = members.get(target);
  if (member === undefined) throw new TypeError('unreachable: every target has its member');
  return member;
}

const memberTraps: ProxyHandler<object> = {
  get: (target, name) => memberMember(memberOf(target), name),
  set: () => false,
  has: () => false,
  apply: (target, _self, args: unknown[]) => {
    const { path } = memberOf(target);
    return answerOf(memberOf(target), (owner) => invoke(owner, path, args));
  },
  construct: (target, args: unknown[]) => {
    const { path } = memberOf(target);
    return answerOf(memberOf(target), (owner) => construct(owner, path, args));
  },
};

/** The answer to what is done with a member, reached into by further members. */
function answerOf(member: Member, act: (owner: unknown) => unknown): object {
  const use = useOf(member, act);
  use.watch();
  return makeMember({ binding: member.binding, answer: use, path: [], value: use });
}

function useOf({ binding, answer }: Member, act: (owner: unknown) => unknown): Use {
  return answer === undefined ? startUse(binding, act) : answer.further(act);
}

function memberMember(member: Member, name: string | symbol): unknown {
  if (name === inspect.custom) return () => describeMember(member);
  if (name === Symbol.asyncIterator) return () => valueOf(member).iterate();
  if (typeof name === 'symbol') return undefined;
  if (name === 'then' || name === 'catch' || name === 'finally') {
    const promise = valueOf(member).settled();
    return promise[name as 'then'].bind(promise);
  }
  if (name === 'toString') return () => describeMember(member);
  if (isLocalName(name)) return undefined;
  return makeMember({ ...member, path: [...member.path, name], value: undefined });
}

function valueOf(member: Member): Use {
  return (member.value ??= useOf(member, (owner) => read(owner, member.path)));
}

function describeMember({ binding, path }: Member): string {
  const what = path.length === 0 ? 'answer' : `member ${path.join('.')}`;
  return `<${what} of ${binding.describe()}, not awaited>`;
}

// ---- what is done with the proxy of one use -----------------------------------------------------

function startUse(binding: Binding, act: (target: object, sender: Sender) => unknown): Use {
  return Use.start(binding, act);
}

/** A use of a late-bound handle that is one operation. */
export function useOnce(
  binding: Binding,
  act: (target: object, sender: Sender) => unknown,
): Promise<unknown> {
  return startUse(binding, act).settled();
}

function itself(target: object): object {
  return target;
}

export function read(owner: unknown, path: readonly string[]): unknown {
  let here = owner;
  for (const name of path) here = (here as Record<string, unknown>)[name];
  return here;
}

export function invoke(owner: unknown, path: readonly string[], args: readonly unknown[]): unknown {
  const self = read(owner, path.slice(0, -1));
  const method = read(self, path.slice(-1));
  if (typeof method === 'function') return Reflect.apply(method, self, args);
  throw new TypeError(`${path.join('.')} is not a function`);
}

export function construct(
  owner: unknown,
  path: readonly string[],
  args: readonly unknown[],
): unknown {
  const Class = read(owner, path);
  if (typeof Class === 'function') return Reflect.construct(Class, args);
  throw new TypeError(`${path.join('.')} is not a constructor`);
}

function nothing(): undefined {
  return undefined;
}
