// What runs in a client that is going to be killed: it goes to the point that it is sent to.
import { readSync, writeSync } from 'node:fs';
import { Manager, revive } from 'referent';
import { points } from './points.mjs';

/** Nothing of it is collected, so that nothing is given back before the end. */
const kept = [];

process.on('message', (message) => {
  const { point, role, address, shared } = message;
  const here = {
    address,
    /** At once, also where the thread blocks next. */
    there: (what = true) => writeSync(1, `${JSON.stringify(what)}\n`),
    /** What the parent says, for which the thread blocks. */
    hears: () => {
      const line = Buffer.alloc(4096);
      return JSON.parse(line.toString('utf8', 0, readSync(0, line)));
    },
    /** A session of its own, with no call yet. */
    connect: async () => {
      const manager = Manager.connect(address, { limits: { ticketMs: 300 } });
      kept.push(manager);
      await manager.start();
      return manager;
    },
  };
  const objects = revive(shared);
  kept.push(objects);
  points[point][role](objects, here).then(
    (value) => kept.push(value),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
