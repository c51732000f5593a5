import { Manager } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const samples = manager.array('d', 5); // five zeroes, as Float64Array
  await samples.setSlice(1, [0.5, 1.5, 2.5]);
  await samples.increment(-1, 4);
  console.log(await samples.slice());

  const levels = manager.array('B', [0, 255]);
  await levels.set(0, 256).catch((error: Error) => console.log(`${error.name}: ${error.message}`));
}

void main();
