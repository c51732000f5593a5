import { BrokenBarrierError, Manager } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const step = manager.barrier(2, { action: () => console.log('both are here') });
  console.log(await Promise.all([step.wait(), step.wait()])); // once for each of the parties

  const late = step.wait({ timeoutMs: 10 }); // nobody else comes
  const error: unknown = await late.catch((thrown: unknown) => thrown);
  console.log(error instanceof BrokenBarrierError, await step.broken);
  await step.reset();
  console.log(await step.broken);
}

void main();
