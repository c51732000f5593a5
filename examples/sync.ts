import { Manager, sync, type DictProxy } from '../src';

// A function that cannot be asynchronous: somebody else's code calls it.
function resolveName(names: DictProxy<string, number>, name: string): number {
  const blocking = sync(names); // the same dict; its calls answer instead of promising
  return blocking.get(name) ?? blocking.setDefault(name, 1);
}

const manager = new Manager();
const shared = sync(manager); // what it makes is synchronous too
const list = shared.list(['a', 'b']);
list[1] = 'c';
list.push('d');
console.log(list.length, list[0], 7 in list, [...list]);

const names = manager.dict<number>({ ann: 7 }); // made without sync, and used by both
console.log(resolveName(names, 'ann'), resolveName(names, 'eve'));

list.sort((a, b) => (a < b ? 1 : -1)); // runs here, while the thread waits
console.log(list.toArray());

const lock = shared.lock();
{
  using handle = lock.acquire();
  console.log(lock.locked(), handle.abandoned);
}
console.log(lock.locked());
shared.shutdown();
