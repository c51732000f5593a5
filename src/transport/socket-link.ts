// A link over a socket of node:net or node:tls.

import { type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Link, type LinkListener, type NetworkEnd } from './link';

/** Quiet for so long, the system asks whether the other machine is still there. */
const KEEP_ALIVE_MS = 10_000;
const BINDING_BYTES = 32;
const BINDING_LABEL = 'EXPORTER-smg1';

export class SocketLink implements Link {
  readonly peer: string;
  readonly network: NetworkEnd | undefined;
  readonly #socket: Socket;
  readonly #traffic = { sent: 0, received: 0 };
  #error: Error | undefined;

  constructor(socket: Socket, peer: string, isNetwork: boolean) {
    this.#socket = socket;
    this.peer = peer;
    socket.setNoDelay(true);
    if (!isNetwork) return;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.network = Object.assign(this.#traffic, {
      remote: socket.remoteAddress ?? 'unknown', // it may have gone already
      channelBinding: bindingOf(socket),
    });
  }

  get buffered(): number {
    return this.#socket.writableLength;
  }

  listen(listener: LinkListener): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      this.#traffic.received += chunk.length;
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
    if (!this.#socket.writable) return;
    this.#traffic.sent += bytes.length;
    this.#socket.write(bytes);
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

function bindingOf(socket: Socket): Buffer | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  return socket.exportKeyingMaterial(BINDING_BYTES, BINDING_LABEL, Buffer.alloc(0));
}
