import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Manager } from '../src';

const authkey = 'at least sixteen bytes, known to both sides';

async function main(): Promise<void> {
  const [first, address] = await startServer('tcp://127.0.0.1:0');
  const manager = Manager.connect(address, { authkey, retryDelayMs: 100 });
  manager.on('reconnect', ({ restarted }) => console.log('connected again', { restarted }));
  const visits = manager.named('visits', () => manager.value(0));
  console.log(await visits.increment(), await visits.increment());

  first.kill('SIGKILL');
  await once(manager, 'disconnect');
  const [second] = await startServer(address);
  console.log(await visits.increment()); // made anew by its factory: the first server's is gone
  await manager.shutdown();
  await once(second, 'exit');
}

async function startServer(address: string): Promise<[ChildProcess, string]> {
  const child = fork(__filename, [address]);
  const [listensAt] = (await once(child, 'message')) as [string];
  return [child, listensAt];
}

async function serve(address: string): Promise<void> {
  const server = await new Manager({ address, authkey }).getServer().listen();
  process.send?.(server.address);
  await server.serveForever();
  process.disconnect();
}

const [, , address] = process.argv;
void (address === undefined ? main() : serve(address));
