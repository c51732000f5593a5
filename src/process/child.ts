// Child processes that run our own entry files.

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { UsageError } from '../base/errors';

export interface ChildOptions {
  readonly execPath?: string | undefined;
  readonly execArgv?: readonly string[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
  /** Its only argument, to be seen by `ps`. */
  readonly name?: string | undefined;
  /** `pipe`: what it prints is read here. Default: it prints where this process does. */
  readonly output?: 'inherit' | 'pipe' | undefined;
  /** Modules that the child will load: TypeScript among them needs a loader. */
  readonly modules: readonly string[];
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Where a process, or what stands for one, tells how it has ended. */
export const ENDING = Symbol('ending');

/** Whoever only wants to know asks here: it keeps nothing alive, and asks nothing of the process. */
export interface Ending {
  readonly [ENDING]: Promise<Exit>;
}

export function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${String(code)}`;
}

/** Throws `UsageError` where the file that a child runs is not there. `what`: what it is for. */
export function requireEntry(entry: string, what: string): void {
  if (existsSync(entry)) return;
  throw new UsageError(
    `Cannot start ${what}: ${entry} is missing; a bundler leaves it behind, so mark 'referent' as external`,
  );
}

/** Options of Node that are for the parent alone; with a value in the next argument: `true`. */
const NOT_INHERITED: readonly (readonly [pattern: RegExp, takesNext: boolean])[] = [
  [/^(-e|-p|-pe|--eval|--print)$/, true],
  [/^--(eval|print|input-type|inspect|watch|test|build-snapshot)/, false],
  [/^(-i|--interactive|-c|--check)$/, false],
];
const TYPESCRIPT = /\.[mc]?ts$/;
const TS_LOADER = 'ts-node/register/transpile-only';

/** Forks in a process group of its own, so that signals for ours do not reach it. */
export function forkDetached(entry: string, options: ChildOptions): ChildProcess {
  return forkEntry(entry, options, true);
}

/** Forks in the process group of this process: a signal for the group reaches both. */
export function forkAttached(entry: string, options: ChildOptions): ChildProcess {
  return forkEntry(entry, options, false);
}

/** Whether a child that was forked without knowing of `module` can load it all the same. */
export function loadsUntold(entry: string, module: string): boolean {
  const inherited = inheritedArguments();
  return loaders(entry, [module], inherited).length === loaders(entry, [], inherited).length;
}

function forkEntry(entry: string, options: ChildOptions, detached: boolean): ChildProcess {
  const inherited = options.execArgv ?? inheritedArguments();
  const output = options.output ?? 'inherit';
  return fork(entry, options.name === undefined ? [] : [options.name], {
    detached,
    serialization: 'advanced',
    stdio: ['ignore', output, output, 'ipc'],
    windowsHide: true,
    execArgv: [...inherited, ...loaders(entry, options.modules, inherited)],
    ...(options.execPath === undefined ? {} : { execPath: options.execPath }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  } as Parameters<typeof fork>[2]);
}

function inheritedArguments(): string[] {
  const kept: string[] = [];
  for (let i = 0; i < process.execArgv.length; i++) {
    const argument = process.execArgv[i] ?? '';
    const rule = NOT_INHERITED.find(([pattern]) => pattern.test(argument));
    if (rule === undefined) kept.push(argument);
    else if (rule[1]) i++;
  }
  return kept;
}

/** Options of Node with which a thread loads `entry`, and the modules that it is told of. */
export function threadArguments(entry: string, modules: readonly string[] = []): string[] {
  return loaders(entry, modules, []);
}

/** Whether a child of this process has ended, be it noticed or not. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return false;
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return true; // there is no such process
  }
}

/** What makes the child load TypeScript, where it must and this Node does not by itself. */
function loaders(entry: string, modules: readonly string[], given: readonly string[]): string[] {
  const first = [entry, ...modules].find((file) => TYPESCRIPT.test(file));
  const isLoaded = given.some((argument) => /ts-node|tsx|swc|esbuild/.test(argument));
  if (first === undefined || isLoaded) return [];
  const strips = process.features as { typescript?: unknown };
  if (strips.typescript !== undefined && strips.typescript !== false && entry !== first) return [];
  for (const from of [join(process.cwd(), 'noop.js'), entry]) {
    try {
      return ['-r', createRequire(from).resolve(TS_LOADER)];
    } catch {
      continue; // not installed there
    }
  }
  throw new UsageError(
    `Cannot load the TypeScript file ${first} in a child process: install ts-node, or name the compiled file`,
  );
}
