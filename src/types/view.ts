// Views: shared containers as remote objects. What a view is asked runs whole in the manager, on what
// is there: `view(dict).get('a').push(1)` changes the array in the dict, and no copy.

import { viewOf } from '../proxy/functions';
import { type Loose, type Remote } from '../proxy/remote-types';
import { type ArrayProxy } from './array';
import { type DictProxy } from './dict';
import { type Key } from './keys';
import { type ListProxy } from './list';
import { type NamespaceProxy } from './namespace';
import { type SetProxy } from './set';
import { type ValueProxy } from './value';

/**
 * Reaches into a shared object: `await view(list)[0].push(1)`, `await view(dict).size`. It has the
 * methods of the proxy, elements by index or attribute name, and a lease of its own.
 */
export function view<T>(proxy: ListProxy<T>): Remote<T[]>;
export function view<K extends Key, V>(proxy: DictProxy<K, V>): Remote<Map<K, V>>;
export function view<T extends Key>(proxy: SetProxy<T>): Remote<Set<T>>;
export function view<T>(proxy: ValueProxy<T>): Remote<{ get(): T; set(value: T): void }>;
export function view<N extends number | bigint>(proxy: ArrayProxy<N>): Remote<N[]>;
export function view<T extends object>(proxy: NamespaceProxy<T>): Remote<T>;
export function view<T = Loose>(proxy: object): Remote<T>;
export function view(proxy: object): object {
  return viewOf(proxy);
}
