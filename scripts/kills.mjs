// Kills clients with SIGKILL at named points, each many times, and proves after each kill that the
// others go on at once and that nothing is left: `npm run kills -- --times 25 [--only <text>]`.
// Needs `npm run build`, and Linux, which tells in /proc what a process does.
import { parseArgs } from 'node:util';
import { cpus } from 'node:os';
import { points } from './kills/points.mjs';
import { Stage } from './kills/stage.mjs';

const { values } = parseArgs({
  options: { times: { type: 'string', default: '25' }, only: { type: 'string', default: '' } },
});

const started = performance.now();
const totals = { passed: 0, failed: 0, put: 0, redelivered: 0 };
if (process.platform === 'linux') await killAll(Number(values.times));
else console.log('left out: it needs /proc');
console.log(`${totals.put} items were put; ${totals.redelivered} came back, each marked`);
console.log(`${Math.round((performance.now() - started) / 1000)} s on ${cpus().length} cores`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;

async function killAll(times) {
  const width = Math.max(...Object.keys(points).map((name) => name.length));
  let stage = await Stage.open();
  for (const [name, point] of Object.entries(points)) {
    if (!name.match(values.only)) continue;
    const took = [];
    let failed = 0;
    for (let i = 0; i < times; i++) {
      try {
        took.push(await stage.play(name, point));
      } catch (error) {
        failed++;
        console.log(`not ok  ${name}, time ${i + 1}: ${error.stack}`);
        await stage.close().catch(() => undefined);
        stage = await Stage.open(); // what one left behind is not the fault of the next
      }
    }
    report(name.padEnd(width), took, failed);
  }
  await stage.close().catch((error) => {
    totals.failed++;
    console.log(`not ok  the end of the manager: ${error.stack}`);
  });
  for (const key of ['put', 'redelivered']) totals[key] = stage.items[key];
}

function report(name, took, failed) {
  totals.passed += took.length;
  totals.failed += failed;
  const [median, most] = [took.toSorted((a, b) => a - b)[took.length >> 1], Math.max(...took)];
  const times = took.length === 0 ? '' : `${format(median)} ms, at most ${format(most)} ms`;
  console.log(`${failed === 0 ? 'ok    ' : 'not ok'}  ${name}  ${took.length} times  ${times}`);
}

function format(ms) {
  return ms.toFixed(1).padStart(6);
}
