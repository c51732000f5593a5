import { Manager, type DictProxy, type LockProxy } from '../src';

class Accounts {
  readonly #lock: LockProxy;
  readonly #balance: DictProxy<string, number>;

  constructor(manager: Manager) {
    this.#lock = manager.rlock();
    this.#balance = manager.dict<number>({ ann: 10, ben: 0 });
  }

  add(name: string, amount: number): Promise<void> {
    return this.#lock.use(async () => {
      const before = (await this.#balance.get(name)) ?? 0;
      await this.#balance.set(name, before + amount);
    });
  }

  /** Holds the lock around both, which acquire it again. */
  move(from: string, to: string, amount: number): Promise<void> {
    return this.#lock.use(async () => {
      await this.add(from, -amount);
      await this.add(to, amount);
    });
  }

  show(): Promise<Record<string, number>> {
    return this.#balance.toObject();
  }
}

async function main(): Promise<void> {
  await using manager = new Manager();
  const accounts = new Accounts(manager);
  // Two tasks of one process: one after the other.
  await Promise.all([accounts.move('ann', 'ben', 3), accounts.move('ben', 'ann', 1)]);
  console.log(await accounts.show());
}

void main();
