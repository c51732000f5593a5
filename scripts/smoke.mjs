// Installs the package as a user would, and runs a small program against it in every way there is
// to write one: CommonJS, ESM, and TypeScript under both module resolutions. Needs `npm run build`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
// What npm tells its scripts would make the npm that we start work on this repository.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOfNpm(name)));

/** The program; `list` and `dict` are used after they were counted, so they are not collected. */
const body = `
async function main() {
  const manager = new Manager();
  const list = manager.list([1, 2]);
  await list.push(3);
  const seen = [];
  for await (const x of list) seen.push(x);
  assert.deepEqual(seen, [1, 2, 3]);
  const dict = manager.dict({ a: 1 });
  await dict.set('b', 2);
  assert.equal(await dict.size, 2);
  assert.equal(await manager.numberOfObjects(), 2);
  assert.equal(await list.length, 3);
  assert.equal(await dict.get('b'), 2);
  await manager.shutdown();
}
main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
`;
const typedBody = body
  .replace('const seen =', 'const seen: number[] =')
  .replace('(error)', '(error: unknown)');
const imports = "import assert from 'node:assert/strict';\nimport { Manager } from 'referent';\n";
const requires =
  "const assert = require('node:assert/strict');\nconst { Manager } = require('referent');\n";

const programs = {
  CommonJS: () => runProgram('common.cjs', requires + body),
  ESM: () => runProgram('module.mjs', imports + body),
  'TypeScript, moduleResolution node16, to CommonJS': () =>
    runTypeScript('common-typed.cts', { module: 'node16', moduleResolution: 'node16' }),
  'TypeScript, moduleResolution node16, to ESM': () =>
    runTypeScript('module-typed.mts', { module: 'node16', moduleResolution: 'node16' }),
  'TypeScript, moduleResolution bundler': () =>
    runTypeScript('bundler-typed.mts', { module: 'esnext', moduleResolution: 'bundler' }),
  'the command': () => run([...npm, 'exec', '--no', '--', 'referent', 'version'], project),
};

const project = mkdtempSync(join(tmpdir(), 'referent-smoke-'));
let failed = 0;
try {
  installPackage();
  for (const [name, program] of Object.entries(programs)) check(name, program);
} finally {
  rmSync(project, { recursive: true, force: true });
}
console.log(`${Object.keys(programs).length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function isOfNpm(name) {
  return /^npm_(?:package|lifecycle|config_local_prefix|config_prefix|command)/i.test(name);
}

function installPackage() {
  run([...npm, 'pack', '--silent', '--ignore-scripts', '--pack-destination', project], root);
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${project}`);
  writeFileSync(join(project, 'package.json'), '{ "name": "smoke", "private": true }\n');
  run([...npm, 'install', '--no-audit', '--no-fund', `./${tarball}`], project);
}

function check(name, program) {
  try {
    program();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok  ${name}\n${error.message}`);
  }
}

function runProgram(file, text) {
  writeFileSync(join(project, file), text);
  run([process.execPath, file], project);
}

/** Compiles as a strict user does who checks libraries too, with the Node types of this repository. */
function runTypeScript(file, resolution) {
  const compilerOptions = {
    ...resolution,
    target: 'es2022',
    lib: ['es2022'],
    strict: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  const config = `${file}.json`;
  writeFileSync(join(project, file), imports + typedBody);
  writeFileSync(join(project, config), JSON.stringify({ compilerOptions, files: [file] }));
  run([process.execPath, tsc, '-p', config], project);
  run([process.execPath, file.replace(/ts$/, 'js')], project);
}

/** Runs a command to its end, or throws all that it said. One that hangs is killed, and so fails. */
function run([command, ...args], cwd) {
  const options = { cwd, env, encoding: 'utf8', timeout: 120_000, killSignal: 'SIGKILL' };
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, options);
  if (status === 0) return;
  const end = error?.message ?? (signal ? `killed by ${signal}` : `exit code ${status}`);
  throw new Error(`${[command, ...args].join(' ')}: ${end}\n${stdout}${stderr}`);
}
