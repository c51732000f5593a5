// `processing`, "Proxy objects": one shared object that contains a second.
// There: a.append(b); print a, b; b.append('hello'); print a, b
import { Manager, type ListProxy } from '../../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const a = manager.list<ListProxy<string>>();
  const b = manager.list<string>();
  const print = async (): Promise<void> => {
    console.log(await a.toStringRemote(), await b.toStringRemote());
  };
  await a.push(b); // the referent of `a` now contains the referent of `b`
  await print();
  await b.push('hello');
  await print();
}

void main();
