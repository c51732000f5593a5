'use strict';
// Before all tests: what they start loads TypeScript by `fast-ts.js`.
const { join } = require('node:path');

module.exports = () => {
  const options = process.env.NODE_OPTIONS ?? '';
  process.env.NODE_OPTIONS = `${options} --require ${JSON.stringify(join(__dirname, 'fast-ts.js'))}`;
};
