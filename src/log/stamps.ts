// When a line was printed. The parent reads the output of its child when it has time, and the child's
// records have theirs from the child; so that both sort together, the child writes the time before
// each line, and the parent takes it off. What is printed past `process.stdout` has none.

import { preciseNow } from './clock';

const STAMP = /^\0([\d.]+)\0/;
/** Behind each line but the last. */
const LINE_BEGIN = /\n(?=[^])/g;

/** In the child: from now on lines of `stream` bear their time. */
export function stampLines(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let isAtStart = true;
  stream.write = (chunk: unknown, ...rest: unknown[]) => {
    const text = textOf(chunk, rest[0]);
    if (text === undefined || text === '') return write(chunk, ...rest);
    const stamp = `\0${preciseNow().toFixed(3)}\0`;
    const stamped = (isAtStart ? stamp : '') + text.replace(LINE_BEGIN, `\n${stamp}`);
    isAtStart = text.endsWith('\n');
    return write(stamped, ...rest);
  };
}

/** Bytes may be a part of a character, and stay as they are. */
function textOf(chunk: unknown, encoding: unknown): string | undefined {
  const isText = typeof encoding !== 'string' || /^utf-?8$/i.test(encoding);
  return typeof chunk === 'string' && isText ? chunk : undefined;
}

/** In the parent: a line without its stamps, and its time. */
export function readStamp(line: string): { readonly text: string; readonly time: number } {
  const found = STAMP.exec(line);
  if (found === null) return { text: line, time: preciseNow() };
  return { text: line.slice(found[0].length), time: Number(found[1]) };
}
