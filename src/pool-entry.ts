// What a worker of a pool runs: it is told where its manager is, takes its seat there, and ends with
// the channel over which it was told, whatever becomes of the manager.

import { Manager } from './manager';
import { release } from './proxy/functions';
import { Desk } from './types/pool-desk';
import { type WorkerConfig } from './types/pool-worker';
import { registerStandardProxies } from './types/standard-types';
import { serializerToward } from './wire/serializers';

registerStandardProxies();
process.once('message', ({ address, key, serializer, seat }: WorkerConfig) => {
  const manager = Manager.connect(address, {
    authkey: Buffer.from(key),
    serializer: serializerToward(serializer),
  });
  release(manager.create('_seat', seat, new Desk()));
});
process.once('disconnect', () => process.exit(0));
