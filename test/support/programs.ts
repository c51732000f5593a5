// Programs of examples/, run from source as a reader runs them.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

export const ROOT = resolve(__dirname, '../..');
export const TS_NODE = ['-r', 'ts-node/register/transpile-only'];

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function runProgram(file: string, args: readonly string[] = []): Promise<Ended> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [...TS_NODE, file, ...args],
      { cwd: ROOT },
      (_error, stdout, stderr) => done({ code: child.exitCode, stdout, stderr }),
    );
  });
}
