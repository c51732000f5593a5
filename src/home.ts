// What the types of a manager may know of it: how its own children become its clients, and whose code
// it runs.

import { Imports } from './process/imports';
import { isNetwork, reachable } from './transport/address';
import { type Home } from './types/shared-type';

interface Settings extends Omit<Home, 'address' | 'imports' | 'requireCode'> {
  readonly address: string;
  readonly imports: boolean | readonly string[];
}

/** `address`: where it listens, once it does. */
export function homeOf(settings: Settings, address: () => string): Home {
  const { key, tls, serializer, types } = settings;
  const imports = new Imports(settings.imports);
  return {
    address: () => reachable(address()),
    key,
    tls,
    serializer,
    types,
    imports,
    requireCode: (url) => {
      // Who reaches a private manager is a process of its user, and needs no manager to run code.
      if (isNetwork(settings.address)) imports.requireUrl(url);
    },
  };
}
