// A client that is going to be killed: a plain Node process that runs `client.mjs`. It is started
// ahead, so that it has loaded the package when it is needed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from './until.mjs';

const CLIENT = fileURLToPath(new URL('client.mjs', import.meta.url));

export class Victim {
  #process = fork(CLIENT, { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] });
  #ended = once(this.#process, 'close');
  #lines = createInterface(this.#process.stdout);
  /** What it has said, and was not asked for. */
  #said = [];
  #isKilled = false;
  /** When it was killed. */
  killedAt = undefined;

  constructor() {
    this.#lines.on('line', (line) => this.#said.push(JSON.parse(line)));
  }

  /** Sends it to a point, with the objects that it shares: { point, role, address, shared }. */
  begin(message) {
    this.#process.send(message);
  }

  tell(what) {
    this.#process.stdin.write(JSON.stringify(what));
  }

  /** Resolves with what it says next; rejects where it ends before. */
  async says() {
    if (this.#said.length === 0) await Promise.race([once(this.#lines, 'line'), this.#ended]);
    if (this.#said.length === 0) throw new Error('The client ended before it was killed');
    return this.#said.shift();
  }

  /** All that it has said and nobody has asked for; complete after its end. */
  get said() {
    return this.#said;
  }

  /** From now on it does nothing more; what is sent to it stays where it is. */
  async stop() {
    this.#process.kill('SIGSTOP');
    await until(() => this.#state === 'T', 'the client to stop');
  }

  get #state() {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
    return stat.at(stat.lastIndexOf(')') + 2);
  }

  /** Whether one of its files is a FIFO in that directory. */
  hasFifoIn(directory) {
    const files = `/proc/${this.#process.pid}/fd`;
    return readdirSync(files).some((file) => {
      const path = readlinkSync(`${files}/${file}`);
      return path.startsWith(`${directory}/`) && path.includes('.in');
    });
  }

  kill() {
    this.killedAt ??= performance.now();
    this.#isKilled = true;
    this.#process.kill('SIGKILL');
  }

  /** It has ended, and all that it said has come. */
  async gone() {
    const [, signal] = await this.#ended;
    if (!this.#isKilled || signal !== 'SIGKILL') throw new Error('The client was not killed');
  }
}
