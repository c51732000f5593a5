// The layers of src: imports go down only, and inside a layer only to a folder further left.
//
// Rule 1: types count too; who needs a type from above declares what it needs below.
// Rule 2: at run time no file of src imports itself, however long the way round.
// Rule 3: index.ts only composes; nothing in src imports it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { importsOf } from './support/imports';

/** The folders of src, lowest layer first; '' stands for the files directly in src. */
const layers = [
  ['base'],
  ['wire', 'transport', 'process'],
  ['refs', 'log'],
  ['session'],
  ['proxy'],
  ['types'],
  ['host', 'names'],
  ['expose', 'spawn'],
  [''],
  ['cli'],
];

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const src = resolve(__dirname, '../src');
const texts = new Map(
  readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => [path.split(sep).join('/'), readFileSync(join(src, path), 'utf8')]),
);
const edges = [...texts].flatMap(([from, text]) => edgesOf(from, text));

describe('the layers of src', () => {
  it('has a layer for every folder', () => {
    const known = layers.flat();
    const strangers = [...texts.keys()].filter((path) => !known.includes(folderOf(path)));
    expect(texts.size).toBeGreaterThan(0);
    expect(strangers).toEqual([]);
  });

  it('imports go down, or to the left', () => {
    expect(edges.flatMap(faultOf)).toEqual([]);
  });

  it('has no import cycle at run time', () => {
    expect(cyclesOf(edges.filter((edge) => !edge.typeOnly))).toEqual([]);
  });

  it('imports index.ts nowhere', () => {
    expect(edges.filter((edge) => edge.to === 'index.ts').map(describeEdge)).toEqual([]);
  });

  it('names node-ipc in transport/listen.ts alone', () => {
    const others = [...texts].filter(([path, text]) => {
      return path !== 'transport/listen.ts' && text.includes('node-ipc');
    });
    expect(others.map(([path]) => path)).toEqual([]);
  });
});

it('names msgpackr in wire/serializers.ts alone', () => {
  const others = [...texts].filter(([path, text]) => {
    return path !== 'wire/serializers.ts' && text.includes('msgpackr');
  });
  expect(others.map(([path]) => path)).toEqual([]);
});

describe('what these tests go by', () => {
  const edge = (from: string, to: string, typeOnly = false): Edge => ({ from, to, typeOnly });

  it('sees every kind of import, and which are types alone', () => {
    const text = `
      import './a'; import b from './b'; import { type C, c } from './c'; export * from './d';
      const e = await import('./e'); const f = require('./f');
      import type { G } from './g'; import { type H } from './h'; export type { I } from './i';
      export { type J } from './j'; type K = import('./k').K; // import l from './l';
      const m = "import m from './m'";`;
    const found = importsOf(text);
    const names = (typeOnly: boolean) =>
      found.filter((one) => one.typeOnly === typeOnly).map((one) => one.specifier);
    expect(names(false)).toEqual(['./a', './b', './c', './d', './e', './f']);
    expect(names(true)).toEqual(['./g', './h', './i', './j', './k']);
  });

  it('refuses imports that go up or to the right, and no others', () => {
    expect(faultOf(edge('refs/a.ts', 'session/b.ts'))).toEqual([
      'refs/a.ts imports session/b.ts: layer 2 may not import layer 3',
    ]);
    expect(faultOf(edge('wire/a.ts', 'process/b.ts', true))).toEqual([
      'wire/a.ts imports process/b.ts (types): in layer 1, wire stands left of process',
    ]);
    expect(faultOf(edge('process/a.ts', 'wire/b.ts'))).toEqual([]);
    expect(faultOf(edge('wire/a.ts', 'wire/b.ts'))).toEqual([]);
    expect(faultOf(edge('manager.ts', 'inspector.ts'))).toEqual([]);
    expect(faultOf(edge('session/a.ts', 'refs/b.ts'))).toEqual([]);
  });

  it('finds cycles of any length, each once', () => {
    const found = cyclesOf([
      edge('a', 'b'),
      edge('b', 'c'),
      edge('c', 'a'),
      edge('c', 'd'),
      edge('d', 'd'),
    ]);
    expect(found).toEqual(['a → b → c → a', 'd → d']);
  });
});

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

function edgesOf(from: string, text: string): Edge[] {
  return importsOf(text)
    .filter(({ specifier }) => /^\.{1,2}(\/|$)/.test(specifier))
    .map(({ specifier, typeOnly }) => ({ from, to: fileOf(from, specifier), typeOnly }));
}

/** The file that a relative import means, as a path from src. */
function fileOf(from: string, specifier: string): string {
  const base = resolve(src, dirname(from), specifier);
  const candidates = [`${base}.ts`, base.replace(/\.js$/, '.ts'), join(base, 'index.ts')];
  const file = candidates.find((path) => path.endsWith('.ts') && existsSync(path)) ?? base;
  return relative(src, file).split(sep).join('/');
}

function describeEdge({ from, to, typeOnly }: Edge): string {
  return `${from} imports ${to}${typeOnly ? ' (types)' : ''}`;
}

/** What is wrong with an import: nothing, or one sentence. */
function faultOf(edge: Edge): string[] {
  const [from, to] = [folderOf(edge.from), folderOf(edge.to)];
  const [above, below] = [layerOf(from), layerOf(to)];
  if (above < below || below < 0) {
    const target = below < 0 ? 'what is not in src' : `layer ${below}`;
    return [`${describeEdge(edge)}: layer ${above} may not import ${target}`];
  }
  const layer = layers[above] ?? [];
  if (above === below && layer.indexOf(from) < layer.indexOf(to)) {
    return [`${describeEdge(edge)}: in layer ${above}, ${from} stands left of ${to}`];
  }
  return [];
}

function layerOf(folder: string): number {
  return layers.findIndex((folders) => folders.includes(folder));
}

/** The import cycles met on a walk along every edge, each as a line of file names. */
function cyclesOf(graph: readonly Edge[]): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (path.includes(file) || done.has(file)) return;
    for (const edge of graph) if (edge.from === file) walk(edge.to, [...path, file]);
    done.add(file);
  };
  for (const { from } of graph) walk(from, []);
  return [...new Set(cycles)];
}
