// The manager's side of FIFOs: a door at which clients announce theirs, and a link over each pair.
//
// Rule 1: the files of a pair are removed by whoever is through with them first: the client, the
//         manager that has opened them, or its sweeper. So a client may be killed at any moment.

import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { join, parse } from 'node:path';
import { CHUNK_BYTES, DOOR, IN, OUT, PAIR_NAME, makeFifos } from './fifo-pipe';
import { type Link, type LinkListener } from './link';

const { O_RDONLY, O_RDWR, O_NONBLOCK } = constants;
const NAME_LENGTH = 16;

export interface Door {
  /** Removes the FIFOs that are older: whoever made them was killed before it announced them. */
  sweep(ageMs: number): void;
  close(): void;
}

/** Undefined where this system has no FIFOs: then clients find another way. */
export function openDoor(directory: string, onLink: (link: Link) => void): Door | undefined {
  if (process.platform === 'win32') return undefined;
  const path = join(directory, DOOR);
  try {
    makeFifos(path);
  } catch {
    return undefined; // no mkfifo here
  }
  // Opened for both directions: the door stays open when the last client has closed it.
  const socket = new Socket({ fd: openSync(path, O_RDWR | O_NONBLOCK), readable: true });
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    const names = (rest + text).split('\n');
    rest = (names.pop() ?? '').slice(0, NAME_LENGTH + 1); // longer, it is no name anyway
    for (const name of names) if (PAIR_NAME.test(name)) enter(directory, name, onLink);
  });
  socket.on('error', () => socket.destroy()); // nobody can be told; clients find another way
  socket.unref();
  return {
    sweep: (ageMs) => {
      sweep(directory, ageMs);
    },
    close: () => socket.destroy(),
  };
}

function sweep(directory: string, ageMs: number): void {
  if (!existsSync(directory)) return; // somebody has tidied up
  for (const file of readdirSync(directory)) {
    if (!PAIR_NAME.test(parse(file).name)) continue;
    const path = join(directory, file);
    const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (Date.now() - made > ageMs) rmSync(path, { force: true });
  }
}

function enter(directory: string, name: string, onLink: (link: Link) => void): void {
  const paths = [join(directory, name + OUT), join(directory, name + IN)] as const;
  const ends: number[] = [];
  let link: Link;
  try {
    const input = openSync(paths[0], O_RDONLY | O_NONBLOCK);
    ends.push(input);
    const output = openSync(paths[1], O_RDWR | O_NONBLOCK);
    ends.push(output);
    link = new FifoLink(input, output, `${directory}/${name}`);
  } catch {
    for (const end of ends) closeSync(end);
    return; // the client has given up meanwhile, or it is no pair of FIFOs
  }
  // Nobody opens them again, and the client may be killed before it removes them.
  for (const path of paths) rmSync(path, { force: true });
  onLink(link);
}

class FifoLink implements Link {
  readonly peer: string;
  readonly #input: Socket;
  readonly #output: Socket;
  readonly #outputEnd: number;
  #onChunk: (chunk: Buffer) => void = () => undefined;

  constructor(input: number, output: number, peer: string) {
    this.peer = peer;
    this.#outputEnd = output;
    const options: SocketConstructorOpts = { fd: input, readable: true, writable: false };
    // One buffer for all reads: a call is small, and its price is what is done for each.
    const onread = {
      buffer: Buffer.allocUnsafe(CHUNK_BYTES),
      callback: (length: number, buffer: Uint8Array): boolean => {
        this.#onChunk(Buffer.from(buffer.subarray(0, length)));
        return true;
      },
    };
    this.#input = new Socket({ ...options, onread } as SocketConstructorOpts);
    this.#output = new Socket({ fd: output, readable: false, writable: true });
  }

  get buffered(): number {
    return this.#output.writableLength;
  }

  listen(listener: LinkListener): void {
    let failure: Error | undefined;
    for (const socket of [this.#input, this.#output]) {
      socket.on('error', (error) => {
        failure ??= error;
        this.destroy();
      });
    }
    this.#onChunk = (chunk) => {
      listener.data(chunk);
    };
    this.#input.resume();
    this.#output.on('drain', () => {
      listener.drain();
    });
    this.#input.on('close', () => {
      this.#output.destroy();
      listener.close(failure);
    });
  }

  /** Directly where that does not block: a stream costs as much as the call itself. */
  write(bytes: Buffer): void {
    if (!this.#output.writable) return;
    const written = this.#output.writableLength === 0 ? tryWrite(this.#outputEnd, bytes) : 0;
    if (written < bytes.length) this.#output.write(bytes.subarray(written));
  }

  end(): void {
    this.#output.end(() => {
      this.destroy();
    });
  }

  destroy(): void {
    this.#output.destroy();
    this.#input.destroy();
  }

  ref(): void {
    this.#input.ref();
  }

  unref(): void {
    this.#input.unref();
  }
}

/** How much the FIFO has taken. */
function tryWrite(end: number, bytes: Buffer): number {
  try {
    return writeSync(end, bytes, 0, bytes.length);
  } catch {
    return 0; // it is full, or broken, which the stream finds out
  }
}
