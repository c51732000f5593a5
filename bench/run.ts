// The benchmark: `npm run bench -- [--quick] [--write]`. Starts every peer once per round, one after another, pinned to
// one core and unpinned, and prints medians, ratios and targets. A peer that cannot run here is named with the reason.
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, type as system } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { Measures, PeerReport, Sizes } from './measure';
import { type Column, fullRounds, fullSizes, type Peer, peers } from './plan';
import { quickRounds, quickSizes, type Round } from './plan';
import { report, type Series } from './report';
import { openWorkshop, type Workshop } from './workshop';

const peerTimeoutMs = 60_000;

interface Way {
  readonly title: string;
  readonly prefix: readonly string[];
  readonly rounds: Round[];
}

interface Run {
  readonly workshop: Workshop;
  readonly sizes: Sizes;
  /** Why a peer is not started again. */
  readonly skipped: Map<Peer, string>;
  readonly versions: Map<string, string>;
}

/** Pinned first, where the system can do it. */
function waysToRun(): Way[] {
  const unpinned: Way = { title: 'Unpinned', prefix: [], rounds: [] };
  const prefix = ['taskset', '-c', '1'];
  try {
    execFileSync('taskset', ['-c', '1', process.execPath, '-e', '0'], { stdio: 'ignore' });
    return [{ title: 'Pinned to one core', prefix, rounds: [] }, unpinned];
  } catch {
    return [unpinned];
  }
}

async function runRound(run: Run, way: Way): Promise<Round> {
  const round = new Map<Column, Measures>();
  for (const peer of peers) {
    if (run.skipped.has(peer)) continue;
    const { measures, versions, skipped } = await runPeer(run, peer, way.prefix);
    if (skipped !== undefined) run.skipped.set(peer, `${skipped} (round ${way.rounds.length + 1})`);
    else round.set(peer.column, { ...round.get(peer.column), ...measures });
    for (const [name, version] of Object.entries(versions ?? {})) run.versions.set(name, version);
  }
  return round;
}

async function runPeer(run: Run, peer: Peer, prefix: readonly string[]): Promise<PeerReport> {
  const obstacle = run.workshop.obstacle(peer);
  if (obstacle !== undefined) return { measures: {}, skipped: obstacle };
  const [program = '', ...args] = [...prefix, ...run.workshop.command(peer, run.sizes)];
  const env = { ...process.env, NODE_OPTIONS: undefined };
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const stop = stopAfter(peerTimeoutMs, child);
  const outputs = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  try {
    const [output, errors, [code]] = (await outputs) as [string, string, [number | null]];
    return code === 0 ? (JSON.parse(output) as PeerReport) : failure(code, errors);
  } catch (error) {
    return { measures: {}, skipped: (error as Error).message };
  } finally {
    stop.clear();
  }
}

/** SIGINT, on which each peer takes its own children with it; and where it does not end, it is waited for no longer. */
function stopAfter(timeoutMs: number, child: ChildProcessByStdio<null, Readable, Readable>) {
  const late = new Error(`it did not end within ${timeoutMs} ms`);
  const interrupt = setTimeout(() => child.kill('SIGINT'), timeoutMs);
  const kill = setTimeout(() => {
    child.kill('SIGKILL');
    child.stdout.destroy(late);
    child.stderr.destroy(late);
  }, timeoutMs + 3000);
  return {
    clear: () => {
      clearTimeout(interrupt);
      clearTimeout(kill);
    },
  };
}

/** The first line with the message of an error, else the last. */
function failure(code: number | null, errors: string): PeerReport {
  process.stderr.write(errors);
  const lines = errors.trim().split('\n');
  const line = lines.find((candidate) => /Error\b.*:/.test(candidate)) ?? lines.at(-1) ?? '';
  const end = code === null ? 'was killed' : `failed with code ${code}`;
  return { measures: {}, skipped: `it ${end}: ${line}` };
}

function notes(run: Run, ways: readonly Way[], rounds: number): string[] {
  const versions = [...run.versions].map(([name, version]) => `${name} ${version}`).join(', ');
  const cores = `${cpus().length} cores ${cpus()[0]?.model ?? ''}`.trim();
  const [kernel] = /^\d+\.\d+/.exec(release()) ?? [''];
  const date = new Date().toISOString().slice(0, 10);
  const pinned = ways.length === 1 ? ['not run pinned: `taskset -c 1` does not work here'] : [];
  const skipped = [...run.skipped].map(([peer, reason]) => `without ${peer.name}: ${reason}`);
  const machine = `${system()} ${kernel}, ${cores}, ${versions}`;
  return [`${date}, ${rounds} rounds; ${machine}`, ...pinned, ...skipped];
}

/** Puts the tables between the markers of README.md. */
function writeReadme(tables: string): void {
  const file = join(__dirname, 'README.md');
  const [begin, end] = ['<!-- table:begin -->', '<!-- table:end -->'];
  const readme = readFileSync(file, 'utf8');
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from === -1 || to < from) throw new Error(`README.md has no ${begin} before ${end}`);
  writeFileSync(file, `${readme.slice(0, from)}${begin}\n\n${tables}\n\n${readme.slice(to)}`);
}

async function runAll(run: Run, ways: readonly Way[], rounds: number): Promise<void> {
  for (let number = 1; number <= rounds; number += 1) {
    for (const way of ways) {
      process.stderr.write(`round ${number} of ${rounds}, ${way.title}\n`);
      way.rounds.push(await runRound(run, way));
    }
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, write: { type: 'boolean' } },
  });
  const [rounds, sizes] = values.quick ? [quickRounds, quickSizes] : [fullRounds, fullSizes];
  const ways = waysToRun();
  const begin = performance.now();
  const workshop = openWorkshop();
  try {
    const run: Run = { workshop, sizes, skipped: new Map(), versions: new Map() };
    await runAll(run, ways, rounds);
    const tables = report(ways satisfies readonly Series[], notes(run, ways, rounds));
    process.stdout.write(`${tables}\n`);
    const complete = ![...run.skipped.keys()].some((peer) => peer.column === 'referent');
    if (!complete) throw new Error('the figures of referent itself are missing or incomplete');
    if (values.write) writeReadme(tables);
  } finally {
    workshop[Symbol.dispose]();
  }
  process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(0)} s\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
