// The end of a child that is busy when its parent is killed: its event loop hears of nothing, so a
// thread beside it looks whether it still has the parent that it began with.

import { Worker } from 'node:worker_threads';

const LOOK_MS = 500;

/** Ends with the channel in any other case; so there is nothing to be cleaned up here. */
const WATCH = `
  const { workerData: parent } = require('node:worker_threads');
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, ${String(LOOK_MS)});
`;

export function endWithParent(): void {
  if (process.platform === 'win32') return; // a process keeps its parent's number there
  const options = { eval: true, execArgv: [], env: {}, workerData: process.ppid };
  new Worker(WATCH, options).unref();
}
