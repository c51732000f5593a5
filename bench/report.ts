// Rounds in, Markdown out. Tables are laid out as prettier does it, so that a written README stays formatted.
import { median } from './measure';
import { type Column, columns, quotient, rows, targets } from './plan';
import type { Round, Row, Target } from './plan';

/** All rounds of one way of running, and why a peer is not in them. */
export interface Series {
  readonly title: string;
  readonly rounds: readonly Round[];
}

/** The tables of a whole run. `notes` are printed as a list above them. */
export function report(series: readonly Series[], notes: readonly string[]): string {
  const sections = series.flatMap(({ title, rounds }) => [
    `### ${title}`,
    resultTable(rounds),
    `Targets, ${title.toLowerCase()}:`,
    targetTable(rounds),
  ]);
  return [notes.map((note) => `- ${note}`).join('\n'), ...sections].join('\n\n');
}

function resultTable(rounds: readonly Round[]): string {
  const names = Object.keys(columns) as Column[];
  const present = names.filter((name) => rounds.some((round) => round.has(name)));
  const body = rows.map((row) => [row.title, ...present.map((name) => cell(rounds, row, name))]);
  const filled = body.filter((line) => line.slice(1).some((text) => text !== ''));
  return table([['', ...present.map((name) => columns[name])], ...filled]);
}

/** The median, and how many times that of `referent` it is: the median of the quotients of each round. */
function cell(rounds: readonly Round[], { measure, unit }: Row, column: Column): string {
  const value = medianOf(rounds, (round) => round.get(column)?.[measure]);
  if (value === undefined) return '';
  const ratio = medianOf(rounds, (round) =>
    quotient(round.get(column)?.[measure], round.get('referent')?.[measure]),
  );
  const own = column === 'referent' || ratio === undefined;
  return own ? format(value, unit) : `${format(value, unit)} (${format(ratio, 'times')})`;
}

function targetTable(rounds: readonly Round[]): string {
  return table([
    ['', 'target', 'median', 'rounds', ''],
    ...targets.map((t) => targetLine(rounds, t)),
  ]);
}

function targetLine(rounds: readonly Round[], target: Target): string[] {
  const { title, unit, figure, atMost, atLeast } = target;
  const bound = atMost === undefined ? `≥ ${format(atLeast, unit)}` : `≤ ${format(atMost, unit)}`;
  const figures = rounds.map(figure).filter((value) => value !== undefined);
  const middle = median(figures);
  if (middle === undefined) return [title, bound, '', '', 'not measured'];
  const range = `${format(Math.min(...figures), unit)} to ${format(Math.max(...figures), unit)}`;
  const hit = middle <= (atMost ?? Infinity) && middle >= (atLeast ?? -Infinity);
  return [title, bound, format(middle, unit), range, hit ? 'hit' : '**missed**'];
}

function medianOf(
  rounds: readonly Round[],
  figure: (round: Round) => number | undefined,
): number | undefined {
  return median(rounds.map(figure).filter((value) => value !== undefined));
}

function format(value: number | undefined, unit: Target['unit']): string {
  if (value === undefined) return '';
  if (unit === 'times') return `${digits(value)}×`;
  if (unit === 'bytes') return `${value.toFixed(0)} B`;
  return value < 1000 ? `${digits(value)} µs` : `${digits(value / 1000)} ms`;
}

/** Three significant digits, and never an exponent. */
function digits(value: number): string {
  const places = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toFixed(places);
}

/** The first line is the head; the first column is aligned left, the others right. */
function table(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(3, ...lines.map((line) => (line[column] ?? '').length)),
  );
  const [head = '', ...body] = lines.map((line) => drawn(line, widths));
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [head, drawn(rule, widths), ...body].join('\n');
}

function drawn(line: readonly string[], widths: readonly number[]): string {
  const cells = widths.map((width, column) => {
    const text = line[column] ?? '';
    return column === 0 ? text.padEnd(width) : text.padStart(width);
  });
  return `| ${cells.join(' | ')} |`;
}
