// One manager that sees all the killing, and what must be true of it after each kill.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Manager, release } from 'referent';
import { Ledger } from './ledger.mjs';
import { until } from './until.mjs';
import { Victim } from './victim.mjs';

const LINGER_MS = 100;
const LIMITS = { lingerMs: LINGER_MS, ticketMs: 300, handshakeMs: 2000 };
/** From the kill to the last thing that `check` sees: twenty times what it takes on a quiet machine. */
const AT_ONCE_MS = 500;
const CASE_MS = 15_000;

class KillManager extends Manager {
  static {
    this.register('Caller', {
      module: fileURLToPath(new URL('caller.mjs', import.meta.url)),
      export: 'Caller',
    });
  }
}

export class Stage {
  manager = new KillManager({ limits: LIMITS });
  /** Over all that was played: items put, and how often one came back. */
  items = Stage.#items;
  static #items = { put: 0, redelivered: 0 };
  #next = new Victim();
  #clients = [];
  /** In the directory of the manager from the beginning. */
  #files = [];
  #unswept = new Set();

  static async open() {
    const stage = new Stage();
    await stage.manager.start();
    stage.#files = readdirSync(stage.directory);
    return stage;
  }

  get directory() {
    return dirname(this.manager.address.slice('unix:'.length));
  }

  /** Goes to the point once. Answers how long after the kill all was as it should be, in ms. */
  async play(name, point) {
    const timer = new AbortController();
    const stuck = until(() => timer.signal.aborted, `the end of "${name}"`, {
      timeoutMs: CASE_MS,
      everyMs: 100,
    });
    try {
      return await Promise.race([this.#play(name, point), stuck]);
    } finally {
      timer.abort();
    }
  }

  async #play(name, point) {
    const shared = point.share?.(this.manager) ?? {};
    const own = await point.before?.(shared, this);
    const victim = await this.#victim(name, shared);
    await point.check({ ...shared, ...own }, victim, this);
    const tookMs = performance.now() - victim.killedAt;
    const limitMs = AT_ONCE_MS + (point.isLate ? LINGER_MS : 0);
    if (tookMs > limitMs) throw new Error(`It took ${tookMs} ms until all was right`);
    for (const client of this.#clients.splice(0)) client.kill();
    await victim.gone();
    for (const proxy of Object.values(shared)) release(proxy);
    await this.#nothingLeft();
    return tookMs;
  }

  /** It has reached its point. */
  async #victim(point, shared) {
    const victim = this.#next;
    this.#next = new Victim();
    this.#clients.push(victim);
    victim.begin({ point, role: 'client', address: this.manager.address, shared });
    await victim.says();
    return victim;
  }

  /** A second client, which has the other part in that point; it is killed after the first. */
  accomplice(point, shared) {
    const other = new Victim();
    this.#clients.push(other);
    other.begin({ point, role: 'accomplice', address: this.manager.address, shared });
    return other;
  }

  ledger(queue) {
    return new Ledger(queue, this.items);
  }

  /** Objects that a session holds. */
  async holds(count) {
    await until(
      async () => (await this.manager.numberOfObjects()) === count,
      `${count} objects to be held`,
    );
  }

  /** Only the sweeper removes these, not before the end of `handshakeMs`. Answers how many are new. */
  leaves(files) {
    const before = this.#unswept.size;
    for (const file of files) this.#unswept.add(file);
    return this.#unswept.size - before;
  }

  /** Processes of the manager. */
  get workers() {
    const { pid } = this.manager;
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean);
  }

  /** Of the sessions and processes of clients, and of what they had. */
  async #nothingLeft() {
    let left;
    const look = async () => (left = await this.#left()).length === 0;
    await until(look, 'nothing to be left', { everyMs: 10 }).catch((error) => {
      throw new Error(`${error.message}: ${left.join('; ')}`);
    });
  }

  async #left() {
    const { objects, sessions } = await this.manager.inspect();
    const held = objects.filter((object) => object.sessions + object.names > 0);
    const expected = [...this.#files, ...this.#unswept];
    const files = readdirSync(this.directory).filter((file) => !expected.includes(file));
    return [
      ...held.map(({ typeid, text }) => `object '${typeid}' ${text}`),
      ...counted('sessions', sessions.length - 1),
      ...counted('locks', sum(sessions, 'locks')),
      ...counted('calls', sum(sessions, 'pendingCalls')),
      ...files.map((file) => `file ${file}`),
      ...this.workers.map((pid) => `process ${pid}`),
    ];
  }

  /** What ends by its time has ended then too. */
  async close() {
    this.#next.kill();
    for (const client of this.#clients) client.kill();
    this.#unswept.clear();
    try {
      await this.#nothingLeft();
      const tickets = async () => sum((await this.manager.inspect()).objects, 'tickets');
      await until(async () => (await tickets()) === 0, 'all tickets to end');
    } finally {
      await this.manager.shutdown();
    }
  }
}

function sum(rows, field) {
  return rows.reduce((total, row) => total + row[field], 0);
}

function counted(what, count) {
  return count === 0 ? [] : [`${count} ${what}`];
}
