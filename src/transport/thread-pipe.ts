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
  /** Two numbers: of the messages that the thread has sent, and of those that it has written. */
  readonly counts: Int32Array;
}

/** A chunk, or why there are no more; of a link that has a secret, that first. */
export type ThreadMessage = Uint8Array | string | { readonly channelBinding: Uint8Array };

/** Where they stand among the counts. */
export const SENT = 0;
export const WRITTEN = 1;

export const THREAD_ENTRY = join(__dirname, `thread-pipe-entry${extname(__filename)}`);

/** How often whoever waits for a manager looks whether it still comes. */
const POLL_MS = 20;

export class ThreadPipe implements SyncPipe {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #counts = new Int32Array(new SharedArrayBuffer(8));
  /** Messages to the thread. */
  #posted = 0;

  channelBinding: Buffer | undefined;
  /** Read while it was opened. */
  #first: Buffer | undefined;

  /**
   * Blocks until the other side has spoken; throws `PipeEnd` where nobody listens and `isComing` says
   * that nobody will; undefined where `deadline` has passed before. `execArgv`: what the thread needs to load its entry.
   */
  static open(
    address: Address,
    options: {
      readonly connecting: ThreadData['connecting'];
      readonly execArgv: readonly string[];
      readonly isComing: () => boolean;
      readonly answerMs: number;
      readonly deadline: number;
    },
  ): ThreadPipe | undefined {
    const isPatient = options.isComing();
    const pipe = new ThreadPipe(
      { address, connecting: options.connecting, isPatient },
      options.execArgv,
    );
    const waitMs = isPatient ? POLL_MS : options.answerMs;
    do {
      pipe.#first = pipe.read(Math.min(performance.now() + waitMs, options.deadline));
      if (pipe.#first !== undefined) return pipe;
    } while (options.isComing() && performance.now() < options.deadline);
    pipe.close();
    if (performance.now() >= options.deadline) return undefined;
    throw new PipeEnd(isPatient ? 'It has ended before it listened' : 'It does not answer');
  }

  private constructor(given: Omit<ThreadData, 'port' | 'counts'>, execArgv: readonly string[]) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: ThreadData = { ...given, port: port2, counts: this.#counts };
    this.#worker = new Worker(THREAD_ENTRY, {
      workerData,
      transferList: [port2],
      execArgv: [...execArgv],
    });
    this.#worker.on('error', () => this.close()); // seen as the end of the pipe
    this.#worker.unref();
  }

  write(bytes: Buffer): void {
    this.#posted = (this.#posted + 1) | 0; // as the count wraps
    this.#port.postMessage(new Uint8Array(bytes));
  }

  flush(deadline: number): void {
    for (;;) {
      const written = Atomics.load(this.#counts, WRITTEN);
      const left = deadline - performance.now();
      if (written === this.#posted || left <= 0) return;
      Atomics.wait(this.#counts, WRITTEN, written, left);
    }
  }

  read(deadline: number | undefined): Buffer | undefined {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return first;
    for (;;) {
      const seen = Atomics.load(this.#counts, SENT);
      const message = this.#take();
      if (message !== undefined) return message;
      const left = deadline === undefined ? Infinity : deadline - performance.now();
      if (left <= 0) return undefined;
      Atomics.wait(this.#counts, SENT, seen, left);
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
