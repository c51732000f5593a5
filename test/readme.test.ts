// The programs of README.md and docs/ are files of examples/, and print what is written there.
//
//   <!-- examples/name.ts -->     names the file of the block below; imports are from '../src' there
//   ```ts                         the program
//   ```text                       what it prints, if this is the next block within a line or two
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { ROOT as root, TS_NODE, runProgram as run } from './support/programs';

const BLOCK = /(?:<!-- (examples\/\S+) -->\n)?```(\w*)\n([\s\S]*?)\n```/g;
/** Prose between a program and what it prints. */
const NEXT = /^\n\n(?:[^\n`]+\n\n)?```text\n([\s\S]*?)\n```/;

interface Program {
  readonly document: string;
  readonly file: string | undefined;
  readonly language: string;
  readonly text: string;
  readonly prints: string;
}

const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name.split(sep).join('/')}`);
const documents = ['README.md', ...docs];
const blocks = documents.flatMap(blocksOf);
const programs = blocks.filter(({ language }) => /^(ts|js|typescript|javascript)$/.test(language));
const wordCount = join(root, 'examples/word-count.ts');

function blocksOf(document: string): Program[] {
  const markdown = readFileSync(join(root, document), 'utf8');
  return [...markdown.matchAll(BLOCK)].map((found) => {
    const [whole, file, language = '', text = ''] = found;
    const behind = markdown.slice(found.index + whole.length);
    return { document, file, language, text, prints: NEXT.exec(behind)?.[1] ?? '' };
  });
}

describe('the programs of the documents', () => {
  it('all name a file of examples/', () => {
    const unnamed = programs.filter(({ file }) => file === undefined);
    expect(unnamed.map(({ document, text }) => `${document}: ${text}`)).toEqual([]);
    expect(programs.filter(({ document }) => document === 'README.md')).not.toEqual([]);
  });

  it('are all the files of examples/, with the main job', () => {
    const shown = programs.map(({ file }) => file).filter((file) => !file?.includes('/seeds/'));
    const files = new Set([...shown, 'examples/word-count.ts']);
    const there = readdirSync(join(root, 'examples'), { withFileTypes: true })
      .filter((entry) => entry.isFile()) // those of seeds/ have a test of their own
      .map(({ name }) => `examples/${name}`);
    expect([...files].sort()).toEqual(there.sort());
  });

  describe.each(programs.map((program) => [program.file ?? '', program] as const))(
    '%s',
    (file, { text, prints }) => {
      it('is the block', () => {
        const source = readFileSync(join(root, file), 'utf8');
        expect(text).toBe(source.replaceAll(/'(?:\.\.\/)+src'/g, "'referent'").trimEnd());
      });

      it('prints what is written there', async () => {
        const { code, stdout, stderr } = await run(join(root, file));
        expect({ code, stdout: stdout.trimEnd(), stderr }).toEqual({
          code: 0,
          stdout: prints,
          stderr: '',
        });
      }, 30_000);
    },
  );
});

describe('npm start', () => {
  it('counts the words of docs/', async () => {
    const { code, stdout, stderr } = await run(wordCount);
    expect({ code, noise: stderr.replace(/^\d+ of \d+ files\n/gm, '') }).toEqual({
      code: 0,
      noise: '',
    });
    const { length } = docs;
    expect(stdout).toContain(`Counting the words of ${length} files in 4 processes`);
    expect(stderr).toContain(`${length} of ${length} files\n`);
    expect(stdout.match(/^ +\d+ {2}\S+$/gm)).toHaveLength(10);
    expect(stdout).toMatch(/^ +\d+ {2}the$/m);
    expect(stdout).toMatch(/^Time: \d+\.\d\d s$/m);
    expect(stdout).toContain('Objects that a session or a name holds in the end: 0\n');
  }, 30_000);

  it('says so where the directory is not there', async () => {
    const { code, stderr } = await run(wordCount, ['/no/such/directory']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot read the directory "\/no\/such\/directory": ENOENT/);
  });

  it('says so where the directory is empty', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'empty-'));
    const { code, stderr } = await run(wordCount, [empty]);
    rmSync(empty, { recursive: true });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `There is no file in the directory "${empty}"\n`,
    });
  });

  it('goes on without a worker that was killed, and tells', async () => {
    const library = join(root, 'node_modules/typescript/lib');
    const parent = spawn(process.execPath, [...TS_NODE, wordCount, library], { cwd: root });
    let stdout = '';
    let stderr = '';
    parent.stdout.on('data', (chunk) => (stdout += String(chunk)));
    const working = new Promise<void>((found) => {
      parent.stderr.on('data', (chunk) => {
        stderr += String(chunk);
        if (/^[1-9]\d* of/m.test(stderr)) found();
      });
    });
    await working;
    const worker = await aWorkerOf(parent);
    process.kill(worker, 'SIGKILL');
    const [code] = await once(parent, 'close');
    expect(stderr).toMatch(new RegExp(`^Worker ${worker} was ended by SIGKILL: `, 'm'));
    expect(stdout).toContain('Objects that a session or a name holds in the end: 0\n');
    expect(code).toBe(1);
  }, 60_000);
});

/** The process id of a worker, as the system lists it. */
async function aWorkerOf(parent: ChildProcess): Promise<number> {
  const list = await new Promise<string>((done, fail) => {
    execFile('ps', ['-A', '-o', 'pid=,ppid=,args='], (error, stdout) =>
      error ? fail(error) : done(stdout),
    );
  });
  const line = list
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(([, ppid, ...args]) => ppid === String(parent.pid) && args.includes('--worker'));
  if (line === undefined) throw new Error(`No worker among:\n${list}`);
  return Number(line[0]);
}
