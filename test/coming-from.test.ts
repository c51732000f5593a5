// The pages of docs/coming-from: each feature of the system, and each of its weaknesses, has its row,
// and the tests that the rows name are there.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './support/programs';

type Range = readonly [first: number, last: number];

/** The numbers of each system's features, in groups, and how many weaknesses it has. */
const SYSTEMS: readonly (readonly [page: string, prefix: string, Range[], number])[] = [
  [
    'rpyc-mem',
    'RM',
    [
      [1, 16],
      [20, 35],
      [40, 54],
      [60, 73],
    ],
    14,
  ],
  [
    'remoteobj',
    'RO',
    [
      [1, 25],
      [30, 40],
      [50, 69],
      [80, 93],
    ],
    15,
  ],
  [
    'pyacq',
    'PA',
    [
      [1, 15],
      [20, 43],
      [50, 65],
      [70, 90],
      [100, 107],
      [110, 118],
      [120, 122],
    ],
    17,
  ],
  ['pipe-proxy', 'PP', [[1, 20]], 9],
];

/** What a row names: `` `test/folder/name.test.ts` "title of the test" ``. */
const REFERENCE = /`(test\/[^`]+)` "([^"]+)"/g;

interface Row {
  readonly id: string;
  readonly there: string;
  readonly here: string;
  readonly test: string;
}

function rowsOf(page: string): Row[] {
  const text = readFileSync(join(ROOT, 'docs/coming-from', `${page}.md`), 'utf8');
  return [...text.matchAll(/^\| ((?:W-)?[A-Z]{2}-\d+) \|(.*)\|$/gm)].map(
    ([, id = '', cells = '']) => {
      const [there = '', here = '', test = '', ...more] = cells
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim());
      if (more.length > 0) throw new Error(`The row of ${id} has too many cells`);
      return { id, there, here, test };
    },
  );
}

function idsOf(prefix: string, ranges: readonly Range[], weaknesses: number): string[] {
  const features = ranges.flatMap(([first, last]) =>
    numbers(first, last).map((n) => `${prefix}-${String(n).padStart(2, '0')}`),
  );
  return [...features, ...numbers(1, weaknesses).map((n) => `W-${prefix}-${n}`)];
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function hasTest(file: string, title: string): boolean {
  const path = join(ROOT, file);
  return existsSync(path) && readFileSync(path, 'utf8').replaceAll("\\'", "'").includes(title);
}

describe.each(SYSTEMS)('%s', (page, prefix, ranges, weaknesses) => {
  const rows = rowsOf(page);

  it('has a row for each feature, and no other', () => {
    expect(rows.map(({ id }) => id)).toEqual(idsOf(prefix, ranges, weaknesses));
  });

  it('says in each row what is there and what is here', () => {
    const empty = rows.filter(({ there, here }) => there === '' || here === '');
    expect(empty).toEqual([]);
  });

  it('names a test in each row, or says that there is nothing here, and why', () => {
    const unproven = rows.filter(({ here, test }) => test === '' && !/^not here: \w/.test(here));
    expect(unproven).toEqual([]);
  });

  it('names tests that are there', () => {
    const gone = rows.flatMap(({ id, test }) =>
      [...test.matchAll(REFERENCE)]
        .filter(([, file = '', title = '']) => !hasTest(file, title))
        .map(([reference]) => `${id}: ${reference}`),
    );
    expect(gone).toEqual([]);
    for (const { test } of rows) expect(test.replaceAll(REFERENCE, '').trim()).toBe('');
  });
});
