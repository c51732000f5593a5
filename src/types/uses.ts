// Which `use` of a re-entrant lock encloses the running code: that code may acquire again what the
// use holds. Known by AsyncLocalStorage, so two tasks of one process are two owners.
//
// Rule 1: each use has a number of its own in this process, whatever lock it is of; the manager finds
//         its lock's holder among the numbers that a call names, and no call needs to know the lock.
// Rule 2: what goes on after its use has ended, un-awaited, is no longer inside of it.

import { AsyncLocalStorage } from 'node:async_hooks';

/** Who holds a re-entrant lock within a process: a use, or what the option `owner` says. */
export type Owner = number | string;

/** A thread that blocks for its calls does one thing at a time: all of it is one owner. */
export const THREAD: Owner = 0;

export interface Use {
  readonly owner: number;
  readonly outer: Use | undefined;
  over: boolean;
}

const current = new AsyncLocalStorage<Use>();
let last = 0;

export function startUse(): Use {
  return { owner: ++last, outer: current.getStore(), over: false };
}

export function within<R>(use: Use, body: () => R): R {
  return current.run(use, body);
}

/** The owners of the uses around the running code. */
export function enclosing(): Owner[] {
  const owners: Owner[] = [];
  for (let use = current.getStore(); use !== undefined; use = use.outer) {
    if (!use.over) owners.push(use.owner);
  }
  return owners;
}
