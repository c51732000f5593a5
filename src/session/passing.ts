// Passing an object to a function, where the object lives: `handle(p).passTo(task, …)`. The function
// is code for another process, so it is only taken from whom that one trusts, or where its module
// may be loaded for anybody.

import { MethodNotExposedError, UsageError } from '../base/errors';
import { functionOf } from '../process/function-text';
import { type ResolvedModule, loadExport } from '../process/modules';

/** A function as its text, or named by its module; with what proves whom it is from. */
export type PassedTask = (ResolvedModule | { readonly text: string }) & {
  readonly proofs: readonly string[];
};

/** What a side takes from the other one. */
export interface Trust {
  /** Whether the code is from a process that may do here what it likes. */
  admits(code: string, proofs: readonly string[]): boolean;
  /** Throws where the module may not be loaded for just anybody. */
  requireModule(url: string): void;
}

/** Where the function stays in its process, it needs no text. */
const functions = new WeakMap<object, (...args: readonly unknown[]) => unknown>();

export function keepFunction(
  task: PassedTask,
  given: (...args: readonly unknown[]) => unknown,
): PassedTask {
  functions.set(task, given);
  return task;
}

/** Calls the function with `subject` and the arguments behind it. */
export function pass(subject: unknown, args: readonly unknown[], trust: Trust): unknown {
  const [task, ...more] = args;
  requireTask(task);
  const here = functions.get(task);
  if (here !== undefined) return here(subject, ...more);
  const code = 'text' in task ? task.text : task.url;
  const isTrusted = trust.admits(code, task.proofs);
  if ('text' in task) {
    if (!isTrusted) throw noText();
    return functionOf(task.text)(subject, ...more);
  }
  if (!isTrusted) trust.requireModule(task.url);
  return passToModule(subject, task, more);
}

async function passToModule(
  subject: unknown,
  { url, exportName }: ResolvedModule,
  args: readonly unknown[],
): Promise<unknown> {
  const task = await loadExport({ url, exportName });
  if (typeof task === 'function') return await Reflect.apply(task, undefined, [subject, ...args]);
  throw new UsageError(`Export "${exportName}" of ${url} is not a function`);
}

function requireTask(task: unknown): asserts task is PassedTask {
  const isObject = typeof task === 'object' && task !== null;
  if (isObject && 'proofs' in task && ('text' in task || 'url' in task)) return;
  throw new UsageError('passTo takes a function, or names one by its module and export');
}

function noText(): MethodNotExposedError {
  return new MethodNotExposedError(
    'passTo takes the text of a function only from the process that has started this one, or was started by it; name the function by module and export',
    { remoteName: 'MethodNotExposedError' },
  );
}

function noModule(url: string): MethodNotExposedError {
  return new MethodNotExposedError(
    `passTo may not load ${url} here: option "imports" of the manager must name it`,
    { remoteName: 'MethodNotExposedError' },
  );
}

/** Of nobody anything. */
export const NO_TRUST: Trust = {
  admits: () => false,
  requireModule: (url) => {
    throw noModule(url);
  },
};
