// The floor for anything made of node:net: an echo over a unix socket between two processes, without codec or ids.
// Small calls: frames of 32 bytes; the server writes back each chunk as it came. Pipelined: one promise per frame, the
// frames of a tick in one write, answers matched by order. Buffer: the server sends it back when it has all of it, as a
// store would, and the client joins what comes into one Buffer. Start: a bare `node -e 0`, from spawn to exit.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectEqual, perOperation, pipelined, runPeer, sequential, type Sizes } from '../measure';

const frameBytes = 32;

/** Answers frames as they come, or holds `wholeBytes` back until all are there. */
function serve(path: string, wholeBytes: number): void {
  createServer((socket) => {
    if (wholeBytes === 0) socket.on('data', (chunk) => socket.write(chunk));
    else
      collect(socket, wholeBytes, (chunks) => {
        socket.cork();
        for (const chunk of chunks) socket.write(chunk);
        socket.uncork();
      });
  }).listen(path, () => process.send?.('listening'));
  process.on('disconnect', () => process.exit(0));
}

function collect(socket: Socket, bytes: number, whole: (chunks: Buffer[]) => void): void {
  let chunks: Buffer[] = [];
  let received = 0;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    received += chunk.length;
    if (received < bytes) return;
    const complete = chunks;
    chunks = [];
    received = 0;
    whole(complete);
  });
}

/** One promise per frame; frames come back in the order in which they were sent. */
class EchoClient {
  readonly #socket: Socket;
  /** The calls that wait, oldest first; emptied when the last one is answered. */
  #waiting: ((frames: number) => void)[] = [];
  #answered = 0;
  #received = 0;
  /** Frames of this tick, when calls are pipelined. */
  #outgoing: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket.on('data', (chunk) => {
      this.#receive(chunk.length);
    });
  }

  /** Writes at once. */
  readonly call = (): Promise<number> => {
    const reply = new Promise<number>((resolve) => this.#waiting.push(resolve));
    this.#socket.write(Buffer.alloc(frameBytes, 1));
    return reply;
  };

  /** Writes with the other calls of this tick. */
  readonly callBatched = (): Promise<number> => {
    const reply = new Promise<number>((resolve) => this.#waiting.push(resolve));
    if (this.#outgoing.push(Buffer.alloc(frameBytes, 1)) === 1) process.nextTick(this.#flush);
    return reply;
  };

  readonly #flush = (): void => {
    this.#socket.write(Buffer.concat(this.#outgoing));
    this.#outgoing = [];
  };

  #receive(bytes: number): void {
    this.#received += bytes;
    for (; this.#received >= frameBytes; this.#received -= frameBytes) {
      this.#waiting[this.#answered]?.(1);
      this.#answered += 1;
    }
    if (this.#answered < this.#waiting.length) return;
    this.#waiting = [];
    this.#answered = 0;
  }
}

async function startServer(directory: string, wholeBytes: number): Promise<Socket> {
  const path = join(directory, `${wholeBytes}.sock`);
  const server = fork(__filename, ['serve', path, String(wholeBytes)]);
  await once(server, 'message');
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

/** A round trip of the whole buffer. */
function bufferEcho(socket: Socket, bytes: number): (buffer: Buffer) => Promise<Buffer> {
  let answer: (buffer: Buffer) => void;
  collect(socket, bytes, (chunks) => {
    answer(Buffer.concat(chunks, bytes));
  });
  return (buffer) => {
    const reply = new Promise<Buffer>((resolve) => (answer = resolve));
    socket.write(buffer);
    return reply;
  };
}

async function measureBuffer(sizes: Sizes, directory: string): Promise<number> {
  const socket = await startServer(directory, sizes.bytes);
  const echo = bufferEcho(socket, sizes.bytes);
  const buffer = Buffer.alloc(sizes.bytes, 7);
  expectEqual((await echo(buffer)).equals(buffer), true, 'the echo of the buffer');
  return perOperation(sizes.samples, [sizes.warmUpBuffers, sizes.buffers], async (times) => {
    for (let done = 0; done < times; done += 1) await echo(buffer);
  });
}

async function startNode(times: number): Promise<void> {
  for (let done = 0; done < times; done += 1) {
    await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  }
}

async function measureAll(
  sizes: Sizes,
  directory: string,
): ReturnType<Parameters<typeof runPeer>[0]> {
  const echo = new EchoClient(await startServer(directory, 0));
  expectEqual(await echo.call(), 1, 'the echo');
  const start = await perOperation(sizes.starts, [1, 1], startNode);
  return {
    measures: {
      start,
      startSpawned: start,
      dictGet: await sequential(sizes, echo.call),
      pipelined: await pipelined(sizes, echo.callBatched),
      buffer: await measureBuffer(sizes, directory),
    },
    versions: { node: process.version },
  };
}

if (process.argv[2] === 'serve') serve(String(process.argv[3]), Number(process.argv[4]));
else {
  runPeer(async (sizes) => {
    const directory = mkdtempSync(join(tmpdir(), 'referent-bench-net-'));
    try {
      return await measureAll(sizes, directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
