#!/usr/bin/env node
// The command `referent`: finds what was asked for, does it, and tells how it ended.

import { exitCodeOf, tell } from './failure';
import { find } from './help';

/** What a referent left running, or a peer that does not answer, keeps no command alive. */
const END_MS = 1000;

/** Whoever reads our output may stop reading, as `head` does: nobody is told then, and that is all. */
function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

async function main([name = '', ...args]: readonly string[]): Promise<void> {
  try {
    await find(name).run(args);
  } catch (error) {
    tell(error, args);
    process.exitCode = exitCodeOf(error);
  }
  setTimeout(() => process.exit(), END_MS).unref();
}

process.stdout.on('error', ignoreBrokenPipe);
process.stderr.on('error', ignoreBrokenPipe);
void main(process.argv.slice(2));
