// What a worker of a pool runs: it is told where its manager is, takes its seat there, and ends with
// the channel over which it was told, whatever becomes of the manager.

import { adoptLog, logsHaveLeft } from './log/child-log';
import { Manager } from './manager';
import { loadModule } from './process/modules';
import { release } from './proxy/functions';
import { Desk } from './types/pool-desk';
import { type WorkerConfig } from './types/pool-worker';
import { registerStandardProxies } from './types/standard-types';
import { serializerToward } from './wire/serializers';

async function takeSeat({ address, key, serializer, types, seat }: WorkerConfig): Promise<void> {
  // Before the first argument comes: the manager has what they register, and so must its workers.
  for (const { url } of types) await loadModule(url);
  const manager = Manager.connect(address, {
    authkey: Buffer.from(key),
    serializer: serializerToward(serializer),
  });
  release(manager.create('_seat', seat, new Desk()));
}

registerStandardProxies();
process.once('message', (config: WorkerConfig) => {
  adoptLog(config.log);
  void takeSeat(config);
});
process.once('disconnect', () => {
  void logsHaveLeft().then(() => process.exit(0));
});
