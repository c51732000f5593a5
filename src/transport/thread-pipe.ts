// Blocking for another process over any kind of socket: a thread has the socket and its event loop,
// and the thread that blocks is woken by `Atomics.notify`.

import {
  Worker,
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
} from 'node:worker_threads';
import { extname, join } from 'node:path';
import { type Address } from './address';
import { type ConnectingOptions } from './connect';
import { PipeEnd, type SyncPipe } from './sync-pipe';

/** What the thread is given. */
export interface ThreadData {
  readonly address: Address;
  /** Tries again and again where nobody listens yet. */
  readonly isPatient: boolean;
  readonly connecting: Pick<ConnectingOptions, 'tls' | 'trusting'>;
  readonly port: MessagePort;
  /** Grows with each message of the thread. */
  readonly count: Int32Array;
}

/** A chunk, or why there are no more; of a link that has a secret, that first. */
export type ThreadMessage = Uint8Array | string | { readonly channelBinding: Uint8Array };

export const THREAD_ENTRY = join(__dirname, `thread-pipe-entry${extname(__filename)}`);

/** How often whoever waits for a manager looks whether it still comes. */
const POLL_MS = 20;

export class ThreadPipe implements SyncPipe {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #count = new Int32Array(new SharedArrayBuffer(4));

  channelBinding: Buffer | undefined;
  /** Read while it was opened. */
  #first: Buffer | undefined;

  /**
   * Blocks until the other side has spoken; throws `PipeEnd` where nobody listens and `isComing` says
   * that nobody will. `execArgv`: what the thread needs to load its entry.
   */
  static open(
    address: Address,
    options: {
      readonly connecting: ThreadData['connecting'];
      readonly execArgv: readonly string[];
      readonly isComing: () => boolean;
      readonly answerMs: number;
    },
  ): ThreadPipe {
    const isPatient = options.isComing();
    const pipe = new ThreadPipe(
      { address, connecting: options.connecting, isPatient },
      options.execArgv,
    );
    do {
      const waitMs = isPatient ? POLL_MS : options.answerMs;
      pipe.#first = pipe.read(performance.now() + waitMs);
      if (pipe.#first !== undefined) return pipe;
    } while (options.isComing());
    pipe.close();
    throw new PipeEnd(isPatient ? 'It has ended before it listened' : 'It does not answer');
  }

  private constructor(given: Omit<ThreadData, 'port' | 'count'>, execArgv: readonly string[]) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: ThreadData = { ...given, port: port2, count: this.#count };
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
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return first;
    for (;;) {
      const seen = Atomics.load(this.#count, 0);
      const message = this.#take();
      if (message !== undefined) return message;
      const left = deadline === undefined ? Infinity : deadline - performance.now();
      if (left <= 0) return undefined;
      Atomics.wait(this.#count, 0, seen, left);
    }
  }

  /** The thread sends what it was given, and ends by itself. */
  close(): void {
    this.#port.close();
  }

  #take(): Buffer | undefined {
    const message = receiveMessageOnPort(this.#port)?.message as ThreadMessage | undefined;
    if (typeof message === 'string') throw new PipeEnd(message);
    if (message !== undefined && 'channelBinding' in message) {
      this.channelBinding = Buffer.from(message.channelBinding);
      return this.#take();
    }
    return message === undefined
      ? undefined
      : Buffer.from(message.buffer, message.byteOffset, message.length);
  }
}
