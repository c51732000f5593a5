// remoteobj, "What's included: Proxy": an object that runs in another process and hears us there.
// There: with self.remote.listen_(): while True: … self.remote.process_requests(); obj.remote.say_hi()
import { expose, getProcessName, ready, spawn } from '../../src';

class Blah {
  stopped = false;

  sayHi(): void {
    console.log('hi from', getProcessName());
  }
  stop(): void {
    this.stopped = true;
  }
}

export async function run(): Promise<void> {
  const blah = new Blah();
  await using exposed = expose(blah, { name: 'blah', mode: 'manual' });
  while (!blah.stopped) {
    // … do other stuff
    await exposed.listen();
  }
}

async function main(): Promise<void> {
  const task = { module: __filename, export: 'run' };
  await using child = spawn(task, [], { name: 'Process-1' });
  const remote = child.remote<Blah>('blah');
  await ready(remote, { process: child });
  await remote.sayHi();
  await remote.stop(); // the end of this block joins
}

if (require.main === module) void main();
