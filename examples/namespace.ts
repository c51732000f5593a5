import { Manager, view } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const state = manager.namespace({ rounds: 0, names: ['ann'] });
  await state.increment('rounds');
  await view(state).names.push('ben'); // where it is, not in a copy
  console.log(await state.get('rounds'), await state.get('names'));
  console.log(await state.has('winner'), await state.keys());
}

void main();
