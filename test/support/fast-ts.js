'use strict';
// Child processes of tests load TypeScript from a cache on the disk. ts-node, which they are told to
// load, translates all sources anew in each of them, and there are hundreds: it is replaced here, for
// the processes that tests start (`fast-children.js`), and for no others.
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '../..');
const cache = join(root, 'node_modules/.cache/referent-tests');
const config = readFileSync(join(root, 'tsconfig.json'), 'utf8');
const version = readFileSync(join(root, 'node_modules/typescript/package.json'), 'utf8');

function translate(file) {
  const source = readFileSync(file, 'utf8');
  const key = createHash('sha256').update(`${config}${version}${source}`).digest('hex');
  const cached = join(cache, `${key}.js`);
  if (existsSync(cached)) return readFileSync(cached, 'utf8');
  const ts = require('typescript');
  const { compilerOptions } = ts.parseConfigFileTextToJson('tsconfig.json', config).config;
  const options = ts.convertCompilerOptionsFromJson(compilerOptions, root).options;
  const { outputText } = ts.transpileModule(source, {
    fileName: file.replace(/\.ts$/, '.cts'), // CommonJS, in which import() stays import()
    compilerOptions: options,
  });
  mkdirSync(cache, { recursive: true });
  const made = `${cached}.${process.pid}`;
  writeFileSync(made, outputText);
  renameSync(made, cached); // whole, whoever else makes it
  return outputText;
}

require.extensions['.ts'] = (module, file) => {
  module._compile(translate(file), file);
};

// Whoever is told to load ts-node finds this in its place.
for (const name of ['ts-node/register/transpile-only', 'ts-node/register']) {
  const file = require.resolve(name);
  require.cache[file] = Object.assign(new module.constructor(file), { loaded: true });
}
