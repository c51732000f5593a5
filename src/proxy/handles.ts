// Handles: the objects through which users hold leases. A handle that is released or collected
// gives its lease back. Making tokens of handles, for every serializer.

import { type Lease } from '../refs/lease';
import { type Collector, realCollector } from '../refs/finalizer';
import { UsageError } from '../base/errors';
import { Callee, type Wish } from '../session/callee';
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

/** What calls through a lease go to. */
export function calleeOf({ lessor }: Lease): Callee {
  if (lessor instanceof Callee) return lessor;
  throw new TypeError('unreachable: whoever gives leases to proxies is called through them');
}

/** The token of a handle: valid as long as its referent lives, which it sees to for `limits.ticketMs`. */
export function sharedToken(lease: Lease): string {
  return mint(lease, { uses: 0, ttlMs: calleeOf(lease).ticketMs });
}

/** Throws `UsageError` where nobody else can reach what the lease holds. */
export function mint(lease: Lease, wish: Wish): string {
  const text = calleeOf(lease).mint(lease, wish);
  if (text !== undefined) return text;
  throw new UsageError(
    'Cannot make a token of it: it lives in a client of this manager, which nobody else can reach',
  );
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
  return `<${className} object, typeid '${lease.typeid}' at ${calleeOf(lease).peer}${state}>`;
}

export function idOf(lease: Lease): string {
  if (lease.id === 0) {
    throw new UsageError('The id is not known yet: await manager.start() first', {
      code: 'ERR_REFERENT_NOT_CONNECTED',
    });
  }
  return lease.id.toString(36);
}
