// referent ping: how long an answer takes, or that there is none.

import { type Manager } from '../manager';
import { ACCESS_NOTES } from './access';
import { command, numberOf } from './command';
import { print } from './output';
import { VISIT, visit } from './visit';

export const ping = command({
  name: 'ping',
  argument: 'ADDRESS',
  summary: 'Prints how long an answer takes.',
  flags: {
    count: {
      type: 'string',
      value: 'N',
      help: 'how often to ask, one time after another; default 1',
    },
    ...VISIT,
  },
  notes: ACCESS_NOTES,
  run: async (values, address) => {
    const count = numberOf('count', values.count, 1);
    await visit(address, values, async (manager) => {
      await manager.start(); // connecting is no part of a round trip
      for (let i = 0; i < count; i++) await print(`${await roundTrip(manager)} ms\n`);
    });
  },
});

async function roundTrip(manager: Manager): Promise<string> {
  const { roundTripMs } = await manager.ping();
  return roundTripMs.toFixed(3);
}
