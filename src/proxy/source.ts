// Where a late-bound handle finds its manager, and what one use of it goes to.

import { type Lease } from '../refs/lease';
import { orDefault } from '../session/absence';
import { answered } from '../session/calls';
import { type Connection } from '../session/connection';
import { type Session } from '../session/session';
import { letGo } from './handles';
import { type HandleOptions, SYNC } from './options';
import { type Reached } from './use';

export type MakeHandle = (lease: Lease, options?: HandleOptions) => object;

export interface Source {
  /** Where the manager is, as far as that is known: its own name comes with the handshake. */
  readonly place: () => { readonly address: string; readonly manager: string | undefined };
  /** The connection of now; where it was lost, a new one. Throws where there will be none. */
  readonly connection: () => Connection;
  /** The handle for a lease, of the class that its typeid has here. Takes the lease. */
  readonly makeHandle: MakeHandle;
}

/** What a use goes to: an object that `session` has hold of by `lease`, which its handle takes. */
export function reachedBy(
  session: Session,
  lease: Lease,
  {
    makeHandle,
    options,
  }: { readonly makeHandle: MakeHandle; readonly options?: HandleOptions | undefined },
): Reached {
  const target = makeHandle(lease, options);
  return {
    target,
    lease,
    wasLost: () => session.wasOpen && session.ended !== undefined,
    giveBack: () => {
      letGo(target, lease, false);
    },
    send: (operation, name, args, more) => {
      const request = { target: lease, operation, path: [], name, args, held: target };
      const all = { ...request, purpose: 'argument' as const, ...options, ...more };
      // What a blocking call answers stands where its promise would.
      if (options?.[SYNC] === true)
        return session.callBlocking({ ...all, lane: true }) as Promise<unknown>;
      return answered(orDefault(all, session.call(all)));
    },
  };
}
