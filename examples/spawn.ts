import { spawn } from '../src';

export function* primes(limit: number): Generator<number, string> {
  for (let n = 2; n <= limit; n++) {
    let isPrime = true;
    for (let d = 2; d * d <= n; d++) isPrime &&= n % d !== 0;
    if (isPrime) yield n;
  }
  return `up to ${limit}`;
}

async function main(): Promise<void> {
  await using finder = spawn<string>({ module: __filename, export: 'primes' }, [20]);
  for await (const prime of finder.stream<number>()) {
    if (prime > 10) break; // ends the generator in its process
    console.log('prime', prime);
  }

  await using sum = spawn((a: number, b: number) => a + b, [1, 2], { kind: 'thread' });
  console.log('sum', await sum.result);

  const crash = spawn(() => process.kill(process.pid, 'SIGKILL'));
  await crash.join().catch((error: Error) => {
    console.log(error.name, crash.signal);
  });
}

if (require.main === module) void main(); // a child that loads this file must not begin again
