import { Manager, revive, type QueueProxy } from '../src';
import { type Counter } from './counter';

// 1. A manager with a class of one's own
class MyManager extends Manager {
  static {
    this.register('Counter', { module: require.resolve('./counter'), export: 'Counter' });
  }
}

export const square = (x: number): number => x * x;

async function worker(jobs: QueueProxy<number>): Promise<number> {
  for (let done = 0; ; done++) {
    const job = await jobs.take(); // comes back if we are killed
    await Promise.all([job.ack(), jobs.taskDone()]);
    if (job.item < 0) return done;
  }
}

async function main(): Promise<void> {
  await using manager = new MyManager();

  // 2. A dict
  const totals = manager.dict<number>({ ann: 1 });
  await totals.increment('ann'); // one step, whoever else does the same
  console.log('dict', await totals.toObject());

  // 3. A lock
  const lock = manager.lock();
  await lock.use(async () => console.log('lock', await lock.locked()));

  // 4. A queue and its worker
  const jobs = manager.joinableQueue<number>();
  const working = worker(jobs);
  for (const job of [1, 2, -1]) await jobs.put(job);
  await jobs.join();
  console.log('queue', await working);

  // 5. A pool
  await using pool = manager.pool(2);
  console.log('pool', await pool.map({ module: __filename, export: 'square' }, [1, 2, 3]));

  // 6. A condition
  const condition = manager.condition();
  const ready = manager.value(false);
  const waiting = condition.use(() => condition.waitFor(() => ready.get()));
  await condition.use(async () => {
    await ready.set(true);
    await condition.notifyAll();
  });
  console.log('condition', await waiting);

  // 7. A barrier
  const barrier = manager.barrier(2);
  console.log('barrier', await Promise.all([barrier.wait(), barrier.wait()]));

  // 8. An object of the class
  const counter = manager.create<Counter>('Counter');
  await counter.add(2);
  console.log('class', await counter.total);

  // 9. A namespace
  const settings = manager.namespace({ level: 1 });
  await settings.set('level', 2);
  console.log('namespace', await settings.get('level'));

  // 10. The same manager from another process: by its address, and by a token of an object
  const token = JSON.stringify(totals);
  await using client = Manager.connect(manager.address);
  await client.start();
  console.log('client', await revive(JSON.parse(token) as typeof totals).size);
}

if (require.main === module) void main();
