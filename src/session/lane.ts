// A lane: a further link of a session, for a thread that blocks until its call is answered. All that
// was sent before and may not have left goes along, and calls of the other side are served meanwhile.

import { TimeoutError } from '../base/errors';
import { type Limits } from '../base/limits';
import { hasEnded, threadArguments } from '../process/child';
import { directoryOf, isStarting } from '../process/runtime-directory';
import { parseAddress } from '../transport/address';
import { type ConnectingOptions } from '../transport/connect';
import { FifoPipe } from '../transport/fifo-pipe';
import { FrameReader, type OnMessage } from '../transport/frame-reader';
import { type Outbox } from '../transport/outbox';
import { type SyncPipe } from '../transport/sync-pipe';
import { THREAD_ENTRY, ThreadPipe } from '../transport/thread-pipe';
import { HANDSHAKE_BYTES } from '../wire/auth';
import { type Admission, type Credentials, Handshake, sendMessage } from './handshake';

export interface LaneOptions {
  readonly credentials: Credentials;
  readonly limits: Limits;
  readonly connecting: ConnectingOptions | undefined;
  /** The manager's process, where it is a child of this one. */
  readonly pid: number | undefined;
  /** It has answered before. */
  readonly isServing: boolean;
  /** Takes a message of the session. */
  readonly receive: (buffer: Buffer, start: number, end: number) => void;
  readonly admitted: (admission: Admission) => void;
}

export class Lane {
  readonly #pipe: SyncPipe;
  readonly #reader: FrameReader;
  /** The number of the message that the other end of the pipe counts next. */
  #next = 1;

  /** Blocks until the session has taken the lane. Throws `PipeEnd` where nobody answers. */
  constructor(options: LaneOptions) {
    this.#pipe = openPipe(options);
    let receive = this.#shakeHands(options, () => {
      receive = options.receive;
    });
    const onMessage: OnMessage = (buffer, start, end) => {
      receive(buffer, start, end);
    };
    this.#reader = new FrameReader(onMessage, HANDSHAKE_BYTES, true);
    try {
      const deadline = performance.now() + options.limits.handshakeMs;
      while (receive !== options.receive) if (!this.receive(deadline)) throw tooSlow(options);
    } catch (error) {
      this.#pipe.close();
      throw error;
    }
  }

  #shakeHands(options: LaneOptions, done: () => void): LaneOptions['receive'] {
    const handshake = new Handshake(options.credentials, true);
    return (buffer, start, end) => {
      const answer = handshake.receive(
        Buffer.from(buffer.subarray(start, end)),
        this.#pipe.channelBinding,
      );
      if (Buffer.isBuffer(answer)) {
        sendMessage(this.#pipe, answer);
        return;
      }
      this.#reader.messageBytes = options.limits.messageBytes;
      options.admitted(answer);
      done();
    };
  }

  /** All that waits, and what may not have left by the link. */
  send(outbox: Outbox): void {
    this.#next = outbox.writeTo(this.#pipe, this.#next);
  }

  /** Blocks until something has come, and takes it; false where `deadline` has passed before. */
  receive(deadline: number | undefined): boolean {
    const chunk = this.#pipe.read(deadline);
    if (chunk === undefined) return false;
    this.#reader.push(chunk);
    return true;
  }

  close(): void {
    this.#pipe.close();
  }
}

function tooSlow({ credentials, limits }: LaneOptions): TimeoutError {
  return new TimeoutError(
    `Cannot connect to ${credentials.address}: no handshake within ${String(limits.handshakeMs)} ms`,
  );
}

/** FIFOs where the manager is a private one of this machine; else a thread with a socket. */
function openPipe(options: LaneOptions): SyncPipe {
  const { connecting, limits, pid, isServing } = options;
  const { address } = options.credentials;
  const directory = directoryOf(address);
  const end = performance.now() + limits.startMs;
  const isComing = (): boolean =>
    isStarting(address) && (pid === undefined ? performance.now() < end : !hasEnded(pid));
  if (directory !== undefined && process.platform !== 'win32') {
    const pipe = openFifo(directory, { isComing, answerMs: limits.handshakeMs });
    if (pipe !== undefined) return pipe;
  }
  return ThreadPipe.open(parseAddress(address), {
    connecting: { tls: connecting?.tls, trusting: connecting?.trusting },
    execArgv: threadArguments(THREAD_ENTRY),
    isComing: () =>
      isComing() || (!isServing && pid !== undefined && directory === undefined && !hasEnded(pid)),
    answerMs: limits.handshakeMs,
  });
}

function openFifo(
  directory: string,
  wait: { readonly isComing: () => boolean; readonly answerMs: number },
): SyncPipe | undefined {
  try {
    return FifoPipe.open(directory, wait);
  } catch {
    return undefined; // no mkfifo here, or no room for files: a thread does it too
  }
}
