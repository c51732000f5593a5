'use strict';
// node-ipc and its dependencies are ESM only, which jest cannot load: this makes CommonJS of them.
// dao/client.js makes itself a `require`; in CommonJS there is one already, so that line goes.
const ts = require('typescript');

const ownRequire = /^const require\s*=\s*createRequire\(import\.meta\.url\);$/m;
const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };

module.exports = {
  process: (source) => ({
    code: ts.transpileModule(source.replace(ownRequire, ''), { compilerOptions }).outputText,
  }),
};
