// Errors that nobody has caught: recorded, and then the process does what it would have done.

import { inspect } from 'node:util';
import { processSink } from './logger-address';
import { makeRecord } from './record';

const installed = { times: 0 };

/**
 * From now on uncaught exceptions and unhandled rejections of this process are recorded, with their
 * stacks, where it logs. Nothing is swallowed: what Node does with them, it does. Answers the undo.
 */
export function logExceptions(): () => void {
  if (installed.times++ === 0) process.on('uncaughtExceptionMonitor', recordException);
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    if (--installed.times === 0) process.off('uncaughtExceptionMonitor', recordException);
  };
}

/** `origin` tells a rejection from an exception. A listener for rejections alone would swallow them. */
function recordException(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
  const what = origin === 'unhandledRejection' ? 'Unhandled rejection' : 'Uncaught exception';
  const text = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);
  const level = isHandled() ? 'error' : 'fatal';
  processSink()?.write(makeRecord(level, `${what}: ${text}`, 'exception', { error }));
}

/** Whether the process goes on. */
function isHandled(): boolean {
  return (
    process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()
  );
}
