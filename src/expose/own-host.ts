// This thread as the host of its own objects. It is made with the first of them, at a private address,
// so that every process of this user can open a token of one; it goes with the thread.
//
// Rule 1: the key lies beside the socket before there is any token, so whoever meets one in the same
//         tick waits until this thread listens.
// Rule 2: nothing can be created here from outside: only what was given can be reached.

import { randomBytes } from 'node:crypto';
import { DEFAULT_LIMITS, type Limits } from '../base/limits';
import { Host } from '../host/host';
import { Registry } from '../host/registry';
import { Names } from '../names/names';
import {
  makePrivateDirectory,
  markServed,
  newPrivateAddress,
  removePrivateDirectory,
  sweepPrivateDirectories,
} from '../process/runtime-directory';
import { realm } from '../proxy/realm';
import { type Identity } from '../session/handshake';
import { LocalCallee } from './local-callee';

export class OwnHost {
  readonly host: Host;
  /** Calls of this thread to what it has given, without a transport. */
  readonly callee: LocalCallee;
  readonly #address = newPrivateAddress();
  readonly #listening: Promise<void>;
  /** How many want the process to stay alive for those that may call. */
  #keepers = 0;

  constructor(limits: Limits) {
    const key = randomBytes(32);
    const identity = { manager: randomName(), incarnation: randomName() };
    makePrivateDirectory(this.#address, key);
    this.host = this.#makeHost(key, identity, limits);
    this.callee = new LocalCallee(this.host, { ...identity, address: this.#address });
    process.once('exit', this.#leave);
    this.#listening = this.#listen();
  }

  /** A proxy of `object`, with a reference of its own. Everything open of it can be reached. */
  proxyOf(object: object): object {
    return realm.makeHandle(this.callee.lend(object));
  }

  /** The process stays alive for those that may call, until what is answered is called. */
  keepAlive(): () => void {
    if (this.#keepers++ === 0) this.host.keepAlive(true);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--this.#keepers === 0) this.host.keepAlive(false);
    };
  }

  /** Ends every session; for tests, and nothing else: proxies of this thread are of no use then. */
  async close(): Promise<void> {
    await this.#listening;
    await this.host.close();
    process.off('exit', this.#leave);
    this.#leave();
  }

  #makeHost(key: Buffer, identity: Identity, limits: Limits): Host {
    const host = new Host({
      address: this.#address,
      key,
      identity,
      limits,
      registry: new Registry([]),
      endsWhenAsked: false,
      names: (objects) => new Names(objects),
    });
    host.keepAlive(false);
    return host;
  }

  async #listen(): Promise<void> {
    try {
      await this.host.listen();
      markServed(this.#address); // a thread that is terminated leaves no more than its directory
      await sweepPrivateDirectories();
    } catch (error) {
      this.#leave(); // whoever waits for the socket need not go on
      process.emitWarning(error as Error);
    }
  }

  readonly #leave = (): void => {
    removePrivateDirectory(this.#address);
  };
}

let own: OwnHost | undefined;

/** The one of this thread; `limits` count when it is made: tests have shorter ones. */
export function ownHost(limits = DEFAULT_LIMITS): OwnHost {
  return (own ??= new OwnHost(limits));
}

/** As if nothing had ever been given: for tests. */
export async function closeOwnHost(): Promise<void> {
  const closing = own;
  own = undefined;
  await closing?.close();
}

function randomName(): string {
  return randomBytes(16).toString('hex');
}
