// What a host needs of its names; `names/` has them.

import { type Row } from '../refs/objects';
import { type Exposure } from '../session/exposure';
import { type Name } from '../session/naming';
import { type RunningCall } from '../session/current-call';

export interface NameService {
  /** What clients may ask. */
  readonly desk: object;
  /** The object of a name, for a client that believes in that typeid; undefined where it has another one. */
  bind(key: Name, typeid: string): Row<Exposure> | undefined;
  /** What it stands for: the object itself, or a value. Throws `ObjectGoneError`. */
  get(key: Name): unknown;
  /** Gives a live object of this process a name, in place of what had it. */
  publish(key: Name, object: object, exposure?: Exposure): void;
  /** Resolves when the name stands for something; undefined where it does. Rejects when `call` is given up. */
  there(key: Name, call: RunningCall | undefined): Promise<void> | undefined;
  delete(key: Name): boolean;
  /** Ends what is over: once a second. */
  sweep(): void;
  clear(): void;
}
