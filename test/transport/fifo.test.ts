// FIFOs between a thread that blocks and a door that does not; no end of them stays open.
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { threadArguments } from '../../src/process/child';
import { type Door, openDoor } from '../../src/transport/fifo-door';
import { DOOR, FifoPipe, IN, OUT, makeFifos } from '../../src/transport/fifo-pipe';
import { type Link } from '../../src/transport/link';
import { until } from '../support/until';

const CLIENT = require.resolve('../fixtures/fifo-client');
const { O_RDWR, O_NONBLOCK } = constants;

let directory: string;
let door: Door | undefined;
let links: Link[];
let ends: number[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'referent-fifo-'));
  links = [];
  ends = openEnds();
});

afterEach(async () => {
  for (const link of links) link.destroy();
  door?.close();
  door = undefined;
  await until(() => String(openEnds()) === String(ends), 'all ends to be closed');
  rmSync(directory, { recursive: true });
});

/** FIFOs that this process has open. */
function openEnds(): number[] {
  return readdirSync('/dev/fd').map(Number).filter(isInDirectory);
}
function isInDirectory(fd: number): boolean {
  try {
    return require('node:fs')
      .readlinkSync(`/proc/self/fd/${String(fd)}`)
      .startsWith(directory);
  } catch {
    return false; // closed meanwhile, or no system that tells
  }
}

const listen = (onLink: (link: Link) => void = () => undefined): void => {
  door = openDoor(directory, (link) => {
    links.push(link);
    onLink(link);
  });
};
const open = (answerMs = 20): FifoPipe | undefined =>
  FifoPipe.open(directory, { isComing: () => false, answerMs });

/** A thread that opens a pipe, and what it tells. */
class Client {
  readonly told: unknown[] = [];
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;

  constructor(role: string) {
    const workerData = { directory, role };
    this.#worker = new Worker(CLIENT, { workerData, execArgv: threadArguments(CLIENT) });
    this.#worker.on('message', (message) => this.told.push(message));
    this.#exited = new Promise((resolve, reject) => {
      this.#worker.once('exit', resolve);
      this.#worker.once('error', reject);
    });
  }
  async exited(): Promise<void> {
    await this.#exited;
  }
}

describe('a pair', () => {
  it('goes both ways, and ends for the thread when the link does', async () => {
    const big = 'x'.repeat(300_000);
    let text = '';
    let closed = 0;
    listen((link) => {
      link.listen({
        data: (chunk) => (text += chunk.toString('latin1')),
        drain: () => undefined,
        close: () => closed++,
      });
      link.write(Buffer.from(big));
    });
    const client = new Client('echo');
    await until(() => text.length === big.length, 'the echo', 20_000);
    expect(text).toBe(big.toUpperCase());
    await until(() => String(readdirSync(directory)) === DOOR, 'nothing but the door');
    links[0]!.end();
    await client.exited();
    expect(client.told).toEqual(['end']);
    await until(() => closed === 1);
  });

  it('is read until a deadline, and after it', async () => {
    let text = '';
    listen((link) => {
      link.listen({
        data: (chunk) => {
          text += chunk.toString();
          if (text === 'ready') link.write(Buffer.from('more'));
        },
        drain: () => undefined,
        close: () => undefined,
      });
      link.write(Buffer.from('first'));
    });
    const client = new Client('late');
    await until(() => client.told.length === 3, 'three words', 20_000);
    expect(client.told).toEqual(['first', 'nothing', 'more']);
    links[0]!.end();
    await client.exited();
    expect(client.told.at(-1)).toBe('end');
  });

  it('is written until a deadline; what is left over goes first', async () => {
    makeFifos(join(directory, DOOR));
    const announced = openSync(join(directory, DOOR), O_RDWR | O_NONBLOCK);
    const client = new Client('slow');
    const name = (await until(() => take(announced), 'the name', 20_000)).trim();
    const [input, output] = [OUT, IN].map((side) =>
      openSync(join(directory, name + side), O_RDWR | O_NONBLOCK),
    ) as [number, number];
    writeSync(output, 'x');
    await until(() => client.told.length === 1, 'it to give up');
    let text = '';
    await until(() => (text += take(input)).length === 300_001, 'all of it');
    expect(text).toBe(`${'a'.repeat(200_000)}${'b'.repeat(100_000)}c`);
    for (const end of [announced, input, output]) closeSync(end);
    await client.exited();
    expect(client.told).toEqual(['given up', 'written', 'end']);
  });
});

/** What is there now. */
function take(end: number): string {
  const chunk = Buffer.alloc(65_536);
  try {
    return chunk.toString('latin1', 0, readSync(end, chunk));
  } catch {
    return ''; // nothing is
  }
}

describe('nothing stays open or behind', () => {
  it('where there is no door', () => {
    expect(open()).toBeUndefined();
  });

  it('where nobody is behind it', () => {
    makeFifos(join(directory, DOOR));
    expect(open()).toBeUndefined();
    expect(readdirSync(directory)).toEqual([DOOR]);
  });

  it('where nobody answers', () => {
    makeFifos(join(directory, DOOR));
    const end = openSync(join(directory, DOOR), O_RDWR | O_NONBLOCK);
    const before = openEnds();
    expect(open()).toBeUndefined();
    expect([openEnds(), readdirSync(directory)]).toEqual([before, [DOOR]]);
    closeSync(end);
  });

  it('where the door is blocked', () => {
    makeFifos(join(directory, DOOR));
    const end = openSync(join(directory, DOOR), O_RDWR | O_NONBLOCK);
    expect(() => {
      for (;;) writeSync(end, Buffer.alloc(4096));
    }).toThrow('EAGAIN');
    const before = openEnds();
    expect(() => open()).toThrow('EAGAIN');
    expect([openEnds(), readdirSync(directory)]).toEqual([before, [DOOR]]);
    closeSync(end);
  });
});

describe('a door', () => {
  const pair = (name: string): number[] => {
    const paths = [OUT, IN].map((side) => join(directory, name + side));
    makeFifos(...paths);
    return paths.map((path) => openSync(path, O_RDWR | O_NONBLOCK));
  };
  const names = ['0', '1', '2'].map((digit) => digit.repeat(16)) as [string, string, string];

  it('opens to names of pairs only, however they come', async () => {
    listen((link) => {
      link.listen({ data: () => undefined, drain: () => undefined, close: () => undefined });
    });
    const opened = [...pair(names[1]), ...pair(names[2])];
    writeFileSync(join(directory, `${names[0]}${OUT}`), 'a file');
    writeFileSync(join(directory, `${names[0]}${IN}`), 'another');
    const end = openSync(join(directory, DOOR), O_RDWR | O_NONBLOCK);
    writeSync(end, `../../etc\n${'f'.repeat(16)}\n${names[0]}\n${'x'.repeat(5000)}`);
    writeSync(end, `${names[2]}\n${names[1].slice(0, 7)}`);
    writeSync(end, `${names[1].slice(7)}\n`);
    await until(() => links.length === 1);
    expect(links[0]!.peer).toBe(`${directory}/${names[1]}`);
    expect(readdirSync(directory).filter((file) => file.startsWith(names[1]))).toEqual([]);
    for (const fd of [...opened, end]) closeSync(fd);
  });
});
