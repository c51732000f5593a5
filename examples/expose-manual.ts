import { NotListeningError, expose, ready, withOptions } from '../src';

async function main(): Promise<void> {
  const account = { money: 10, take: (sum: number) => (account.money -= sum) };
  const exposed = expose(account, { mode: 'manual' });
  const { proxy } = exposed; // this process uses it as any other would

  const left = proxy.take(3).then();
  console.log('still', account.money); // nobody has taken the call
  console.log('handled', await exposed.processPending(), 'left', await left);

  await exposed.close();
  await proxy.take(1).catch((error: unknown) => {
    console.log('refused', error instanceof NotListeningError);
  });
  console.log('instead', await withOptions(proxy, { defaultValue: () => 'nothing' }).take(1));

  const listening = ready(proxy);
  await using again = expose(account); // the same object: its proxies work again
  await listening;
  console.log('left', await proxy.take(1), again.listening);
}

void main();
