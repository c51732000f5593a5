import { Manager, registerError, registerValueType, withOptions } from '../src';

/** Copied between processes, wherever it stands in a value. */
export class Money {
  readonly cents: bigint;
  readonly currency: string;
  constructor(cents: bigint, currency: string) {
    this.cents = cents;
    this.currency = currency;
  }
  toString(): string {
    return `${(Number(this.cents) / 100).toFixed(2)} ${this.currency}`;
  }
}
registerValueType(Money, {
  name: 'Money',
  toPlain: ({ cents, currency }) => ({ cents, currency }),
  fromPlain: ({ cents, currency }: { cents: bigint; currency: string }) =>
    new Money(cents, currency),
});

/** Thrown in the manager, caught here by its class. */
export class Overdrawn extends Error {
  readonly missing: Money;
  constructor(missing: Money) {
    super(`${String(missing)} are missing`);
    this.missing = missing;
  }
}
registerError(Overdrawn);

export class Account {
  #cents = 0n;
  deposit(money: Money): Money {
    return new Money((this.#cents += money.cents), money.currency);
  }
  withdraw(money: Money): Money {
    if (money.cents > this.#cents)
      throw new Overdrawn(new Money(money.cents - this.#cents, money.currency));
    return new Money((this.#cents -= money.cents), money.currency);
  }
}

async function main(): Promise<void> {
  await using manager = new Manager({ types: __filename, serializer: 'json' });
  using account = manager.create<Account>('Account');
  console.log(String(await account.deposit(new Money(500n, 'EUR'))));
  await account.withdraw(new Money(1200n, 'EUR')).catch((error: unknown) => {
    if (error instanceof Overdrawn) console.log(error.message, error.missing instanceof Money);
  });
  using list = withOptions(manager, { serializer: 'v8' }).list([new Map([['a', new Set([1n])]])]); // this one by v8
  console.log(await list.at(0));
}

if (require.main === module) void main();
