// The connecting side, on plain node:net.

import { connect as connectSocket } from 'node:net';
import { type Address } from './address';
import { SocketLink } from './socket-link';
import { type Link } from './link';

/** Rejects with what the system says: ENOENT, ECONNREFUSED … */
export function connect(address: Address): Promise<Link> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(address.path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new SocketLink(socket, address.text));
    });
  });
}
