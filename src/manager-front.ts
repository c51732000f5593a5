// What `withOptions(manager, …)` gives: the same manager, whose proxies have these options from the
// start. A JS Proxy, because it is that manager in everything else.

import { Creators, makeBy } from './creators';
import { type Manager } from './manager';
import { type ManagerNames, namesWithOptions } from './manager-names';
import { withOptions } from './proxy/functions';
import { type CallOptions, type HandleOptions, mergeOptions } from './proxy/options';
import { typesOf } from './registrations';
import { type Purpose } from './session/parties';

interface Front {
  readonly manager: Manager;
  readonly options: HandleOptions | undefined;
}

const fronts = new WeakMap<object, Front>();

/** The manager itself, and the options that were given on the way. */
export function behind(manager: Manager): Front {
  return fronts.get(manager) ?? { manager, options: undefined };
}

/** Throws `UsageError` for what is no option of a call. */
export function managerWithOptions(subject: Manager, more: CallOptions): Manager {
  const { manager, options: before } = behind(subject);
  const options = mergeOptions(before, more) ?? {};
  const front = new Proxy(manager, new Traps(options));
  fronts.set(front, { manager, options });
  return front;
}

/** What answers a handle that finds its object with each use. */
const LATE: ReadonlySet<string | symbol> = new Set(['named', 'module']);

class Traps implements ProxyHandler<Manager> {
  readonly #options: HandleOptions;

  constructor(options: HandleOptions) {
    this.#options = options;
  }

  get(manager: Manager, name: string | symbol, front: Manager): unknown {
    if (name === 'make') {
      return (typeid: string, args: readonly unknown[], purpose: Purpose): object =>
        makeBy(manager, typeid, args, purpose, this.#options);
    }
    const member: unknown = Reflect.get(manager, name, manager);
    if (name === 'names') return namesWithOptions(member as ManagerNames, this.#options);
    if (typeof member !== 'function' || name === 'constructor') return member;
    if (LATE.has(name)) {
      return (...args: unknown[]): object =>
        withOptions(Reflect.apply(member, manager, args) as object, this.#options);
    }
    const self = isCreator(manager, name) ? front : manager;
    return (...args: unknown[]): unknown => {
      const answer: unknown = Reflect.apply(member, self, args);
      return answer === manager ? front : answer;
    };
  }

  set(manager: Manager, name: string | symbol, value: unknown): boolean {
    return Reflect.set(manager, name, value, manager);
  }
}

/** Whether a method makes its proxies by `make`, and needs nothing else of the manager. */
function isCreator(manager: Manager, name: string | symbol): boolean {
  if (Object.hasOwn(Creators.prototype, name)) return true;
  return typeof name === 'string' && typesOf(manager.constructor).has(name);
}
