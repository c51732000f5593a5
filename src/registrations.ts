// What was registered with a class of managers: its own, and what it had of its parent at that time.

import { type RegisteredType } from './host/registry';

const registered = new WeakMap<object, ReadonlyMap<string, RegisteredType>>();
const NOTHING: ReadonlyMap<string, RegisteredType> = new Map();

export function typesOf(managerClass: unknown): ReadonlyMap<string, RegisteredType> {
  if (typeof managerClass !== 'function') return NOTHING;
  return registered.get(managerClass) ?? typesOf(Object.getPrototypeOf(managerClass));
}

/** From now on, for that class and those that extend it. */
export function addType(managerClass: object, type: RegisteredType): void {
  registered.set(managerClass, new Map(typesOf(managerClass)).set(type.typeid, type));
}
