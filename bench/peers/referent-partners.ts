// Two processes that pass an item, or a signal, to and fro by means of one manager: a queue for each direction, an event
// for each direction; by promises in both, and by calls that block in both. The time is that of one direction. The
// partner is forked and sent the proxies; it ends when the manager does.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { EventProxy, QueueProxy } from '../../src/index';
import { expectEqual, perOperation, runPeer, type Sizes } from '../measure';
import { loadReferent, type Manager } from './library';

interface Pair<P> {
  readonly there: P;
  readonly back: P;
}
type Queues = Pair<QueueProxy<number>>;
type Events = Pair<EventProxy>;

const library = loadReferent();
const { ConnectionLostError, Manager, revive, sync } = library;

/** What a partner does, by the name that it is started with. */
const partners = {
  async returnItems({ there, back }: Queues): Promise<never> {
    for (;;) await back.put(await there.get());
  },

  returnItemsBlocking(queues: Queues): never {
    const [there, back] = [sync(queues.there), sync(queues.back)];
    for (;;) back.put(there.get());
  },

  async returnSignals({ there, back }: Events): Promise<never> {
    for (;;) {
      await there.wait();
      await there.clear();
      await back.set();
    }
  },

  returnSignalsBlocking(events: Events): never {
    const [there, back] = [sync(events.there), sync(events.back)];
    for (;;) {
      there.wait();
      there.clear();
      back.set();
    }
  },
};
type Partner = keyof typeof partners;

async function handItems({ there, back }: Queues, trips: number): Promise<void> {
  for (let item = 0; item < trips; item += 1) {
    await there.put(item);
    expectEqual(await back.get(), item, 'the item that came back');
  }
}

function handItemsBlocking(queues: Queues, trips: number): void {
  const [there, back] = [sync(queues.there), sync(queues.back)];
  for (let item = 0; item < trips; item += 1) {
    there.put(item);
    expectEqual(back.get(), item, 'the item that came back');
  }
}

async function wake({ there, back }: Events, trips: number): Promise<void> {
  for (let done = 0; done < trips; done += 1) {
    await there.set();
    expectEqual(await back.wait(), true, 'wait()');
    await back.clear();
  }
}

function wakeBlocking(events: Events, trips: number): void {
  const [there, back] = [sync(events.there), sync(events.back)];
  for (let done = 0; done < trips; done += 1) {
    there.set();
    expectEqual(back.wait(), true, 'wait()');
    back.clear();
  }
}

/** One direction of a trip that `partner` answers. Each has a manager of its own, whose end is the partner's. */
async function measureTrip<P extends object>(
  sizes: Sizes,
  partner: Partner,
  create: (manager: Manager) => P,
  travel: (proxies: P, trips: number) => Promise<void> | void,
): Promise<number> {
  const manager = new Manager();
  const proxies = create(manager);
  const child = fork(__filename, ['partner', partner]);
  child.send(proxies);
  const ended = once(child, 'exit');
  const trip = await perOperation(sizes.samples, [sizes.warmUpTrips, sizes.trips], (trips) =>
    travel(proxies, trips),
  );
  await manager.shutdown();
  const [code] = (await ended) as [number | null];
  expectEqual(code, 0, 'the partner');
  return trip / 2;
}

function serve(partner: Partner): void {
  process.once('message', (message) => {
    const run = partners[partner] as (proxies: unknown) => Promise<never>;
    Promise.resolve(revive(message)).then(run).catch(endWithManager);
  });
}

function endWithManager(error: unknown): void {
  if (!(error instanceof ConnectionLostError)) throw error;
  process.exit(0);
}

const queues = (manager: Manager): Queues => ({ there: manager.queue(), back: manager.queue() });
const events = (manager: Manager): Events => ({ there: manager.event(), back: manager.event() });

if (process.argv[2] === 'partner') serve(process.argv[3] as Partner);
else {
  runPeer(async (sizes) => ({
    measures: {
      handOver: await measureTrip(sizes, 'returnItems', queues, handItems),
      handOverSync: await measureTrip(sizes, 'returnItemsBlocking', queues, handItemsBlocking),
      wake: await measureTrip(sizes, 'returnSignals', events, wake),
      wakeSync: await measureTrip(sizes, 'returnSignalsBlocking', events, wakeBlocking),
    },
  }));
}
