// What is to be run, and how it is named so that another process can find it: by module and export,
// by its text, or as a method of an object that both can reach.

import { UsageError } from '../base/errors';
import { isProxy, withOptions } from '../proxy/functions';
import { pathOfMember } from '../proxy/remote';
import { realm } from '../proxy/realm';
import { calleeOf } from '../proxy/handles';
import { type ModuleRef, type ResolvedModule, resolveModule } from '../process/modules';
import { basename, extname } from 'node:path';

/** A task as it travels; `function`: one that does not, for it runs in this process. */
export type TravellingTask =
  | { readonly kind: 'function'; readonly body: TaskFunction }
  | { readonly kind: 'module'; readonly module: ResolvedModule }
  | { readonly kind: 'text'; readonly text: string }
  /** `target` has a lease of its own. */
  | { readonly kind: 'remote'; readonly target: object; readonly path: readonly string[] };

export type TaskFunction = (...args: never[]) => unknown;

export interface Task {
  readonly travels: TravellingTask;
  /** What processes that run it are called after. */
  readonly name: string;
  /** The function itself, where there is one in this process. */
  readonly local: TaskFunction | undefined;
}

/** Throws `UsageError` for what another process cannot find. */
export function taskOf(given: ModuleRef | TaskFunction): Task {
  const isObject = typeof given === 'object' || typeof given === 'function';
  if (isObject && isProxy(given)) return remoteTask(withOptions(given, {}), []);
  if (typeof given !== 'function') return moduleTask(given);
  const member = pathOfMember(given);
  if (member === undefined) return textTask(given);
  if (member.target.kind === 'answer') {
    throw new UsageError(
      'Cannot spawn a member of an answer that has not come: await the answer first',
    );
  }
  const callee = calleeOf(member.root);
  return remoteTask(realm.makeHandle(callee.duplicate(member.root)), member.path);
}

function remoteTask(target: object, path: readonly string[]): Task {
  const name = path.at(-1) ?? 'remote';
  return { travels: { kind: 'remote', target, path }, name, local: undefined };
}

function moduleTask(given: ModuleRef): Task {
  const module = resolveModule(given);
  const { url, exportName } = module;
  const file = basename(url);
  const name = exportName === 'default' ? file.slice(0, -extname(file).length) || file : exportName;
  return { travels: { kind: 'module', module }, name, local: undefined };
}

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;

function textTask(given: TaskFunction): Task {
  const text = Function.prototype.toString.call(given);
  if (NATIVE.test(text)) {
    throw new UsageError(
      `Cannot spawn ${given.name === '' ? 'the function' : given.name}: a bound or built-in function has no text; name it by module and export`,
    );
  }
  return { travels: { kind: 'text', text }, name: given.name || 'task', local: given };
}
