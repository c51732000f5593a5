import { Manager, setProcessName, startLogServer } from '../src';
import { type Workshop } from './workshop';

class MyManager extends Manager {
  static {
    this.register('Workshop', { module: require.resolve('./workshop'), export: 'Workshop' });
  }
}

async function main(): Promise<void> {
  setProcessName('office');
  await using log = await startLogServer({
    write: ({ process, level, source, message }) => {
      console.log(`${process} ${level} ${source}: ${message}`);
    }, // without it: to stderr, in colour on a terminal
  });
  await using manager = new MyManager({ name: 'workshop-1', log });
  const workshop = manager.create<Workshop>('Workshop');
  await workshop.build('chair');
  await workshop.build('table');
}

void main();
