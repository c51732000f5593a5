// What a client and a manager say to each other about names. A name is reached by creating: each use
// makes an object of type BOUND, whose arguments are the key and the typeid that the client believes
// in, and which is no new object but the one that the name stands for at that moment. So a use needs
// no round trip of its own, all calls of a use reach the same object, and an idle handle keeps nothing
// alive.

import { ObjectGoneError, UsageError } from '../base/errors';

/** Names, and members of sets: primitives, because a copied object could never be found again. */
export type Name = string | number | bigint | boolean | null | undefined;

/** The typeid by which a client takes hold of what a name stands for. */
export const BOUND = '_named';
/** The typeid of a remote module. */
export const MODULE = '_module';

/** What `ask` answers: the typeid of what is there, or the order to make it. */
export type Asked = string | { readonly order: number };

export interface NameOptions {
  /** The name ends when its object was not used by it, and nobody had a proxy of it, for so long. */
  readonly ttlMs?: number | undefined;
  /** The name ends with the session whose factory made its object. */
  readonly owned?: boolean | undefined;
}

export function requireName(key: unknown): Name {
  if (key === null || !['object', 'function', 'symbol'].includes(typeof key)) return key as Name;
  throw new UsageError('A name is a text, a number, a bigint, true, false, null or undefined');
}

/** `'lock-key'`, `7n`: as one would write it. */
export function nameText(key: Name): string {
  if (typeof key === 'string') return `'${key}'`;
  return typeof key === 'bigint' ? `${String(key)}n` : String(key);
}

export function absent(key: Name): ObjectGoneError {
  return new ObjectGoneError(
    `Nothing has the name ${nameText(key)}: give a factory, manager.named(key, () => manager.list()), or names.replace(key, value) first`,
  );
}

/**
 * The name stands for something else than the client believes, or for nothing: what it calls `id` was
 * not made, and no call of it runs.
 */
export function retargeted(key: Name, id: number): ObjectGoneError {
  const text = `The name ${nameText(key)} stands for another object now; use its handle again`;
  return Object.assign(new ObjectGoneError(text), { retargeted: id });
}

export function isRetargeted(error: unknown, id: number): boolean {
  return error instanceof ObjectGoneError && (error as { retargeted?: number }).retargeted === id;
}
