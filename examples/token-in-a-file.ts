import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Manager, release, revive, type ListProxy } from '../src';

async function main(): Promise<void> {
  await using manager = new Manager();
  const directory = mkdtempSync(join(tmpdir(), 'token-'));
  const file = join(directory, 'list.json');
  const list = manager.list(['written by the parent']);
  writeFileSync(file, JSON.stringify({ list })); // a token that names the list
  await list.length; // the manager runs, so that this process may now block
  release(list); // the ticket behind the token keeps the list alive for five minutes
  const text = execFileSync(process.execPath, [...process.execArgv, __filename, file]);
  process.stdout.write(text);
  console.log('objects that a session holds:', await manager.numberOfObjects());
  rmSync(directory, { recursive: true });
}

async function readFrom(file: string): Promise<void> {
  const { list } = revive(JSON.parse(readFileSync(file, 'utf8')) as { list: ListProxy<string> });
  console.log(await list.toArray());
}

void (process.argv[2] === undefined ? main() : readFrom(process.argv[2]));
