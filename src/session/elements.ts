// Elements: what a shared object has under names that are no members of its class. The items of a
// list have their indices, the attributes of a namespace their names. They are read and written as
// members are, at each hop of a path: `view(list)[0].name`.

/** A referent with elements has this method: undefined where `name` cannot be one. */
export const ELEMENT = Symbol('element');

export interface HasElements {
  [ELEMENT](name: string): Element | undefined;
}

/** The place of an element, whether or not something is there. */
export interface Element {
  get(): unknown;
  /** Absent where it cannot be written. */
  set?(value: unknown): void;
  delete?(): boolean;
}

export function elementOf(object: object, name: string): Element | undefined {
  return ELEMENT in object ? (object as HasElements)[ELEMENT](name) : undefined;
}
