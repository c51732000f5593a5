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

async function main(): Promise<void> {
  await using machine = new Manager({ types: __filename }); // or Manager.connect('tls://…')
  const agent = machine.create<Agent>('Agent');

  const job = await agent.start('sum', [1, 2, 3]);
  console.log(await job.name, typeof (await job.pid));
  console.log(await agent.running());
  console.log('result', await job.join());
  console.log(await agent.running());
}

if (require.main === module) void main();
