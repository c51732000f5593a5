// remoteobj, "util.process" and "Enhanced Processes": what a task returns, yields and throws.
// There: with remoteobj.util.process(func, 4) as p: for i in p.result: print(i)
import assert from 'node:assert/strict';
import { getProcessName, spawn } from '../../src';

export function* func(x: number): Generator<number, void> {
  for (let i = 0; i < x; i++) yield i;
  throw new RangeError(`error from ${getProcessName()}`);
}

export function remoteFunc(x: number, y: number): number {
  return x * y;
}

export function* counting(x: number, y: number): Generator<number, void> {
  for (let i = x; i < y; i++) yield i;
}

async function yieldedAndThrown(): Promise<void> {
  const process = spawn({ module: __filename, export: 'func' }, [4], { name: 'Process-1' });
  try {
    for await (const i of process.stream<number>()) console.log(i);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.log('woah!!', error.message);
  }
}

async function returned(): Promise<void> {
  const process = spawn<number>({ module: __filename, export: 'remoteFunc' }, [5, 2]);
  console.log(process.name);
  assert(process.peek() === undefined); // asked before it has returned
  // … do some other stuff
  await process.join();
  assert(process.peek() === 10);
  console.log(await process.result);
}

async function yielded(): Promise<void> {
  await using process = spawn({ module: __filename, export: 'counting' }, [5, 10]);
  const values: number[] = [];
  for await (const value of process.stream<number>()) values.push(value);
  console.log(values);
}

async function main(): Promise<void> {
  await yieldedAndThrown();
  await returned();
  await yielded();
}

if (require.main === module) void main();
