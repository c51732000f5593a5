// Handles: the objects through which users hold leases. A handle that is released or collected
// gives its lease back. Making tokens of handles, for every serializer.

import { type Lease } from '../refs/lease';
import { type Collector, realCollector } from '../refs/finalizer';
import { UsageError } from '../base/errors';
import { type Session } from '../session/session';
import { TOKEN_KEY } from '../wire/token';

const collector: Collector<Lease> = realCollector((lease) => {
  lease.release(false);
});

/** From now on the collection of `handle` gives `lease` back. */
export function hold(handle: object, lease: Lease): void {
  collector.watch(handle, lease);
}

/** From now on its collection gives nothing back. */
export function forget(handle: object): void {
  collector.forget(handle);
}

/** `explicit`: somebody meant it; else it waits for company. */
export function letGo(handle: object, lease: Lease, explicit = true): void {
  collector.forget(handle);
  lease.release(explicit);
}

/** Only sessions make leases. */
export function sessionOf(lease: Lease): Session {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- as said above
  return lease.lessor as Session;
}

/** The token of a handle: valid as long as its referent lives, which it sees to for `limits.ticketMs`. */
export function sharedToken(lease: Lease): string {
  return mint(lease, { uses: 0, ttlMs: sessionOf(lease).ticketMs });
}

export function mint(
  lease: Lease,
  ticket: { readonly uses: number; readonly ttlMs: number },
): string {
  const { minter } = sessionOf(lease);
  if (minter === undefined) {
    throw new UsageError(
      'Cannot make a token of it: it lives in a client of this manager, which nobody else can reach',
    );
  }
  return minter.mint(lease, ticket);
}

/**
 * The own property that makes a handle travel: structured clone, `postMessage` and `child.send`
 * read it and find the token. One descriptor for all handles; `leaseOf` finds whose token it is.
 */
export function tokenProperty(leaseOf: (handle: object) => Lease): PropertyDescriptor {
  return {
    enumerable: true,
    configurable: false,
    get(this: object): string {
      return sharedToken(leaseOf(this));
    },
  };
}

export function tokenValue(lease: Lease): { readonly [TOKEN_KEY]: string } {
  return { [TOKEN_KEY]: sharedToken(lease) };
}

/** `<ListProxy object, typeid 'list' at unix:/…>`: never any I/O. */
export function describeHandle(className: string, lease: Lease): string {
  const state = lease.released ? ', released' : lease.failure === undefined ? '' : ', broken';
  return `<${className} object, typeid '${lease.typeid}' at ${sessionOf(lease).peer}${state}>`;
}

export function idOf(lease: Lease): string {
  if (lease.id === 0) {
    throw new UsageError('The id is not known yet: await manager.start() first', {
      code: 'ERR_REFERENT_NOT_CONNECTED',
    });
  }
  return lease.id.toString(36);
}
