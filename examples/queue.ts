import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Manager, QueueEmptyError, revive, type QueueProxy } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const jobs = manager.queue<string>(10); // put waits while ten are in it
  await jobs.put('wash');

  const worker = fork(__filename, ['worker']);
  worker.send({ jobs });
  await once(worker, 'message'); // it has taken the job
  worker.kill('SIGKILL');

  const job = await jobs.take(); // waits until it comes back
  console.log(job.item, job.redelivered);
  await job.ack(); // done: it will not come back again

  await jobs.put('dry');
  console.log(await jobs.size(), await jobs.get());
  try {
    await jobs.get({ timeoutMs: 10 });
  } catch (error) {
    if (!(error instanceof QueueEmptyError)) throw error;
    console.log(error.code);
  }
}

function inWorker(): void {
  process.once('message', (message: { jobs: QueueProxy<string> }) => {
    const { jobs } = revive(message);
    void jobs.take().then(() => process.send?.('taken'));
  });
}

if (process.argv[2] === 'worker') inWorker();
else void main();
