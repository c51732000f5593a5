import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expose, revive, type Remote } from '../src';

/** Cannot be copied to anywhere: it has a timer that runs. */
class Clock {
  ticks = 0;
  readonly #timer = setInterval(() => this.ticks++, 10);

  start(at: number): this {
    this.ticks = at;
    return this;
  }

  stop(): string {
    clearInterval(this.#timer);
    return 'stopped';
  }
}

async function main(): Promise<void> {
  const clock = new Clock();
  await using exposed = expose(clock);
  const child = fork(__filename, ['child']);
  child.send({ clock: exposed.proxy }); // at once: nothing to await
  await once(child, 'exit');
  console.log('still here', clock.ticks >= 100);
}

function inChild(): void {
  process.once('message', (message: { clock: Remote<Clock> }) => {
    void use(revive(message).clock).then(() => process.disconnect());
  });
}

async function use(clock: Remote<Clock>): Promise<void> {
  console.log('at least', (await clock.start(100).ticks) >= 100);
  console.log(await clock.stop()); // runs in the parent, on its timer
}

if (process.argv[2] === 'child') inChild();
else void main();
