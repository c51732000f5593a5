// The logs of a process that this package has started, as seen from inside: it is told where they
// go, and from then on says there what nobody else would hear.

import { isMainThread } from 'node:worker_threads';
import { asBuffers } from '../transport/tls-options';
import { logExceptions } from './exceptions';
import { setProcessLevel } from './levels';
import { closeLogger, loggerRoute, setLoggerAddress } from './logger-address';
import { setHostName, setProcessName } from './names';
import { type LogRoute } from './route';
import { stampLines } from './stamps';

/** What a child is told, over the channel of its fork. */
export interface ChildLog {
  readonly route: LogRoute;
  readonly level: string;
  readonly host: string;
}

/** How long the end of a process waits for what it has printed. */
const OUTPUT_MS = 500;

/**
 * In the child, first of all: its records, and its uncaught errors, go where it was told. Where `log` is
 * given, the parent reads its output with `LogTarget.follow`.
 */
export function adoptLog(log: ChildLog | undefined, name?: string): void {
  if (name !== undefined) adoptName(name);
  if (log === undefined) return;
  const { address, authkey, tls } = log.route;
  setHostName(log.host);
  setProcessLevel(log.level);
  setLoggerAddress(address, { authkey, tls: tls && asBuffers(tls) });
  logExceptions();
  // Whoever reads its output may end first: that is no fault of what it prints then.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => undefined);
    stampLines(stream);
  }
}

/** What this process is called in logs, and by `ps`. */
export function adoptName(name: string): void {
  setProcessName(name);
  if (isMainThread) process.title = `referent ${name}`;
}

/** Before `process.exit()`: what was printed and logged has left, or cannot soon. */
export async function logsHaveLeft(): Promise<void> {
  if (loggerRoute() === undefined) return;
  const outputs = [process.stdout, process.stderr].map(
    (stream) => new Promise((resolve) => stream.write('', resolve)),
  );
  const tooLong = new Promise((resolve) => setTimeout(resolve, OUTPUT_MS));
  await Promise.all([closeLogger(), Promise.race([Promise.all(outputs), tooLong])]);
}
