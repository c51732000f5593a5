import { Manager, MethodNotExposedError, handle, oneway } from '../src';
import { type Counter } from './counter';

class MyManager extends Manager {
  static {
    this.register('Counter', { module: require.resolve('./counter'), export: 'Counter' });
  }
}

async function main(): Promise<void> {
  await using manager = new MyManager();
  const counter = manager.create<Counter>('Counter'); // at once; made in the manager

  await counter.add(2);
  console.log('total', await counter.total); // a member is asked for when it is awaited
  console.log('chain', await counter.add(3).add(4).total); // one write, one answer
  console.log('itself', (await counter.add(0)) === counter); // `add` answers `this`

  await counter.onChange((total) => console.log('changed', total)); // runs here
  await counter.add(1);

  for await (const left of counter.countdown()) {
    if (left < 9) break; // ends the generator in the manager
    console.log('left', left);
  }

  await handle(counter).set('total', 100); // TypeScript has `counter.total` read-only
  oneway(counter).add(5); // returns at once; an error goes to the event `warning`
  console.log('total', await counter.total);

  try {
    await handle(counter).call('_reset');
  } catch (error) {
    console.log('refused', error instanceof MethodNotExposedError);
  }
}

void main();
