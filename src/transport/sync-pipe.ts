// Bytes to and from another process, for a thread that blocks while it waits.

export interface SyncPipe {
  /** The secret of its link, once something has come, where that has one. */
  readonly channelBinding?: Buffer | undefined;
  /** Returns when the bytes are on their way, whatever the other side does; they are only lent. */
  write(bytes: Buffer): void;
  /**
   * Blocks until something has come; undefined where `deadline` (of `performance.now()`) has passed
   * before. The bytes are lent until the next read. Throws `PipeEnd` where the other side has closed.
   */
  read(deadline: number | undefined): Buffer | undefined;
  close(): void;
}

/** The other side of a pipe is gone. */
export class PipeEnd extends Error {}

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the thread. */
export function sleepSync(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}
