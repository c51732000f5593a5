// An object as the class above its own sees it: members are looked for further up, and run on the
// object itself.

import { type Exposure } from './exposure';

// Set by the class below, which alone can see its private fields: nothing of a view is a member.

/** On what a member runs. */
export let selfOf: (value: object) => object;
/** Where the search for a member begins. */
export let startOf: (value: object) => object;
/** What may be reached of it: no more than of the object. */
export let exposureOfSuper: (value: unknown) => Exposure | undefined;

export class Super {
  readonly #object: object;
  readonly #from: object;
  readonly #exposure: Exposure | undefined;

  /** One class above `subject`, which may be such a view itself. */
  constructor(subject: object, exposure: Exposure | undefined) {
    this.#object = selfOf(subject);
    this.#from = above(subject instanceof Super ? subject.#from : prototypeOf(subject));
    this.#exposure = exposure;
  }

  static {
    selfOf = (value) => (value instanceof Super ? value.#object : value);
    startOf = (value) => (value instanceof Super ? value.#from : value);
    exposureOfSuper = (value) => (value instanceof Super ? value.#exposure : undefined);
  }
}

function prototypeOf(object: object): object {
  return above(object);
}

function above(object: object): object {
  const parent = Object.getPrototypeOf(object) as object | null;
  if (parent !== null && Object.getPrototypeOf(parent) !== null) return parent;
  throw new TypeError('There is no class above: super has nothing to reach');
}
