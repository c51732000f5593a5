// Killed with references, tokens and claims: what only it had is gone, what others have is not.
import assert from 'node:assert/strict';
import { release, revive, tokenOf } from 'referent';
import { says } from '../until.mjs';

async function nothingOfIt(shared, victim, stage) {
  victim.kill();
  await stage.holds(Object.keys(shared).length);
}

export const objects = {
  'with 1000 proxies': {
    isLate: true,
    async client(shared, { there, connect }) {
      const manager = await connect();
      const lists = Array.from({ length: 1000 }, (_, i) => manager.list([i]));
      there(await manager.numberOfObjects());
      return lists;
    },
    async check(shared, victim, stage) {
      assert.equal(await stage.manager.numberOfObjects(), 1000);
      await nothingOfIt(shared, victim, stage);
    },
  },

  'having created, and not awaited': {
    isLate: true,
    async client(shared, { there, connect }) {
      const manager = await connect();
      const made = [manager.list([1]), manager.lock(), manager.barrier(2, { action: () => 1 })];
      there();
      return made;
    },
    check: nothingOfIt,
  },

  'having made a token that nobody claims': {
    isLate: true,
    async client(shared, { there, connect }) {
      const manager = await connect();
      const list = manager.list(['under way']);
      const token = await tokenOf(list, { ttlMs: 2000, confirm: true });
      there();
      there(token);
      return list;
    },
    async check(shared, victim, stage) {
      const token = await victim.says();
      victim.kill();
      await stage.holds(0); // and the ticket keeps it, which ends before the manager does
      const list = revive({ '@referent': token });
      assert.equal(await list.get(0), 'under way');
      release(list);
    },
  },

  'with a claim under way': {
    share: (manager) => ({ end: manager.event() }),
    async client({ end }, { there, hears }) {
      await end.isSet();
      there();
      const list = revive({ '@referent': hears() });
      void list.push('claimed');
      void end.wait();
      return list;
    },
    /** Its token is out before its object is: only the first token of a tick waits for that. */
    async accomplice(shared, { there, hears, connect }) {
      const manager = await connect();
      const first = manager.list();
      tokenOf(first);
      const list = manager.list(['for one']);
      there(tokenOf(list, { uses: 1 }).text);
      hears();
      return [first, list];
    },
    async check({ end }, victim, stage) {
      const minter = stage.accomplice('with a claim under way', { end });
      const token = await minter.says();
      victim.tell(token);
      await says(end, '1 wait');
      victim.kill();
      await says(end, '0 wait');
      const list = revive({ '@referent': token });
      const first = list.get(0);
      minter.tell('go on');
      assert.equal(await first, 'for one'); // the dead claim has not used the token up
      release(list);
    },
  },
};
