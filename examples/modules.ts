import { Manager } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager({ imports: ['node:path', 'node:events'] });

  const path = manager.module<typeof import('node:path')>('node:path');
  console.log(await path.posix.join('a', '..', 'b'), await path.posix.sep);

  const { EventEmitter } = manager.module<typeof import('node:events')>('node:events');
  const emitter = new EventEmitter(); // lives in the manager
  await emitter.on('ready', (what: string) => console.log('ready:', what)); // runs here
  await emitter.emit('ready', 'all');

  const fs = manager.module<typeof import('node:fs')>('node:fs');
  await fs.existsSync('/').catch((error: Error) => console.log(error.message));
}

void main();
