// A temporary folder that has the shape of the repository, in which peers run as plain JavaScript and as compiled C:
// what is measured is then neither slowed nor helped by anything that translates while it runs.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as ts from 'typescript';
import type { Peer } from './plan';

export interface Workshop extends Disposable {
  /** Why a peer cannot run here, if so. */
  obstacle(peer: Peer): string | undefined;
  /** The command that runs a peer. */
  command(peer: Peer, sizes: PeerSizes): string[];
}

type Obstacles = Readonly<Record<Peer['kind'], string | undefined>>;

/** As JSON for all but C, which takes three numbers. */
interface PeerSizes {
  readonly samples: number;
  readonly warmUpCalls: number;
  readonly calls: number;
}

const root = resolve(__dirname, '..');

export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'referent-bench-'));
  mkdirSync(join(folder, 'bench', 'peers'), { recursive: true });
  for (const name of ['dist', 'node_modules']) {
    const target = join(root, name);
    if (existsSync(target)) symlinkSync(target, join(folder, name), 'junction');
  }
  translate(folder, 'bench/measure.ts');
  for (const file of readdirSync(join(__dirname, 'peers'))) prepare(folder, `bench/peers/${file}`);
  const peersFolder = join(folder, 'bench', 'peers');
  const obstacles = findObstacles(peersFolder);
  return {
    obstacle: (peer) => obstacles[peer.kind],
    command: (peer, sizes) => commandOf(peer, sizes, peersFolder),
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function prepare(folder: string, file: string): void {
  if (file.endsWith('.ts')) translate(folder, file);
  else copyFileSync(join(root, file), join(folder, file));
}

function translate(folder: string, file: string): void {
  const { outputText } = ts.transpileModule(readFileSync(join(root, file), 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS },
  });
  writeFileSync(join(folder, file.replace(/\.ts$/, '.js')), outputText);
}

/** Why peers of a kind cannot run here: for lack of the program that runs, or makes, them. */
function findObstacles(folder: string): Obstacles {
  const compile = ['-O2', '-o', join(folder, 'pingpong'), join(folder, 'pingpong.c')];
  return {
    script: undefined,
    python: obstacle('python3', ['-c', 'import multiprocessing']),
    c: obstacle('cc', compile),
  };
}

function obstacle(program: string, args: readonly string[]): string | undefined {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? `there is no \`${program}\` here` : `\`${program}\` failed`;
  }
}

function commandOf(peer: Peer, sizes: PeerSizes, folder: string): string[] {
  const file = join(folder, peer.file);
  switch (peer.kind) {
    case 'script':
      return [process.execPath, ...(peer.execArgv ?? []), file, JSON.stringify(sizes)];
    case 'python':
      return ['python3', file, JSON.stringify(sizes)];
    case 'c':
      return [
        file.replace(/\.c$/, ''),
        ...[sizes.samples, sizes.warmUpCalls, sizes.calls].map(String),
      ];
  }
}
