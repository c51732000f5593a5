// rpyc-mem, "RPyC Memory": a class of which two attributes are shared, in three processes at once.
// There: lock = RpycMem(rc, 'lock-key', …); obj = RpycMem(rc, 'obj-key', …); cls.obj.rmem_update(…)
// What is a tuple there is a set here: another type than the list, under the same name.
import { ListProxy, Manager, spawn, type LockProxy } from '../../src';

class Shared {
  readonly #memory: Manager;
  readonly #title: string;
  readonly #lock: LockProxy;
  readonly #object: ListProxy<number>;

  constructor(memory: Manager, title = '') {
    this.#memory = memory;
    this.#title = title;
    this.#lock = memory.named('lock-key', () => memory.lock());
    this.#object = memory.named('obj-key', () => memory.list([1, 2]));
  }

  async describe(): Promise<void> {
    await this.#lock.use(async () => {
      console.log('%s: %s', this.#title, await this.#object.toStringRemote());
    });
  }

  async run(): Promise<void> {
    await this.#lock.use(async () => {
      const text = await this.#object.toStringRemote();
      const { names } = this.#memory;
      if ((await names.get('obj-key')) instanceof ListProxy) {
        console.log(text);
        await names.replace('obj-key', () => this.#memory.set([1, 2]));
      } else {
        console.log('Oops');
      }
    });
  }
}

export async function run(address: string): Promise<void> {
  await using memory = Manager.connect(address);
  await new Shared(memory).run();
}

export async function describe(address: string, title: string): Promise<void> {
  await using memory = Manager.connect(address);
  await new Shared(memory, title).describe();
}

async function main(): Promise<void> {
  await using memory = new Manager();
  const { address } = await memory.start(); // nobody uses it before the others do
  const processes = [
    spawn({ module: __filename, export: 'run' }, [address]),
    spawn({ module: __filename, export: 'run' }, [address]),
    spawn({ module: __filename, export: 'describe' }, [address, 'Cool-Class']),
  ];
  await Promise.all(processes.map((process) => process.join()));
}

if (require.main === module) void main();
