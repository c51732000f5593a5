// What a worker of a pool runs: it is told where its manager is, takes its seat there, and ends with
// the channel over which it was told, whatever becomes of the manager.

import { adoptLog, logsHaveLeft } from './log/child-log';
import { makeObject } from './manager';
import { loadModule } from './process/modules';
import { release } from './proxy/functions';
import { realm } from './proxy/realm';
import { asBuffers } from './transport/tls-options';
import { Desk } from './types/pool-desk';
import { type WorkerConfig } from './types/pool-worker';
import { registerStandardProxies } from './types/standard-types';

async function takeSeat({
  address,
  key,
  serializer,
  tls,
  types,
  seat,
}: WorkerConfig): Promise<void> {
  // Before the first argument comes: the manager has what they register, and so must its workers.
  for (const { url } of types) await loadModule(url);
  // It was told where, and the key, by the manager itself: no certificate could prove more.
  const certificate = tls === undefined ? {} : { tls: asBuffers(tls) };
  realm.keys.learn({ address, key, serializer, trusting: true, ...certificate });
  const args = [seat, new Desk().calls];
  release(makeObject(realm.connectionTo(address), { typeid: '_seat', args, purpose: 'argument' }));
}

registerStandardProxies();
process.once('message', (config: WorkerConfig) => {
  adoptLog(config.log);
  void takeSeat(config);
});
process.once('disconnect', () => {
  void logsHaveLeft().then(() => process.exit(0));
});
