// The listening side, on node-ipc in its raw profile: it looks after the path and the socket, the
// bytes are ours. The only importer of node-ipc, and only when a process first listens.
//
// node-ipc is an ES module. Where the module system of the process refuses to require one (jest
// does), the same interface stands on node:net alone.

import { chmodSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { AuthenticationError, UsageError, messageOf } from '../base/errors';
import { removeAbandoned } from './abandoned';
import { type Address, withPort } from './address';
import { SocketLink } from './socket-link';
import { type Link } from './link';
import { type TlsOptions } from './tls-options';

export interface Listener {
  /** With the port that the system has chosen. */
  readonly address: string;
  /** Stops taking new connections; those that are there stay. */
  close(): Promise<void>;
  /** Whether listening keeps the process alive: at first it does. */
  keepAlive(keep: boolean): void;
}

export interface ListeningOptions {
  /** Must have `cert` and `key` where the address is tls://. */
  readonly tls?: TlsOptions | undefined;
  /** How long the TLS handshake of a client may take. */
  readonly handshakeMs?: number | undefined;
  /** A client that TLS did not let in. */
  readonly onFault?: ((fault: Error) => void) | undefined;
}

const CONNECTIONS_MAX = 8192;

/**
 * Resolves when clients can connect. Rejects with `UsageError` where the address cannot be used. The
 * socket of a process that was killed makes room.
 */
export async function listen(
  address: Address,
  onLink: (link: Link) => void,
  options: ListeningOptions = {},
): Promise<Listener> {
  let count = 0;
  const onSocket = (socket: Socket): void => {
    if (socket.destroyed) return;
    onLink(new SocketLink(socket, peerOf(socket, address, ++count), address.kind !== 'local'));
  };
  const tls = address.kind === 'tls' ? serverOptions(options) : undefined;
  // Port 0 is to node-ipc no port at all.
  const ipc = address.kind !== 'local' && address.port === 0 ? false : loadNodeIpc();
  const start = (): Promise<Server> =>
    ipc ? startNodeIpc(ipc, address, onSocket, tls) : startNet(address, onSocket, tls);
  try {
    const server = await start().catch(async (cause: unknown) => {
      if (!(await makesRoom(address, cause))) throw cause;
      return await start();
    });
    watchRefusals(server, options.onFault);
    return listenerOf(server, address);
  } catch (cause) {
    throw new UsageError(`Cannot listen on ${address.text}: ${whyNot(address, cause)}`, { cause });
  }
}

async function makesRoom(address: Address, cause: unknown): Promise<boolean> {
  const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
  return isTaken && address.kind === 'local' && (await removeAbandoned(address.path));
}

function peerOf(socket: Socket, address: Address, count: number): string {
  if (address.kind === 'local') return `${address.text}#${String(count)}`;
  const { remoteAddress: host = 'unknown', remotePort: port = 0 } = socket;
  return withPort({ ...address, host }, port);
}

function serverOptions({ tls = {}, handshakeMs }: ListeningOptions): object {
  const asks = tls.ca !== undefined;
  const { cert, key, ca, passphrase, minVersion } = tls;
  const given = { cert, key, ca, passphrase, minVersion, handshakeTimeout: handshakeMs };
  const kept = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(kept), requestCert: asks, rejectUnauthorized: asks };
}

function whyNot(address: Address, cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return address.kind === 'local'
      ? 'another process listens there, or it is a file of another kind'
      : 'another process listens there; choose another port, or 0 to let the system choose';
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return 'this machine has no such address; 0.0.0.0 stands for all that it has';
  }
  return messageOf(cause);
}

/** A client whose certificate is refused is nobody's error here, and worth knowing. */
function watchRefusals(server: Server, onFault: ListeningOptions['onFault']): void {
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    const reason = (socket.authorizationError as Error | string | null) ?? error.message;
    const peer = socket.remoteAddress ?? 'a client';
    onFault?.(new AuthenticationError(`TLS with ${peer} came to nothing: ${String(reason)}`));
  });
}

function listenerOf(server: Server, address: Address): Listener {
  const { port } = (server.address() ?? {}) as Partial<AddressInfo>;
  return {
    address: address.kind === 'local' ? address.text : withPort(address, port ?? address.port),
    close: () => {
      server.close(); // it calls back only when the last connection is gone
      return Promise.resolve();
    },
    keepAlive: (keep) => {
      if (keep) server.ref();
      else server.unref();
    },
  };
}

/** What we use of node-ipc 14. */
interface NodeIpc {
  readonly IPCModule: new () => {
    readonly config: Record<string, unknown>;
    serve(path: string): void;
    serveNet(host: string, port: number): void;
    readonly server: NodeIpcServer;
  };
  readonly RawParser: unknown;
}
interface NodeIpcServer {
  on(event: 'start', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'connect', listener: (socket: Socket) => void): void;
  start(): void;
  readonly server: Server;
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

async function startNodeIpc(
  { IPCModule, RawParser }: NodeIpc,
  address: Address,
  onSocket: (socket: Socket) => void,
  tls: object | undefined,
): Promise<Server> {
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
    tls: tls ?? false,
  });
  if (address.kind === 'local') ipc.serve(address.path);
  else ipc.serveNet(address.host, address.port);
  const { server } = ipc;
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.on('connect', onSocket);
    server.on('start', resolve);
    server.start();
  });
  restrict(address);
  return server.server;
}

async function startNet(
  address: Address,
  onSocket: (socket: Socket) => void,
  tls: object | undefined,
): Promise<Server> {
  const server = tls === undefined ? createServer(onSocket) : createTlsServer(tls, onSocket);
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (address.kind === 'local') server.listen(address.path, resolve);
    else server.listen(address.port, address.host, resolve);
  });
  restrict(address);
  return server;
}

function restrict(address: Address): void {
  if (address.kind === 'local' && process.platform !== 'win32') chmodSync(address.path, 0o600);
}
