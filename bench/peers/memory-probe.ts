// Loaded into the manager of referent-memory.ts by --require: on SIGUSR2, and once at the start, it writes what heap and
// external memory are in use after a full collection to memory-<pid>.json beside itself.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const file = join(__dirname, `memory-${process.pid}.json`);

function report(): void {
  for (let times = 0; times < 3; times += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  writeFileSync(`${file}.part`, JSON.stringify({ heapBytes: heapUsed + external }));
  renameSync(`${file}.part`, file);
}

process.on('SIGUSR2', report);
report();
