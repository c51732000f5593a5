// The command `referent`, as a process of its own: run to its end, or serving meanwhile.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until';

const MAIN = join(__dirname, '../../src/cli/main.ts');
const TS_NODE = require.resolve('ts-node/register/transpile-only');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process with what it has said so far. */
export class Running {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #closed: Promise<unknown[]>;

  constructor(args: readonly string[], options: SpawnOptions = {}) {
    this.process = spawn(process.execPath, ['-r', TS_NODE, MAIN, ...args], options);
    this.process.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#closed = once(this.process, 'close');
  }

  async ended(): Promise<Ended> {
    const [code] = (await this.#closed) as [number | null];
    return { code, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Runs the command to its end, whatever that is. */
export function referent(...args: string[]): Promise<Ended> {
  return new Running(args).ended();
}

/** Servers of tests, with a directory for their files; both are gone after each test. */
export class Servers {
  readonly directory = mkdtempSync(join(tmpdir(), 'referent-cli-'));
  readonly #running: Running[] = [];

  /** Resolves when the server has printed its line. */
  async start(args: readonly string[] = [], options?: SpawnOptions): Promise<Serving> {
    const running = new Running(['serve', ...args], options);
    this.#running.push(running);
    await until(() => running.stdout.includes('\n') || hasEnded(running), 'the ready line', 20_000);
    const address = /(?:unix|tcp|tls):[^\s"]+(?=.*\n)/.exec(running.stdout)?.[0];
    if (address === undefined) throw new Error(`It does not serve: ${running.stderr}`);
    return Object.assign(running, { address });
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  async end(): Promise<void> {
    const left = this.#running.splice(0).filter((running) => !hasEnded(running));
    for (const running of left) running.process.kill('SIGKILL');
    await Promise.all(left.map((running) => running.ended()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export type Serving = Running & { readonly address: string };

function hasEnded({ process: { exitCode, signalCode } }: Running): boolean {
  return exitCode !== null || signalCode !== null;
}
