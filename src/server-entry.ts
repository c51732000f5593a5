// What the manager's child process runs: it is told what to serve, serves, and ends with its owner.

import { ReferentError } from './base/errors';
import { resolveLimits, type Limits } from './base/limits';
import { homeOf } from './home';
import { Host } from './host/host';
import { type ChildLog, adoptLog, logsHaveLeft } from './log/child-log';
import { logFault } from './log/faults';
import { Registry, type RegisteredType } from './host/registry';
import { Names } from './names/names';
import { type ResolvedModule, loadExport } from './process/modules';
import {
  removePrivateDirectory,
  sweepPrivateDirectories,
  writeFailure,
} from './process/runtime-directory';
import { revive } from './proxy/functions';
import { type KnownRoute } from './proxy/key-ring';
import { realm } from './proxy/realm';
import { STANDARD_TYPES, registerStandardProxies } from './types/standard-types';
import { requireSerializer } from './wire/serializers';
import { packValue } from './wire/values';
import { type Identity } from './session/handshake';
import { type TlsOptions, asBuffers } from './transport/tls-options';

/** What the owner tells its child, once. */
export interface ServerConfig {
  readonly address: string;
  readonly isPrivate: boolean;
  readonly key: Uint8Array;
  readonly ownerSecret: Uint8Array;
  readonly identity: Identity;
  readonly limits: Partial<Limits>;
  readonly registrations: readonly RegisteredType[];
  readonly types: readonly ResolvedModule[];
  readonly tls: TlsOptions | undefined;
  readonly debug: boolean;
  readonly imports: boolean | readonly string[];
  readonly name: string | undefined;
  readonly log: ChildLog | undefined;
  readonly serializer: string;
}

/** A manager that the owner can reach: ours can then hold its objects. */
export interface RouteMessage {
  readonly kind: 'route';
  readonly route: KnownRoute;
}

export interface StartRequest {
  readonly kind: 'serve';
  readonly initializer?: ResolvedModule | undefined;
  readonly initargs: readonly unknown[];
}

/** What the child says: that it is there, that it serves, or why it cannot. */
export type ServerMessage =
  | { readonly kind: 'hello' }
  | { readonly kind: 'ready'; readonly address: string }
  | { readonly kind: 'failed'; readonly error: Uint8Array };

/** The owner is gone: the end of the channel says so too. */
function ignoreLost(): void {
  return undefined;
}

function tell(message: ServerMessage): void {
  if (process.connected) process.send?.(message, ignoreLost);
}

async function serve(config: ServerConfig, request: StartRequest): Promise<void> {
  const home = homeOf(config, () => host.address);
  const registry = new Registry(STANDARD_TYPES, home);
  for (const registration of config.registrations) registry.add(registration);
  for (const module of config.types) await registry.addModule(module);
  if (request.initializer !== undefined) await initialize(request.initializer, request.initargs);
  requireSerializer(config.serializer); // what is registered was registered by now
  const host = new Host({
    address: config.address,
    key: Buffer.from(config.key),
    ownerSecret: Buffer.from(config.ownerSecret),
    identity: config.identity,
    limits: resolveLimits(config.limits, config.isPrivate),
    registry,
    names: (objects) => new Names(objects),
    debug: config.debug,
    serializer: config.serializer,
    ...(config.tls === undefined ? {} : { tls: asBuffers(config.tls) }),
  });
  host.on('fault', (fault) => {
    logFault(fault);
  });
  host.on('closed', () => {
    leave(config);
  });
  process.once('disconnect', () => {
    void host.close(0); // the owner is gone
  });
  if (!process.connected) {
    leave(config);
    return;
  }
  await host.listen();
  tell({ kind: 'ready', address: host.address });
  await sweepPrivateDirectories();
}

async function initialize(module: ResolvedModule, args: readonly unknown[]): Promise<void> {
  const initializer = await loadExport(module);
  if (typeof initializer !== 'function')
    throw new ReferentError('The initializer is not a function');
  await (Reflect.apply(initializer, undefined, revive(args)) as unknown);
}

function leave(config: ServerConfig): void {
  if (config.isPrivate) removePrivateDirectory(config.address);
  if (process.connected) process.disconnect();
  setImmediate(exit);
}

/** What a referent left running does not keep a manager alive. */
function exit(): void {
  void logsHaveLeft().then(() => process.exit(0));
}

function learn(route: KnownRoute): void {
  realm.keys.learn(route.tls === undefined ? route : { ...route, tls: asBuffers(route.tls) });
}

/** Until it serves: an owner that ends before leaves nothing behind. */
let starting: ServerConfig | undefined;

registerStandardProxies();
process.once('message', (config: ServerConfig) => {
  starting = config;
  adoptLog(config.log, config.name);
  process.on('message', (request: StartRequest | RouteMessage) => {
    if (request.kind === 'route') {
      learn(request.route);
      return;
    }
    serve(config, request).catch((error: unknown) => {
      const failure = packValue(error);
      tell({ kind: 'failed', error: failure });
      // The owner removes it: one that blocks for us reads it there.
      if (config.isPrivate) writeFailure(config.address, failure);
      setImmediate(() => {
        exit(); // the end of the channel is that of the process: the failure stays for the owner
      });
    });
  });
});
process.once('disconnect', () => {
  if (starting?.isPrivate === true) removePrivateDirectory(starting.address);
  setTimeout(() => process.exit(0), 1000).unref();
});
tell({ kind: 'hello' });
