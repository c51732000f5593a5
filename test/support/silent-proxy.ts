// A TCP proxy that can fall silent: it forwards nothing any more and keeps all sockets open, as a
// router does that has forgotten a connection.
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { once } from 'node:events';

export class SilentProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #mode: 'forwards' | 'armed' | 'silent' = 'forwards';

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const server = connect(target, '127.0.0.1');
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
      }
      client.on('data', (bytes: Buffer) => {
        if (this.#mode !== 'silent') server.write(bytes);
      });
      server.on('data', (bytes: Buffer) => {
        if (this.#mode === 'armed') this.#mode = 'silent';
        if (this.#mode !== 'silent') client.write(bytes);
      });
      client.on('close', () => {
        if (this.#mode !== 'silent') server.end();
      });
      server.on('close', () => {
        if (this.#mode !== 'silent') client.end();
      });
    });
  }

  /** In front of a port of this machine. */
  static async to(target: number): Promise<SilentProxy> {
    const proxy = new SilentProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): string {
    return `tcp://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** The next bytes from the server are lost, and all that comes after them from either side. */
  fallSilent(): void {
    this.#mode = 'armed';
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
