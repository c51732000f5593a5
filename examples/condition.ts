import { Manager } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const condition = manager.condition();
  const basket = manager.list<string>();

  const eating = condition.use(async () => {
    await condition.waitFor(async () => (await basket.length) >= 2); // runs here, with the lock held
    return basket.splice(0, 2);
  });

  for (const fruit of ['apple', 'pear']) {
    await condition.use(async () => {
      await basket.push(fruit);
      await condition.notify(); // it goes on when we leave
    });
  }
  console.log(await eating);
}

void main();
