import { Manager, type ListProxy } from '../src';

export async function countPrimes(from: number, to: number, log: ListProxy<string>) {
  let count = 0;
  for (let n = Math.max(2, from); n < to; n++) if (isPrime(n)) count++;
  await log.push(`${from} to ${to}`); // a proxy works in the worker
  return count;
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}

async function main(): Promise<void> {
  await using manager = new Manager();
  await using pool = manager.pool(2); // two processes
  const log = manager.list<string>();
  const task = { module: __filename, export: 'countPrimes' };

  console.log('one', await pool.apply(task, [0, 100, log]));
  const parts = [0, 1, 2, 3].map((i) => [i * 1000, (i + 1) * 1000, log]);
  console.log('four', await pool.starmap(task, parts));
  console.log('done', await log.length);
}

if (require.main === module) void main();
