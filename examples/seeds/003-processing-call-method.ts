// `processing`, "Methods of BaseProxy": _callMethod, _getValue, both texts, and a proxy class of one's own.
// There: l._callMethod('__getslice__', (2, 7)); l._callMethod('__iter__'); l._callMethod('__getitem__', (20,))
// and class IteratorProxy(BaseProxy) with __iter__ and next, by _callMethod('next')
import { BaseProxy, Manager } from '../../src';

export function* countdown(from: number): Generator<number, void> {
  while (from > 0) yield from--;
}

class CountdownProxy extends BaseProxy implements AsyncIterable<number> {
  next(): Promise<IteratorResult<number>> {
    return this._callMethod('next') as Promise<IteratorResult<number>>;
  }
  [Symbol.asyncIterator](): this {
    return this;
  }
}

class MyManager extends Manager {
  declare countdown: (from: number) => CountdownProxy;
  static {
    this.register('countdown', {
      module: __filename,
      export: 'countdown',
      exposed: ['next'],
      proxyType: CountdownProxy,
    });
  }
}

async function main(): Promise<void> {
  await using manager = new MyManager();
  const list = manager.list(Array(10).keys());
  console.log(await list._callMethod('slice', [2, 7]));
  const iterator = list.values(); // what `__iter__` is there, in chunks
  console.log(await iterator.next());
  await iterator.return?.();
  await list._callMethod('get', [20]).catch((error: unknown) => console.log(String(error)));
  console.log(await list._getValue()); // a copy of the referent

  const left = manager.countdown(3);
  console.log(String(left));
  for await (const number of left) console.log(number);
}

if (require.main === module) void main();
