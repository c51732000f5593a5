'use strict';
// Gives the tests of the project `gc` what `node --expose-gc` gives a program: `globalThis.gc`.
// Done here, not on the command line, so that any way to start jest will do, and so that the
// children and workers that tests start do not inherit a flag which `new Worker` refuses.
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');

setFlagsFromString('--expose-gc');
globalThis.gc = runInNewContext('gc');
