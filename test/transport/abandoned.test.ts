// Sockets that a killed process left behind, and those that are still somebody's.
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress } from '../../src/transport/address';
import { answers, removeAbandoned } from '../../src/transport/abandoned';
import { listen } from '../../src/transport/listen';

let directory: string;
let path: string;
const servers: Server[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'abandoned-'));
  path = join(directory, 's');
});
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

async function serve(at: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(at);
  await once(server, 'listening');
  return server;
}

/** A socket as a killed process leaves it: a server removes what has its name, and nothing else. */
async function abandon(): Promise<void> {
  const server = await serve(join(directory, 'alive'));
  renameSync(join(directory, 'alive'), path);
  await new Promise((resolve) => server.close(resolve));
  expect(existsSync(path)).toBe(true);
}

it('one that nobody answers is removed', async () => {
  await abandon();
  expect(await answers(path)).toBe(false);
  expect(await removeAbandoned(path)).toBe(true);
  expect(existsSync(path)).toBe(false);
});

it('one at which somebody listens stays', async () => {
  servers.push(await serve(path));
  expect(await removeAbandoned(path)).toBe(false);
  expect(await answers(path)).toBe(true);
});

it('a file of another kind stays, and where there is none the path is free', async () => {
  expect(await removeAbandoned(path)).toBe(true);
  writeFileSync(path, 'precious');
  expect(await removeAbandoned(path)).toBe(false);
  expect(existsSync(path)).toBe(true);
});

it('one that was replaced while it was asked stays', async () => {
  await abandon();
  const removing = removeAbandoned(path); // has asked the old one by now
  rmSync(path);
  servers.push(await serve(path));
  expect(await removing).toBe(false);
  expect(await answers(path)).toBe(true);
});

it('of two that want to listen there one does', async () => {
  await abandon();
  const address = parseAddress(`unix:${path}`);
  const both = await Promise.allSettled([
    listen(address, (link) => link.destroy()),
    listen(address, (link) => link.destroy()),
  ]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await answers(path)).toBe(true);
  for (const one of both) if (one.status === 'fulfilled') await one.value.close();
});
