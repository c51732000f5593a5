// pipe-proxy, "Test": the object stays in the main process; the others get a proxy of it.
// There: exampleProxy, exampleProxyListener = proxy.createProxy(example); exampleProxyListener.listen()
import assert from 'node:assert/strict';
import { expose, spawn, type Remote } from '../../src';

class Example {
  parameter: number | undefined = undefined;

  setParameter(parameter: number): void {
    console.log('setting parameter to:', parameter);
    this.parameter = parameter;
  }
  getParameter(): number | undefined {
    console.log('getting parameter:', this.parameter);
    return this.parameter;
  }
}

export async function setParameterTest(exampleLookAlike: Remote<Example>): Promise<void> {
  await exampleLookAlike.setParameter(5);
}

export async function getParameterTest(exampleLookAlike: Remote<Example>): Promise<boolean> {
  return (await exampleLookAlike.getParameter()) === 1;
}

async function main(): Promise<void> {
  const example = new Example();
  await using listener = expose(example, { mode: 'manual' }); // runs calls when we say so

  // Test 1
  const setting = spawn({ module: __filename, export: 'setParameterTest' }, [listener.proxy]);
  assert(await listener.listen({ timeoutMs: 10_000 })); // until one has come; there: sleep(1)
  assert(example.parameter === 5);
  await setting.join();

  // Test 2
  const getting = spawn({ module: __filename, export: 'getParameterTest' }, [listener.proxy]);
  example.setParameter(1);
  assert(await listener.listen({ timeoutMs: 10_000 }));
  console.log(await getting.result);
}

if (require.main === module) void main();
