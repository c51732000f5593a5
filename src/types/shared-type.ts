// A shared type: how its referent is made, which of its methods exist for others, and the class
// of its proxies. Each file of this folder defines one, referent and proxy side by side.

import { type Imports } from '../process/imports';
import { type ResolvedModule } from '../process/modules';
import { BaseProxy } from '../proxy/base-proxy';
import { lateOf } from '../proxy/late';
import { type ProxyClass } from '../proxy/realm';
import { type TlsOptions } from '../transport/tls-options';

/** Where the manager of a referent serves: what its own children need to become clients of it. */
export interface Home {
  /** Where processes of its machine reach it; the system may choose the port only when it listens. */
  readonly address: () => string;
  readonly key: Uint8Array;
  readonly tls: TlsOptions | undefined;
  readonly serializer: string;
  /** The modules of its option `types`: they register value types, errors and serializers. */
  readonly types: readonly ResolvedModule[];
  /** What it may load for its clients. */
  readonly imports: Imports;
  /** Throws `RemoteError` where a client may not have the code run that it has named by this URL. */
  readonly requireCode: (url: string) => void;
}

export interface SharedType {
  readonly typeid: string;
  readonly create: (...args: never[]) => object;
  /** Whether `create` gets the `Home` of the manager before its arguments. */
  readonly takesHome?: boolean;
  /** The class of its referents. */
  readonly referentType: abstract new (...args: never[]) => object;
  readonly exposed: readonly string[];
  readonly proxyType: ProxyClass;
  /** Disposed with its last reference; cannot be put into a container. */
  readonly owned?: boolean;
  /** Keeps what it is given: nothing that is owned. */
  readonly isContainer?: boolean;
}

/** Whether it stands for a shared object, which the manager reads itself: a proxy, or a named handle. */
export function isShared(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof BaseProxy || lateOf(value) !== undefined;
}
