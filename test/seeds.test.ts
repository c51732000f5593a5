// The examples of the five documents from which this package was made, rewritten in examples/seeds:
// each prints what its document says, in JavaScript's notation.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runProgram } from './support/programs';

const FOLDER = join(ROOT, 'examples/seeds');

/** What each program prints; where its processes race, all that it may print. */
const PRINTS: Readonly<Record<string, string | readonly string[]>> = {
  '000-rpyc-mem-named-list.ts': `
Parent Process:
[ 1, 2 ]
2
Child Process:
[ 1, 2 ]
---------
[ 1, 2, 3 ]
---------`,

  // Three processes and one lock: the first `run` changes the type, and `describe` comes when it comes.
  '000-rpyc-mem-shared-class.ts': [
    `
[ 1, 2 ]
Cool-Class: Set(2) { 1, 2 }
Oops`,
    `
[ 1, 2 ]
Oops
Cool-Class: Set(2) { 1, 2 }`,
    `
Cool-Class: [ 1, 2 ]
[ 1, 2 ]
Oops`,
  ],

  '000-rpyc-mem-update.ts': `
2
number
2
true named`,

  '001-remoteobj-say-hi.ts': `
hi from Process-1`,

  '001-remoteobj-counter.ts': `
on: the count increases
off: it stays the same
on again: it increases again
stopped`,

  '001-remoteobj-operations.ts': `
<Remote object, typeid 'object' at …>
Idk(1) [ 6, something: 10, another: [ 7 ], notes: Map(0) {} ]
passed: 6`,

  '001-remoteobj-loops.ts': `
foreground 5
fails at once: ManagerDiedError
background 5
fails at once: ManagerDiedError`,

  '001-remoteobj-chaining.ts': `
super 5
chained 4`,

  '001-remoteobj-process.ts': `
0
1
2
3
woah!! error from Process-1
remoteFunc-process-1
10
[ 5, 6, 7, 8, 9 ]`,

  '001-remoteobj-except.ts': `
init
cleanup
RangeError: no work
nothing
RangeError: no work
TypeError: hi
TypeError: hi
RangeError: !!!`,

  '001-remoteobj-local-except.ts': `
init
other stuff
cleanup
[ 'RangeError: !!!', 'TypeError: hello' ]`,

  '001-remoteobj-closing.ts': `
fulfill [ 'come in', 'come in' ]
reject [ 'NotListeningError', 'by default' ]`,

  '002-pyacq-remote-dict.ts': `
[ 'x' ] 1
sent
1`,

  '003-processing-list.ts': `
[
   0,  1,  4,  9, 16,
  25, 36, 49, 64, 81
]
<ListProxy object, typeid 'list' at …>
16
[ 4, 9, 16 ]
true`,

  '003-processing-nested.ts': `
[ [] ] []
[ [ 'hello' ] ] [ 'hello' ]`,

  '003-processing-iteration.ts': `
<0,0> <1,1> <4,2> <9,3> <16,4> <25,5> <36,6> <49,7> <64,8> <81,9>
64
81
64
81`,

  '003-processing-call-method.ts': `
[ 2, 3, 4, 5, 6 ]
{ done: false, value: 0 }
RangeError: Index 20 is out of range: the list has 10 items
[
  0, 1, 2, 3, 4,
  5, 6, 7, 8, 9
]
<CountdownProxy object, typeid 'countdown' at …>
3
2
1`,

  '004-pipe-proxy-parameter.ts': `
setting parameter to: 5
setting parameter to: 1
getting parameter: 1
true`,
};

test('each program of the folder is here', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(PRINTS).sort());
});

// Two at a time (`maxConcurrency`): each is a process or more.
describe('the examples of the documents', () => {
  it.concurrent.each(Object.entries(PRINTS))(
    '%s prints what is written there',
    async (name, prints) => {
      const { code, stdout, stderr } = await runProgram(join(FOLDER, name));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const printed = stdout.replaceAll(/ at unix:\S+>/g, ' at …>').trimEnd();
      expect([prints].flat().map((text) => text.slice(1))).toContain(printed);
    },
    30_000,
  );
});
