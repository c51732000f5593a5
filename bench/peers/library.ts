// The library under measure: its compiled JavaScript, with the types of its source, so that a type check needs no build.
import type * as library from '../../src/index';
import { load } from '../measure';

export type Referent = typeof library;
export type Manager = InstanceType<Referent['Manager']>;

export function loadReferent(): Referent {
  return load('../dist/index.js') as Referent;
}

/** Asks until the manager holds so many objects: it has then seen every creation and release before this. */
export async function untilObjects(manager: Manager, expected: number): Promise<void> {
  while ((await manager.numberOfObjects()) !== expected);
}
