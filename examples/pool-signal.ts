import { once } from 'node:events';
import { Manager, currentSignal, type ListProxy } from '../src';

export async function patient(started: () => void, log: ListProxy<string>): Promise<void> {
  const signal = currentSignal(); // before the first await
  const stopped = once(signal, 'abort');
  started(); // runs in the process that gave it
  await stopped;
  await log.push(`stopped by ${signal.reason.name}`);
}

async function main(): Promise<void> {
  await using manager = new Manager();
  await using pool = manager.pool(1);
  const log = manager.list<string>();
  const task = { module: __filename, export: 'patient' };
  const waiting = new AbortController();
  const { signal } = waiting;

  const result = pool.apply(task, [() => waiting.abort(), log], { signal });
  await result.catch((error) => console.log('gave up:', error.name));
  while ((await log.length) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  console.log('log:', await log.get(0));
}

if (require.main === module) void main();
