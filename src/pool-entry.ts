// What a worker of a pool runs: it is told where its manager is, takes its seat there, and ends with
// the channel over which it was told, whatever becomes of the manager.

import { adoptLog, logsHaveLeft } from './log/child-log';
import { Manager } from './manager';
import { release } from './proxy/functions';
import { Desk } from './types/pool-desk';
import { type WorkerConfig } from './types/pool-worker';
import { registerStandardProxies } from './types/standard-types';

registerStandardProxies();
process.once('message', ({ address, key, seat, log }: WorkerConfig) => {
  adoptLog(log);
  const manager = Manager.connect(address, { authkey: Buffer.from(key) });
  release(manager.create('_seat', seat, new Desk()));
});
process.once('disconnect', () => {
  void logsHaveLeft().then(() => process.exit(0));
});
