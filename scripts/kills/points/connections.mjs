// Killed while it connects: by the socket, or by the two FIFOs of a call that blocks. Where the
// point is inside of the library, the client stops itself in the file operation that is next.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { connect } from 'node:net';
import { sync } from 'referent';
import { until } from '../until.mjs';

const pairs = (directory) => fs.readdirSync(directory).filter((file) => /\.(in|out)$/.test(file));
const shareList = (manager) => ({ list: manager.list([1]) });

/** Stops the thread where it is about to do `operation` on a FIFO of its own. */
function stopBefore(operation, { there, hears }) {
  const original = fs[operation];
  fs[operation] = (path, ...rest) => {
    if (/\.(in|out)$/.test(path)) {
      there();
      hears();
    }
    return original(path, ...rest);
  };
}

export const connections = {
  'connected, before the handshake': {
    async client(shared, { there, address }) {
      const socket = connect(address.slice('unix:'.length), there);
      return socket;
    },
    async check(shared, victim, { manager }) {
      assert.equal((await manager.inspect()).sessions.length, 1);
      victim.kill();
      await victim.gone();
    },
  },

  'between the handshake and the first call': {
    isLate: true,
    async client(shared, { there, connect }) {
      await connect();
      there();
    },
    async check(shared, victim, { manager }) {
      const sessions = async () => (await manager.inspect()).sessions.length;
      assert.equal(await sessions(), 2);
      victim.kill();
      await until(async () => (await sessions()) === 1, 'its session to end');
    },
  },

  'its FIFOs made, and not announced': {
    share: shareList,
    async client({ list }, here) {
      stopBefore('openSync', here);
      return sync(list).length;
    },
    async check(shared, victim, stage) {
      assert.equal(stage.leaves(pairs(stage.directory)), 2);
      victim.kill();
      await victim.gone();
    },
  },

  'its FIFOs announced, and not removed': {
    share: shareList,
    async client({ list }, here) {
      stopBefore('rmSync', here);
      return sync(list).length;
    },
    /** That the manager has removed them is seen with all that must not be left. */
    async check(shared, victim) {
      victim.kill();
      await victim.gone();
    },
  },
};
