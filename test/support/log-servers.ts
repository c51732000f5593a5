// Log servers in tests: what they write is kept, and in the end nothing of them is left.
import { existsSync } from 'node:fs';
import { directoryOf } from '../../src/process/runtime-directory';
import {
  type LogRecord,
  type LogServer,
  type LogServerOptions,
  startLogServer,
} from '../../src/index';
import { until } from './until';

export interface KeptLog extends AsyncDisposable {
  readonly server: LogServer;
  readonly records: LogRecord[];
  /** Resolves when so many records have come, or one that `isLast`. */
  reached(
    wanted: number | ((record: LogRecord) => boolean),
    deadlineMs?: number,
  ): Promise<LogRecord[]>;
  messages(source?: string): string[];
}

export async function keepLog(options: LogServerOptions = {}): Promise<KeptLog> {
  const records: LogRecord[] = [];
  const server = await startLogServer({
    sortMs: 50,
    write: (record) => records.push(record),
    ...options,
  });
  return {
    server,
    records,
    reached: async (wanted, deadlineMs = 5000) => {
      const isThere = (): boolean =>
        typeof wanted === 'number' ? records.length >= wanted : records.some(wanted);
      await until(isThere, 'the records', deadlineMs).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${records.map(({ message }) => message).join('\n')}`);
      });
      return records;
    },
    messages: (source) =>
      records
        .filter((record) => source === undefined || record.source === source)
        .map(({ message }) => message),
    [Symbol.asyncDispose]: async () => {
      await server.close();
      const directory = directoryOf(server.address);
      if (directory !== undefined) expect(existsSync(directory)).toBe(false);
    },
  };
}
