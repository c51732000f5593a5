// What clients may ask of the names of a host: `names` of the manager itself.

import { currentCall } from '../session/current-call';
import { type Delivery } from '../session/delivery';
import { type Asked, type Name, type NameOptions, requireName } from '../session/naming';
import { type Names } from './names';

export class NameDesk {
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  ask(key: Name, canMake: boolean): string | Delivery | Promise<Asked | Delivery> {
    return this.#names.ask(requireName(key), canMake);
  }
  supply(key: Name, order: number, object: unknown, options?: NameOptions): string | undefined {
    return this.#names.supply(requireName(key), order, object, options);
  }
  giveUp(key: Name, order: number): void {
    this.#names.giveUp(requireName(key), order);
  }
  get(key: Name): unknown {
    return this.#names.get(requireName(key));
  }
  there(key: Name): Promise<void> | undefined {
    return this.#names.there(requireName(key), currentCall());
  }
  has(key: Name): boolean {
    return this.#names.has(requireName(key));
  }
  keys(): Name[] {
    return this.#names.keys();
  }
  replace(key: Name, value: unknown): void {
    this.#names.replace(requireName(key), value);
  }
  delete(key: Name): boolean {
    return this.#names.delete(requireName(key));
  }
}
