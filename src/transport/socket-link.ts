// A link over a socket of node:net.

import { type Socket } from 'node:net';
import { type Link, type LinkListener } from './link';

export class SocketLink implements Link {
  readonly peer: string;
  readonly #socket: Socket;
  #error: Error | undefined;

  constructor(socket: Socket, peer: string) {
    this.#socket = socket;
    this.peer = peer;
    socket.setNoDelay(true);
  }

  get buffered(): number {
    return this.#socket.writableLength;
  }

  listen(listener: LinkListener): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      listener.data(chunk);
    });
    socket.on('drain', () => {
      listener.drain();
    });
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => {
      listener.close(this.#error);
    });
  }

  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }
}
