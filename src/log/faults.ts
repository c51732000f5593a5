// Faults that no call can report: whoever reads the log should know.

import { processSink } from './logger-address';
import { type LogSink, makeRecord } from './record';

/** Told to `sink`, by default where this process logs, if anywhere. */
export function logFault(fault: Error, sink: LogSink | undefined = processSink()): void {
  sink?.write(makeRecord('warn', fault.message, 'manager', { error: fault }));
}
