// Four child processes count the words of a directory's files. They take the file names from one
// shared list and add up the words in one shared dict, both of which live in a manager.
//
//   npm start              counts the words of docs/
//   npm start -- DIR       counts those of DIR and the directories in it

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Manager, release, revive, type DictProxy, type ListProxy } from '../src';

const WORKERS = 4;
const WORKER = '--worker';
const WORD = /\p{L}[\p{L}\p{N}'’]*/gu;
/** Calls that are under way at a time: enough to keep the manager busy. */
const PIPELINED = 1000;
const PROGRESS_MS = 100;
/** What a killed child held is given back after `limits.lingerMs`, five seconds. */
const HELD_MS = 8000;

interface Shared {
  /** Files that nobody has taken yet. */
  readonly files: ListProxy<string>;
  /** How often each word occurs. */
  readonly words: DictProxy<string, number>;
  /** Which file each worker has in hand, by process id. */
  readonly inHand: DictProxy<number, string>;
  /** How many files are done. */
  readonly progress: DictProxy<string, number>;
}

// ---- the parent ---------------------------------------------------------------------------------

async function main(files: string[]): Promise<void> {
  const start = performance.now();
  await using manager = new Manager();
  const shared: Shared = {
    files: manager.list(files.reverse()), // pop() takes from the end
    words: manager.dict<string, number>(),
    inHand: manager.dict<number, string>(),
    progress: manager.dict({ done: 0 }),
  };
  console.log(`Counting the words of ${plural(files.length, 'file')} in ${WORKERS} processes`);
  const complete = await work(shared, files.length);
  await printMostFrequent(shared.words);
  console.log(`Time: ${((performance.now() - start) / 1000).toFixed(2)} s`);

  for (const proxy of Object.values(shared)) release(proxy);
  const held = await heldInTheEnd(manager);
  console.log(`Objects that a session or a name holds in the end: ${held}`);
  if (!complete || held > 0) process.exitCode = 1;
}

/** Every file below a directory, without hidden ones and node_modules. */
function filesOf(directory: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    if (entry.isDirectory()) files.push(...filesOf(path));
    else if (entry.isFile()) files.push(path);
  }
  return files;
}

/** Runs the workers until the last one has ended. Answers whether every file was counted. */
async function work(shared: Shared, total: number): Promise<boolean> {
  const stop = new AbortController();
  const showing = showProgress(shared, total, stop.signal);
  const ended = await Promise.all(Array.from({ length: WORKERS }, () => runWorker(shared)));
  stop.abort();
  await showing;
  for (const { pid, how } of ended.filter(({ how }) => how !== undefined)) {
    const file = await shared.inHand.get(pid);
    const loss = file === undefined ? 'it had no file in hand' : `${file} is not counted in full`;
    console.error(`Worker ${pid} ${how}: ${loss}`);
  }
  const left = await shared.files.length;
  if (left > 0) console.error(`No worker is left: ${plural(left, 'file')} not counted`);
  return left === 0 && ended.every(({ how }) => how === undefined);
}

/** `how` says how a worker failed; undefined: it did not. */
async function runWorker(shared: Shared): Promise<{ pid: number; how: string | undefined }> {
  const child: ChildProcess = fork(__filename, [WORKER]); // with the options of this process
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  child.send(shared, (error) => {
    if (error) console.error(`A worker ended before it got its work: ${error.message}`);
  });
  const [code, signal] = await exit;
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  return { pid: child.pid ?? 0, how: code === 0 ? undefined : how };
}

async function showProgress(shared: Shared, total: number, stop: AbortSignal): Promise<void> {
  const isTerminal = process.stderr.isTTY;
  let shown = -1;
  for (let last = false; ; last = stop.aborted) {
    const done = (await shared.progress.get('done')) ?? 0;
    if (done !== shown) process.stderr.write(`${isTerminal ? '\r' : ''}${done} of ${total} files`);
    if (done !== shown && !isTerminal) process.stderr.write('\n');
    shown = done;
    if (last) break;
    await sleep(PROGRESS_MS, undefined, { signal: stop }).catch(() => undefined); // ended: once more
  }
  if (isTerminal) process.stderr.write('\n');
}

async function printMostFrequent(words: DictProxy<string, number>): Promise<void> {
  const all: [string, number][] = [];
  for await (const entry of words) all.push(entry);
  all.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  console.log(`${plural(all.length, 'different word')}; the most frequent:`);
  for (const [word, count] of all.slice(0, 10))
    console.log(`${String(count).padStart(8)}  ${word}`);
}

/** A killed worker's references are given back a little later, so this may wait. */
async function heldInTheEnd(manager: Manager): Promise<number> {
  const end = performance.now() + HELD_MS;
  for (;;) {
    const held = await manager.numberOfObjects();
    if (held === 0 || performance.now() > end) return held;
    await sleep(PROGRESS_MS);
  }
}

function plural(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

// ---- the workers --------------------------------------------------------------------------------

async function takeFiles({ files, words, inHand, progress }: Shared): Promise<void> {
  for (;;) {
    const file = await files.pop();
    if (file === undefined) return;
    await inHand.set(process.pid, file);
    await addWords(await countWords(file), words);
    await Promise.all([inHand.delete(process.pid), progress.increment('done')]);
  }
}

/** Counted here first, so that each word of a file is sent once. */
async function countWords(file: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const [match] of (await readFile(file, 'utf8')).matchAll(WORD)) {
    const word = match.toLowerCase();
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

/** Pipelined: the calls of one round leave in one write, and nobody waits for a single one. */
async function addWords(counts: Map<string, number>, to: DictProxy<string, number>): Promise<void> {
  const entries = [...counts];
  for (let i = 0; i < entries.length; i += PIPELINED) {
    const round = entries.slice(i, i + PIPELINED);
    await Promise.all(round.map(([word, count]) => to.increment(word, count)));
  }
}

function beWorker(): void {
  process.once('message', (message: Shared) => {
    takeFiles(revive(message)).then(() => process.disconnect(), fail);
  });
}

// ---- which of them this process is --------------------------------------------------------------

function fail(error: unknown): never {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error);
  process.exit(1);
}

/** Says what is wrong with the directory, before anything is started. */
function requireFiles(directory: string): string[] {
  let files: string[];
  try {
    files = filesOf(directory);
  } catch (error) {
    console.error(`Cannot read the directory "${directory}": ${(error as Error).message}`);
    process.exit(1);
  }
  if (files.length > 0) return files;
  console.error(`There is no file in the directory "${directory}"`);
  process.exit(1);
}

if (process.argv[2] === WORKER && process.send !== undefined) beWorker();
else main(requireFiles(process.argv[2] ?? join(__dirname, '../docs'))).catch(fail);
