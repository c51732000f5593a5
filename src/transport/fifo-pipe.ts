// The fastest way to block for another process of the same machine: two FIFOs, read and written
// without any event loop. The manager has a FIFO named `door` in its private directory; a client
// makes two more, and announces them there by their name.
//
// Rule 1: no open(2) blocks: a FIFO is opened for both directions first, which never does.
// Rule 2: once the other side has spoken, each side has only its own ends, so that the death of one
//         is the end of the file for the other.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PipeEnd, type SyncPipe, sleepSync } from './sync-pipe';

export const DOOR = 'door';
/** The name of a pair; the directions as the client sees them. */
export const PAIR_NAME = /^[0-9a-f]{16}$/;
export const OUT = '.out';
export const IN = '.in';

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;
export const CHUNK_BYTES = 64 * 1024;
/** While a deadline runs the FIFO is looked at this often. */
const POLL_MS = 0.05;
const POLL_MS_MAX = 1;

/** FIFOs that only this user can open. Throws where there is no `mkfifo`. */
export function makeFifos(...paths: readonly string[]): void {
  execFileSync('mkfifo', ['-m', '600', ...paths], { stdio: 'ignore' });
}

export class FifoPipe implements SyncPipe {
  readonly #out: number;
  readonly #in: number;
  /** The same end, for looking without blocking. */
  readonly #poll: number;
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  /** Read while the pair was announced. */
  #first: Buffer | undefined;

  private constructor(ends: {
    readonly out: number;
    readonly in: number;
    readonly poll: number;
    readonly first: Buffer;
  }) {
    this.#out = ends.out;
    this.#in = ends.in;
    this.#poll = ends.poll;
    this.#first = ends.first;
  }

  /**
   * Announces a new pair at the door of `directory`, and blocks until the other side has spoken.
   * Undefined where there is no door, and none is coming, or nobody answers.
   */
  static open(
    directory: string,
    wait: { readonly isComing: () => boolean; readonly answerMs: number },
  ): FifoPipe | undefined {
    const path = join(directory, DOOR);
    const door = openDoor(path, wait.isComing);
    if (door === undefined) return undefined;
    const name = randomBytes(8).toString('hex');
    const paths = [join(directory, name + OUT), join(directory, name + IN)] as const;
    const both: number[] = [];
    try {
      makeFifos(...paths);
      for (const path of paths) both.push(openSync(path, O_RDWR | O_NONBLOCK));
      const ends = {
        out: openSync(paths[0], O_WRONLY),
        in: openSync(paths[1], O_RDONLY),
        poll: openSync(paths[1], O_RDONLY | O_NONBLOCK),
      };
      writeSync(door, `${name}\n`);
      const first = waitForBytes(ends.poll, path, wait.answerMs);
      if (first !== undefined) return new FifoPipe({ ...ends, first });
      for (const end of Object.values(ends)) closeSync(end);
      return undefined;
    } finally {
      for (const end of [door, ...both]) closeSync(end);
      for (const path of paths) rmSync(path, { force: true }); // the other side may be faster
    }
  }

  write(bytes: Buffer): void {
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.#out, bytes, at, bytes.length - at);
    } catch (cause) {
      throw new PipeEnd('The other side no longer reads', { cause });
    }
  }

  read(deadline: number | undefined): Buffer | undefined {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return first;
    if (deadline !== undefined) return this.#readUntil(deadline);
    return this.#readBlocking();
  }

  close(): void {
    for (const end of [this.#out, this.#in, this.#poll]) closeSync(end);
  }

  #readBlocking(): Buffer {
    for (;;) {
      try {
        const length = readSync(this.#in, this.#chunk, 0, CHUNK_BYTES, null);
        if (length === 0) throw new PipeEnd('The other side has closed');
        return this.#chunk.subarray(0, length);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error; // a signal: read on
      }
    }
  }

  #readUntil(deadline: number): Buffer | undefined {
    for (let pause = POLL_MS; ; pause = Math.min(pause * 2, POLL_MS_MAX)) {
      const bytes = tryRead(this.#poll, this.#chunk);
      if (bytes?.length === 0) throw new PipeEnd('The other side has closed');
      if (bytes !== undefined) return bytes;
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      sleepSync(Math.min(pause, left));
    }
  }
}

/** Undefined where nothing is there; no bytes at the end. */
function tryRead(end: number, chunk: Buffer): Buffer | undefined {
  try {
    return Buffer.from(chunk.subarray(0, readSync(end, chunk)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

/** ENOENT: the manager has not come so far; ENXIO: it no longer, or not yet, reads. */
function openDoor(path: string, isComing: () => boolean): number | undefined {
  for (;;) {
    try {
      return openSync(path, O_WRONLY | O_NONBLOCK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOENT' && code !== 'ENXIO') || !isComing()) return undefined;
      sleepSync(1);
    }
  }
}

/** With our own writing end open there is no end of the file: no bytes mean that none have come. */
function waitForBytes(end: number, door: string, timeoutMs: number): Buffer | undefined {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    const bytes = tryRead(end, chunk);
    if (bytes !== undefined && bytes.length > 0) return bytes;
    const isThere = openDoor(door, () => false);
    if (isThere === undefined) return undefined;
    closeSync(isThere);
    sleepSync(0.2);
  }
  return undefined;
}
