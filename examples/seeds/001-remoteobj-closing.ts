// remoteobj, "Deadlocks": what becomes of requests that wait when the listening side closes.
// There: they are fulfilled, or refused with Proxy(fulfill_final=False)
import { EventEmitter, once } from 'node:events';
import { expose, spawn, withOptions, type Remote } from '../../src';

class Door {
  knock(): string {
    return 'come in';
  }
}

export async function visit(door: Remote<Door>, here: () => Promise<unknown>): Promise<string[]> {
  const answers = [door.knock(), withOptions(door, { defaultValue: 'by default' }).knock()];
  await here(); // behind the others: they have arrived
  return Promise.all(answers.map((answer) => answer.catch((error: Error) => error.name)));
}

async function main(): Promise<void> {
  for (const pending of ['fulfill', 'reject'] as const) {
    const listener = expose(new Door(), { mode: 'manual', pending });
    const { proxy } = listener;
    const calls = new EventEmitter();
    const arrived = once(calls, 'arrived');
    const here = (): unknown => calls.emit('arrived');
    const visitor = spawn<string[]>({ module: __filename, export: 'visit' }, [proxy, here]);
    await arrived;
    await listener.close();
    console.log(pending, await visitor.result);
  }
}

if (require.main === module) void main();
