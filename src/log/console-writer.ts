// Records for people: a line on stderr each, with who has said it; in colour on a terminal.

import { inspect } from 'node:util';
import { type LogRecord, fieldsOf } from './record';

type Paint = (code: number, text: string) => string;

const PLAIN: Paint = (_code, text) => text;
const COLOURED: Paint = (code, text) => `\u001b[${String(code)}m${text}\u001b[39m`;
const LEVEL_COLOURS: Readonly<Record<string, number>> = {
  trace: 90,
  debug: 36,
  info: 32,
  warn: 33,
  error: 31,
  fatal: 35,
};
/** One for each process that speaks, as far as there are any. */
const SPEAKER_COLOURS = [94, 95, 96, 92, 93, 34, 35, 36];

export function writeToConsole(record: LogRecord): void {
  const { stderr } = process;
  stderr.write(formatRecord(record, stderr.isTTY && stderr.hasColors()));
}

/** `13:05:07.123 [host:process:thread] warn app: message { field: 1 }` */
export function formatRecord(record: LogRecord, hasColours: boolean): string {
  const paint = hasColours ? COLOURED : PLAIN;
  const { time, level, message, host, process: name, thread, source } = record;
  const speaker = `[${host}:${name}:${thread}]`;
  const head = paint(colourOf(speaker), speaker);
  const weight = paint(LEVEL_COLOURS[level] ?? 39, level);
  const fields = textOfFields(fieldsOf(record), hasColours);
  return `${timeOfDay(time)} ${head} ${weight} ${source}: ${message}${fields}\n`;
}

function timeOfDay(time: number): string {
  const date = new Date(time);
  const two = (part: number): string => String(part).padStart(2, '0');
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

/** The stack of an error stands on lines of its own. */
function textOfFields({ error, ...fields }: Record<string, unknown>, colors: boolean): string {
  const others =
    error instanceof Error ? fields : { ...fields, ...(error === undefined ? {} : { error }) };
  const isBare = Object.keys(others).length === 0;
  const text = isBare ? '' : ` ${inspect(others, { colors, breakLength: Infinity, depth: 4 })}`;
  return error instanceof Error ? `${text}\n${inspect(error, { colors })}` : text;
}

function colourOf(speaker: string): number {
  let hash = 0;
  for (const character of speaker) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return SPEAKER_COLOURS[hash % SPEAKER_COLOURS.length] ?? 39;
}
