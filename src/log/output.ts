// What a child process prints, as records: a line each, in the child's name. The pipes are read here
// and not in the child, so that the last words of one that was killed arrive too, and what its own
// children and native code print.

import { type Socket } from 'node:net';
import { type Readable } from 'node:stream';
import { Lines } from './lines';
import { type LogSink, type Origin, recordOf } from './record';
import { readStamp } from './stamps';

/** After the end of a child, for what still stands in the pipes; a grandchild may hold them open. */
const REST_MS = 200;

/** A child process with pipes for its output, or a worker thread with `stdout` and `stderr`. */
export interface Speaking {
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  once(event: 'exit' | 'error', listener: () => void): unknown;
}

const STREAMS = [
  { source: 'stdout', level: 'info' },
  { source: 'stderr', level: 'warn' },
] as const;

/** Keeps nothing alive. Resolves when the child has ended and all that it has printed is with `sink`. */
export async function forwardOutput(
  child: Speaking,
  sink: LogSink,
  names: Omit<Origin, 'source'>,
): Promise<void> {
  const ended = STREAMS.map(async ({ source, level }) => {
    const stream = child[source];
    if (stream === null) return;
    const origin: Origin = { ...names, source };
    await readLines(stream, (line) => {
      const { text, time } = readStamp(line);
      sink.write({ ...recordOf(origin, level, text), time });
    });
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve); // it could not be started
  });
  await exited;
  let timer: NodeJS.Timeout | undefined;
  const rest = new Promise((resolve) => {
    timer = setTimeout(resolve, REST_MS); // from here on nothing else keeps this process alive for it
  });
  await Promise.race([Promise.all(ended), rest]);
  clearTimeout(timer);
}

function readLines(stream: Readable, give: (line: string) => void): Promise<void> {
  const lines = new Lines(give);
  (stream as Readable & Partial<Pick<Socket, 'unref'>>).unref?.(); // a pipe is a socket
  stream.on('data', (chunk: Buffer) => {
    lines.push(chunk);
  });
  return new Promise((resolve) => {
    stream.once('close', () => {
      lines.end();
      resolve();
    });
  });
}
