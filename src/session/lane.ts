// A lane: a further link of a session, for a thread that blocks until its call is answered. All that
// was sent before and may not have left goes along, and calls of the other side are served meanwhile.

import { TimeoutError } from '../base/errors';
import { type Limits } from '../base/limits';
import { hasEnded, requireEntry, threadArguments } from '../process/child';
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
  /** The handshake is over. */
  #isOpen = false;

  /**
   * Blocks until the session has taken the lane; undefined where `deadline` (of `performance.now()`)
   * has passed before. Throws `PipeEnd` where nobody answers.
   */
  static open(options: LaneOptions, deadline: number | undefined): Lane | undefined {
    const pipe = openPipe(options, deadline);
    if (pipe === undefined) return undefined;
    try {
      const lane = new Lane(pipe, options);
      if (lane.#isTaken(options, deadline)) return lane;
    } catch (error) {
      pipe.close();
      throw error;
    }
    pipe.close();
    return undefined;
  }

  private constructor(pipe: SyncPipe, options: LaneOptions) {
    this.#pipe = pipe;
    const shake = this.#shakeHands(options);
    const onMessage: OnMessage = (buffer, start, end) => {
      if (this.#isOpen) options.receive(buffer, start, end);
      else shake(buffer, start, end);
    };
    this.#reader = new FrameReader(onMessage, HANDSHAKE_BYTES, true);
  }

  /** One that has answered before is given all the time that the call has: it is busy. */
  #isTaken(options: LaneOptions, deadline = Infinity): boolean {
    const patience = options.isServing ? Infinity : options.limits.handshakeMs;
    const end = Math.min(deadline, performance.now() + patience);
    while (!this.#isOpen) {
      if (this.receive(end === Infinity ? undefined : end)) continue;
      if (end === deadline) return false;
      throw tooSlow(options.credentials.address, options.limits);
    }
    return true;
  }

  #shakeHands(options: LaneOptions): LaneOptions['receive'] {
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
      this.#isOpen = true;
    };
  }

  /** All that waits, and what may not have left by the link. */
  send(outbox: Outbox, deadline?: number): void {
    const write = (bytes: Buffer): void => {
      this.#pipe.write(bytes, deadline);
    };
    this.#next = outbox.writeTo({ write }, this.#next);
  }

  /** The same, before this process ends: nothing of it stays here that can leave until `deadline`. */
  sendLast(outbox: Outbox, deadline: number): void {
    this.send(outbox, deadline);
    this.#pipe.flush?.(deadline);
  }

  /** Blocks until something has come, and takes it; false where `deadline` has passed before. */
  receive(deadline: number | undefined): boolean {
    if (this.#reader.hasMore) {
      this.#reader.readOn(); // inside of a callback: what came along with its call
      return true;
    }
    const chunk = this.#pipe.read(deadline);
    if (chunk === undefined) return false;
    this.#reader.push(chunk);
    return true;
  }

  close(): void {
    this.#pipe.close();
  }
}

export function tooSlow(address: string, limits: Limits): TimeoutError {
  return new TimeoutError(
    `Cannot connect to ${address}: no handshake within ${String(limits.handshakeMs)} ms`,
  );
}

/** FIFOs where the manager is a private one of this machine; else a thread with a socket. */
function openPipe(options: LaneOptions, deadline = Infinity): SyncPipe | undefined {
  const { connecting, limits, pid, isServing } = options;
  const { address } = options.credentials;
  const directory = directoryOf(address);
  const end = performance.now() + limits.startMs;
  const isComing = (): boolean =>
    isStarting(address) && (pid === undefined ? performance.now() < end : !hasEnded(pid));
  const isLate = (): boolean => performance.now() >= deadline;
  const answerMs = Math.min(limits.handshakeMs, deadline - performance.now());
  if (directory !== undefined && process.platform !== 'win32') {
    const pipe = openFifo(directory, { isComing: () => !isLate() && isComing(), answerMs });
    if (pipe !== undefined || isLate()) return pipe;
  }
  requireEntry(THREAD_ENTRY, 'a thread that blocks for another process');
  return ThreadPipe.open(parseAddress(address), {
    connecting: { tls: connecting?.tls, trusting: connecting?.trusting },
    execArgv: threadArguments(THREAD_ENTRY),
    isComing: () =>
      isComing() || (!isServing && pid !== undefined && directory === undefined && !hasEnded(pid)),
    // A manager of this machine that has answered before is busy; of another machine, who knows.
    answerMs: isServing && directory !== undefined ? Infinity : limits.handshakeMs,
    deadline,
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
