// The door of a manager: whoever announces a FIFO there may be killed at any moment, and leaves none.
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Door, openDoor } from '../../src/transport/fifo-door';
import { DOOR, IN, OUT, makeFifos } from '../../src/transport/fifo-pipe';
import { type Link } from '../../src/transport/link';

const NAME = '0123456789abcdef';

let directory: string;
let door: Door;
let entered: Promise<Link>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'referent-door-'));
  entered = new Promise((resolve) => {
    door = openDoor(directory, resolve)!;
  });
  makeFifos(join(directory, NAME + OUT), join(directory, NAME + IN));
  writeFileSync(join(directory, 'key'), '');
});

afterEach(() => {
  door.close();
  expect(readdirSync(directory).sort()).toEqual([DOOR, 'key']);
  rmSync(directory, { recursive: true });
});

it('a pair that was announced has no files any more', async () => {
  writeFileSync(join(directory, DOOR), `${NAME}\n`);
  (await entered).destroy();
});

it('a pair that nobody announces is swept when it is old, and nothing else is', () => {
  door.sweep(60_000);
  expect(readdirSync(directory)).toHaveLength(4);
  door.sweep(-1);
});

it('a directory that somebody has removed does no harm to the sweeper', () => {
  const left = `${directory}-left`;
  renameSync(directory, left);
  door.sweep(-1);
  renameSync(left, directory);
  door.sweep(-1);
});
