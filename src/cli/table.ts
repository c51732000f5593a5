// Tables for people: columns as wide as what is in them.

/** Rows of help: what to write, and what it means. */
export function twoColumns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}

type Cell = string | number;

/** Empty where there are no rows. A cell is one line, whatever is in it. */
export function tableOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '';
  const lines = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_name, column) =>
    Math.max(...lines.map((line) => widthOf(line, column))),
  );
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** What objects say of themselves must not move the cursor of a terminal. */
function printable(cell: Cell): string {
  return String(cell).replace(/\p{Cc}+/gu, ' ');
}

function widthOf(line: readonly string[], column: number): number {
  return line[column]?.length ?? 0;
}
