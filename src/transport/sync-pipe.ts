// Bytes to and from another process, for a thread that blocks while it waits.

export interface SyncPipe {
  /** The secret of its link, once something has come, where that has one. */
  readonly channelBinding?: Buffer | undefined;
  /**
   * Returns when the bytes are on their way, or when `deadline` (of `performance.now()`) has passed:
   * then they leave before those of the next write. They are only lent.
   */
  write(bytes: Buffer, deadline?: number): void;
  /** Where another thread writes: blocks until it has, or `deadline` has passed. */
  flush?(deadline: number): void;
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
