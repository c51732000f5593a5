// The listening side, on node-ipc in its raw profile: it looks after the path and the socket, the
// bytes are ours. The only importer of node-ipc, and only when a process first listens.
//
// node-ipc is an ES module. Where the module system of the process refuses to require one (jest
// does), the same interface stands on node:net alone.

import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { UsageError } from '../base/errors';
import { type Address } from './address';
import { SocketLink } from './socket-link';
import { type Link } from './link';

export interface Listener {
  /** Stops taking new connections; those that are there stay. */
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 8192;

/** Resolves when clients can connect. Rejects with `UsageError` where the address cannot be used. */
export async function listen(address: Address, onLink: (link: Link) => void): Promise<Listener> {
  let count = 0;
  const onSocket = (socket: Socket): void => {
    onLink(new SocketLink(socket, `${address.text}#${String(++count)}`));
  };
  const ipc = loadNodeIpc();
  try {
    return await (ipc
      ? listenWithNodeIpc(ipc, address, onSocket)
      : listenWithNet(address, onSocket));
  } catch (cause) {
    const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const remedy = inUse
      ? 'another process listens there, or left the file behind'
      : 'see the cause';
    throw new UsageError(`Cannot listen on ${address.text}: ${remedy}`, { cause });
  }
}

/** What we use of node-ipc 14. */
interface NodeIpc {
  readonly IPCModule: new () => {
    readonly config: Record<string, unknown>;
    serve(path: string): void;
    readonly server: NodeIpcServer;
  };
  readonly RawParser: unknown;
}
interface NodeIpcServer {
  on(event: 'start', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'connect', listener: (socket: Socket) => void): void;
  start(): void;
  readonly server: { close(callback: () => void): void };
}

let nodeIpc: NodeIpc | false | undefined;

function loadNodeIpc(): NodeIpc | false {
  if (nodeIpc !== undefined) return nodeIpc;
  try {
    nodeIpc = require('node-ipc') as NodeIpc;
  } catch {
    nodeIpc = false; // a module system that takes no ES module: node:net does it alone
  }
  return nodeIpc;
}

async function listenWithNodeIpc(
  { IPCModule, RawParser }: NodeIpc,
  address: Address,
  onSocket: (socket: Socket) => void,
): Promise<Listener> {
  const ipc = new IPCModule();
  Object.assign(ipc.config, {
    parser: RawParser,
    silent: true,
    logPayloads: false,
    sync: false,
    maxRetries: 0,
    stopRetrying: true,
    unlink: false,
    maxConnections: CONNECTIONS_MAX,
    readableAll: false,
    writableAll: false,
    identifyPeer: false,
    tls: false,
  });
  ipc.serve(address.path);
  const { server } = ipc;
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.on('connect', onSocket);
    server.on('start', resolve);
    server.start();
  });
  restrict(address);
  return {
    close: () =>
      new Promise((resolve) => {
        server.server.close(() => {
          resolve();
        });
        resolve(); // it calls back only when the last connection is gone
      }),
  };
}

async function listenWithNet(
  address: Address,
  onSocket: (socket: Socket) => void,
): Promise<Listener> {
  const server = createServer(onSocket);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.path, resolve);
  });
  restrict(address);
  return {
    close: () => {
      server.close();
      return Promise.resolve();
    },
  };
}

function restrict(address: Address): void {
  if (process.platform !== 'win32') chmodSync(address.path, 0o600);
}
