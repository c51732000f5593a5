// A client of a host in this process, over a link in memory, as another process would be one.
import { DEFAULT_LIMITS } from '../../src/base/limits';
import { type Host } from '../../src/host/host';
import { findPrivateKey } from '../../src/process/runtime-directory';
import { realm, translator } from '../../src/proxy/realm';
import { Connection } from '../../src/session/connection';
import { lossOf } from '../../src/session/loss';
import { type Link } from '../../src/transport/link';
import { memoryPair } from '../../src/transport/memory';
import { tokenOf } from '../../src/index';

export class NearClient {
  readonly connection: Connection;
  #link: Link | undefined;

  constructor(host: Host) {
    const { address } = host;
    this.connection = new Connection({
      address,
      key: () => findPrivateKey(address) as Buffer,
      limits: DEFAULT_LIMITS,
      translator,
      lendsInstances: true,
      prepare: async () => undefined,
      retry: async () => false,
      describeLoss: (cause) => lossOf(address, cause),
      connectLink: async () => {
        const [ours, theirs] = memoryPair();
        this.#link = ours;
        host.accept(theirs);
        return ours;
      },
    });
  }

  get pendingCalls(): number {
    return this.connection.session.pendingCalls;
  }

  /** The same object, as another process has it. */
  async claim<T extends object>(proxy: T): Promise<T> {
    const { lease, over } = this.connection.claim(tokenOf(proxy).text);
    await over;
    return realm.makeHandle(lease) as T;
  }

  /** Resolves when the host has handled all that was sent till now. */
  async flush(): Promise<void> {
    await this.connection.manage('numberOfObjects');
  }

  /** As if the process had been killed. */
  kill(): void {
    this.#link?.destroy();
  }

  close(): void {
    this.connection.close();
  }
}
