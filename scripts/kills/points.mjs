// The points at which a client is killed, by name. Each has
//
//   share(manager)         the objects that parent and client have, made by the parent
//   before(shared, stage)  what the parent does before the client is there, if anything
//   client(shared, here)   what the client does up to the point; it says `here.there()` then
//   check(all, victim)     kills the client, and sees that what it had is where it belongs; `all`
//                          is what is shared, and what `before` has answered
//
// and, where what it does is told only by the end of its session, `isLate: true`.
import { calls } from './points/calls.mjs';
import { connections } from './points/connections.mjs';
import { locks } from './points/locks.mjs';
import { objects } from './points/objects.mjs';
import { queues } from './points/queues.mjs';
import { signals } from './points/signals.mjs';

export const points = { ...locks, ...signals, ...queues, ...objects, ...calls, ...connections };
