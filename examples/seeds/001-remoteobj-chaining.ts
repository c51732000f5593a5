// remoteobj, "Advanced": the method of the class above, and methods that answer their own object.
// There: obj.remote.asdf() == 6; obj.remote.super.asdf(); obj.remote.chain().chain().chain().x.__ == 3
import assert from 'node:assert/strict';
import { expose, handle, spawn, type Remote } from '../../src';

class A {
  asdf(): number {
    return 5;
  }
}

class B extends A {
  x = 0;

  override asdf(): number {
    return 6;
  }
  chain(): this {
    this.x += 1;
    return this;
  }
}

export async function* run(): AsyncGenerator<Remote<B>> {
  await using listening = expose(new B());
  yield listening.proxy; // until the other side has done what it wants
}

async function main(): Promise<void> {
  await using process = spawn({ module: __filename, export: 'run' });
  for await (const remote of process.stream<Remote<B>>()) {
    assert((await remote.asdf()) === 6);
    assert((await handle<B>(remote).super.asdf()) === 5);
    console.log('super', await handle<B>(remote).super.asdf());

    assert((await remote.x) === 0); // the value at the start
    assert((await remote.chain().chain().chain().x) === 3); // one message there, one back
    assert((await remote.chain()) === remote); // itself, and not a copy
    console.log('chained', await remote.x);
  }
}

if (require.main === module) void main();
