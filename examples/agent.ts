import { Manager, spawn, type Spawned } from '../src';

/** Lives on the machine whose processes it starts. */
export class Agent {
  readonly #started: Spawned<unknown>[] = [];

  start(job: 'sum', args: readonly unknown[]): Spawned<number> {
    const started = spawn<number>({ module: __filename, export: job }, args);
    this.#started.push(started);
    return started; // stays here; the caller gets a proxy
  }

  running(): string[] {
    return this.#started.filter((one) => one.exitCode === null).map((one) => one.name);
  }
}

/** A job, in a process of its own. */
export function sum(...numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** The manager of a machine. Over a network only what is registered is shared. */
class Machine extends Manager {
  static {
    const agent = { module: __filename, export: 'Agent', methodToTypeid: { start: 'Job' } };
    this.register('Agent', agent);
    this.register('Job', { exposed: ['name', 'pid', 'exitCode', 'join', 'kill'] });
  }
}

async function main(): Promise<void> {
  const authkey = 'at least sixteen bytes, known to both sides';
  await using machine = new Machine({ address: 'tcp://127.0.0.1:0', authkey });
  const agent = machine.create<Agent>('Agent');

  const job = await agent.start('sum', [1, 2, 3]);
  console.log(await job.name, typeof (await job.pid));
  console.log(await agent.running());
  console.log('result', await job.join());
  console.log(await agent.running());
}

if (require.main === module) void main();
