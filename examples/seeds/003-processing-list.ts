// `processing`, "Proxy objects": the first session, a list used by its proxy.
// There: l = manager.list([i*i for i in range(10)]); print l; print repr(l); l[4]; l[2:5]; l == [...]
import { Manager, handle } from '../../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const squares = Array.from({ length: 10 }, (_, i) => i * i);
  const list = manager.list(squares);
  console.log(await list.toStringRemote()); // the text of the referent
  console.log(String(list)); // the text of the proxy: the manager is not asked
  console.log(await list.get(4));
  console.log(await list.slice(2, 5));
  console.log(await handle(list).equals(squares)); // `===` compares handles
}

void main();
