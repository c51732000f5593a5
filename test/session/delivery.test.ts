// Results that their caller confirms: who has what was taken, whatever crosses whatever.
import { Delivery } from '../../src/session/delivery';
import { currentCaller } from '../../src/session/current-call';
import { SessionPair } from '../support/session-pair';

/** Gives `item` away, and learns what became of it. */
class Giver {
  readonly settled: boolean[] = [];
  give = (): Delivery => new Delivery('item', (received) => this.settled.push(received));
  answerLater: ((delivery: Delivery) => void) | undefined;
  later = (): Promise<Delivery> =>
    new Promise((resolve) => {
      this.answerLater = resolve;
    });
}

let pair: SessionPair;
let giver: Giver;
let id: number;
beforeEach(() => {
  pair = new SessionPair();
  giver = new Giver();
  id = pair.server.party.put(giver);
});
afterEach(() => {
  expect(pair.client.fault).toBeUndefined();
  expect(pair.server.fault).toBeUndefined();
  pair.close();
});

it('is confirmed when the caller has the value', async () => {
  await expect(pair.client.call(id, 'give')).resolves.toBe('item');
  await pair.settle();
  expect(giver.settled).toEqual([true]);
});

it('comes back when the caller gave up while the result was under way', async () => {
  const controller = new AbortController();
  const call = pair.client.call(id, 'later', [], { signal: controller.signal });
  call.catch(() => undefined);
  await pair.settle();
  giver.answerLater?.(giver.give());
  controller.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  await pair.settle();
  expect(giver.settled).toEqual([false]);
});

it('comes back when the session ends before it was confirmed', async () => {
  pair.client.call(id, 'give').catch(() => undefined);
  pair.client.outbox.flush();
  await new Promise((resolve) => setImmediate(resolve));
  pair.client.session.end(new Error('gone'));
  pair.client.link.destroy();
  await pair.settle();
  expect(giver.settled).toEqual([false]);
});

it('comes back when it cannot be sent, and the call says why', async () => {
  const failing = { give: () => new Delivery(Symbol('no data'), (got) => giver.settled.push(got)) };
  const failingId = pair.server.party.put(failing);
  await expect(pair.client.call(failingId, 'give')).rejects.toThrow('symbol');
  expect(giver.settled).toEqual([false]);
});

it('closes the session of a peer that confirms what was never delivered', async () => {
  pair.client.session.control({ kind: 'got', callId: 7, received: true });
  await pair.settle();
  expect(String(pair.server.fault)).toContain('Nothing was delivered to call 7');
  pair.server.fault = undefined;
});

it('tells what is held and lost: waits end first, then deliveries, then holdings', async () => {
  const order: string[] = [];
  const holder = {
    hold: () => {
      currentCaller().hold(() => order.push('holding'));
    },
    give: () => new Delivery(1, () => order.push('delivery')),
  };
  const held = pair.server.party.put(holder);
  await pair.client.call(held, 'hold');
  pair.client.call(held, 'give').catch(() => undefined);
  pair.client.outbox.flush();
  await new Promise((resolve) => setImmediate(resolve));
  expect(pair.server.session.caller.holdings).toBe(1);
  pair.server.session.end(new Error('gone'));
  expect(order).toEqual(['delivery', 'holding']);
  expect(pair.server.session.caller.ended).toBe(true);
});
