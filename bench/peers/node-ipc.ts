// An echo of frames of 32 bytes by node-ipc in its raw profile (bytes, no JSON) over a unix socket, between two processes.
// Both ends are node-ipc, its connecting side included.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectEqual, load, runPeer, sequential } from '../measure';

const frameBytes = 32;

/** What is used of node-ipc, which has no declarations. */
interface IpcModule {
  readonly config: Record<string, unknown>;
  readonly server: {
    on(event: 'data', listener: (data: Buffer, socket: Socket) => void): void;
    on(event: 'start', listener: () => void): void;
    emit(socket: Socket, data: Buffer): boolean;
    start(): void;
  };
  readonly of: Record<string, IpcClient | undefined>;
  serve(path: string): void;
  connectTo(id: string, path: string, connected: () => void): void;
}
interface IpcClient {
  on(event: 'connect' | 'error', listener: (error: unknown) => void): void;
  on(event: 'data', listener: (data: Buffer) => void): void;
  emit(data: Buffer): boolean;
}

function newIpc(): IpcModule {
  const { IPCModule } = load('node-ipc') as { IPCModule: new () => IpcModule };
  const ipc = new IPCModule();
  Object.assign(ipc.config, { parser: 'raw', silent: true, maxRetries: 0, stopRetrying: true });
  return ipc;
}

function serve(path: string): void {
  const ipc = newIpc();
  ipc.serve(path);
  const { server } = ipc;
  server.on('data', (data, socket) => {
    server.emit(socket, data);
  });
  server.on('start', () => process.send?.('listening'));
  server.start();
  process.on('disconnect', () => process.exit(0));
}

async function connectTo(path: string): Promise<IpcClient> {
  const ipc = newIpc();
  return new Promise((resolve, reject) => {
    ipc.connectTo('echo', path, () => {
      const client = ipc.of['echo'];
      client?.on('connect', () => {
        resolve(client);
      });
      client?.on('error', reject);
    });
  });
}

/** A call resolves when as many bytes as were sent are back. */
function echoCaller(client: IpcClient): () => Promise<number> {
  let missing = 0;
  let answer: (frames: number) => void;
  client.on('data', (data) => {
    missing -= data.length;
    if (missing === 0) answer(1);
  });
  return () => {
    const reply = new Promise<number>((resolve) => (answer = resolve));
    missing = frameBytes;
    client.emit(Buffer.alloc(frameBytes, 1));
    return reply;
  };
}

async function startEcho(directory: string): Promise<() => Promise<number>> {
  const path = join(directory, 'echo.sock');
  await once(fork(__filename, ['serve', path]), 'message');
  const call = echoCaller(await connectTo(path));
  expectEqual(await call(), 1, 'the echo');
  return call;
}

if (process.argv[2] === 'serve') serve(String(process.argv[3]));
else {
  runPeer(async (sizes) => {
    newIpc();
    const directory = mkdtempSync(join(tmpdir(), 'referent-bench-ipc-'));
    try {
      return { measures: { dictGet: await sequential(sizes, await startEcho(directory)) } };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
