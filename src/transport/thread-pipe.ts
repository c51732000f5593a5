// Blocking for another process over any kind of socket: a thread has the socket and its event loop,
// and the thread that blocks is woken by `Atomics.notify`.

import { Worker, MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { extname, join } from 'node:path';
import { type Address } from './address';
import { PipeEnd, type SyncPipe } from './sync-pipe';

/** What the thread is given. */
export interface ThreadData {
  readonly address: Address;
  readonly port: MessagePort;
  /** Grows with each message of the thread. */
  readonly count: Int32Array;
}

/** A chunk, or why there are no more. */
export type ThreadMessage = Uint8Array | string;

export const THREAD_ENTRY = join(__dirname, `thread-pipe-entry${extname(__filename)}`);

export class ThreadPipe implements SyncPipe {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #count = new Int32Array(new SharedArrayBuffer(4));

  /** Connects; what is written before waits. `execArgv`: what the thread needs to load its entry. */
  constructor(address: Address, execArgv: readonly string[]) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: ThreadData = { address, port: port2, count: this.#count };
    this.#worker = new Worker(THREAD_ENTRY, {
      workerData,
      transferList: [port2],
      execArgv: [...execArgv],
    });
    this.#worker.on('error', () => this.close()); // seen as the end of the pipe
    this.#worker.unref();
  }

  write(bytes: Buffer): void {
    this.#port.postMessage(Uint8Array.from(bytes));
  }

  read(deadline: number | undefined): Buffer | undefined {
    for (;;) {
      const seen = Atomics.load(this.#count, 0);
      const message = this.#take();
      if (message !== undefined) return message;
      const left = deadline === undefined ? Infinity : deadline - performance.now();
      if (left <= 0) return undefined;
      Atomics.wait(this.#count, 0, seen, left);
    }
  }

  close(): void {
    this.#port.close();
    void this.#worker.terminate();
  }

  #take(): Buffer | undefined {
    const message = receiveMessageOnPort(this.#port)?.message as ThreadMessage | undefined;
    if (typeof message === 'string') throw new PipeEnd(message);
    return message === undefined ? undefined : Buffer.from(message.buffer, message.byteOffset, message.length);
  }
}
