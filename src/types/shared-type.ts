// A shared type: how its referent is made, which of its methods exist for others, and the class
// of its proxies. Each file of this folder defines one, referent and proxy side by side.

import { type ProxyClass } from '../proxy/realm';

export interface SharedType {
  readonly typeid: string;
  readonly create: (...args: never[]) => object;
  /** The class of its referents. */
  readonly referentType: abstract new (...args: never[]) => object;
  readonly exposed: readonly string[];
  readonly proxyType: ProxyClass;
  /** Disposed with its last reference; cannot be put into a container. */
  readonly owned?: boolean;
  /** Keeps what it is given: nothing that is owned. */
  readonly isContainer?: boolean;
}
