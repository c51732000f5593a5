// What this process is called in logs: its machine, itself, and the thread.

import { hostname } from 'node:os';
import { isMainThread, threadId } from 'node:worker_threads';
import { UsageError } from '../base/errors';

interface Names {
  host: string | undefined;
  process: string | undefined;
  thread: string | undefined;
}
const names: Names = { host: undefined, process: undefined, thread: undefined };

/** Default: the name that the system has for the machine. */
export function getHostName(): string {
  return (names.host ??= hostname());
}
export function setHostName(name: string): void {
  names.host = requireName(name);
}

/** Default: `process-` and the process id. */
export function getProcessName(): string {
  return names.process ?? processNameOf(process.pid);
}
export function setProcessName(name: string): void {
  names.process = requireName(name);
}
/** What a process is called that has no name of its own. */
export function processNameOf(pid: number | undefined): string {
  return `process-${String(pid)}`;
}

/** Each thread has its own. Default: `main`, or `thread-` and its number. */
export function getThreadName(): string {
  return (names.thread ??= isMainThread ? 'main' : `thread-${String(threadId)}`);
}
export function setThreadName(name: string): void {
  names.thread = requireName(name);
}

function requireName(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new UsageError('A name for the logs is a text that is not empty');
}
