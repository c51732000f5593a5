import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Manager, revive, type ListProxy } from '../src';

const authkey = 'at least sixteen bytes, known to both sides';

async function main(): Promise<void> {
  await using manager = new Manager({ address: 'tcp://127.0.0.1:0', authkey });
  await manager.start(); // now the system has chosen the port
  const names = manager.list(['ann']);
  const child = fork(__filename, ['child', manager.address]); // any process, on any machine
  child.send({ names });
  await once(child, 'exit');
  console.log(await names.toArray());
}

async function elsewhere(address: string): Promise<void> {
  const received = once(process, 'message');
  await using manager = Manager.connect(address, { authkey });
  await manager.start(); // rejects where the address or the key is wrong
  const [message] = (await received) as [{ names: ListProxy<string> }];
  await revive(message).names.push('ben');
  process.disconnect();
}

const [, , role, address] = process.argv;
if (role === 'child' && address !== undefined) void elsewhere(address);
else void main();
