import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Manager, revive, type ListProxy } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const numbers = manager.list([1, 2]); // a proxy, at once: nothing to await
  const child = fork(__filename, ['child']);
  child.send({ numbers }); // a proxy can be sent anywhere
  await once(child, 'exit');
  console.log('length', await numbers.length); // every use of the list is awaited
  for await (const number of numbers) console.log('number', number);
}

function inChild(): void {
  process.once('message', (message: { numbers: ListProxy<number> }) => {
    const { numbers } = revive(message); // the proxy again, in this process
    void numbers.push(3).then(() => process.disconnect());
  });
}

if (process.argv[2] === 'child') inChild();
else void main();
