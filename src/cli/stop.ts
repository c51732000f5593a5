// referent stop: asks a manager to end, and waits until it has.

import { once } from 'node:events';
import { Manager } from '../manager';
import { ACCESS_NOTES } from './access';
import { command, numberOf } from './command';
import { VISIT, visit } from './visit';

const DRAIN_MS = 5000;

export const stop = command({
  name: 'stop',
  argument: 'ADDRESS',
  summary: 'Ends a manager: returns when its sessions have ended and its address is free.',
  flags: {
    'drain-ms': {
      type: 'string',
      value: 'N',
      help: `how long calls may still run; default ${DRAIN_MS}`,
    },
    ...VISIT,
  },
  notes: `  Exits with 3 where nobody listens.\n\n${ACCESS_NOTES}`,
  run: async (values, address) => {
    const drainMs = numberOf('drain-ms', values['drain-ms'], DRAIN_MS);
    const end = async (watcher: Manager, options: object): Promise<void> => {
      await watcher.ref().start();
      const ended = once(watcher, 'disconnect');
      // By a session of its own: this one must see the end, and not make it.
      await Manager.connect(address, options).shutdown({ drainMs });
      await ended;
    };
    await visit(address, values, end, drainMs);
  },
});
