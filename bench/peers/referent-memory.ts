// What shared lists cost in bytes, empty ones, all held at once: heap (V8's heap and external memory, after a full
// collection) and resident set, in the manager and in this process; and how long the release of all of them takes,
// until the manager says that it holds none of them. The array that holds the proxies here is not counted.
// Runs with --expose-gc. memory-probe.ts is loaded into the manager and tells its heap; without it, and where there is
// no /proc, those figures are left out.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runPeer, timeOf, type Measures } from '../measure';
import { loadReferent, type Manager, type Referent, untilObjects } from './library';

interface Memory {
  readonly heapBytes: number | undefined;
  readonly rssBytes: number | undefined;
}

/** Of the manager. A manager without the probe is not signalled: it would end. */
async function managerMemory(pid: number): Promise<Memory> {
  const file = join(__dirname, `memory-${pid}.json`);
  let heapBytes: number | undefined;
  if (existsSync(file)) {
    rmSync(file);
    process.kill(pid, 'SIGUSR2');
    while (!existsSync(file)) await delay(5);
    heapBytes = (JSON.parse(readFileSync(file, 'utf8')) as { heapBytes: number }).heapBytes;
  }
  return { heapBytes, rssBytes: rssOf(pid) };
}

function rssOf(pid: number): number | undefined {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return undefined;
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

async function ownMemory(): Promise<Memory> {
  for (let times = 0; times < 3; times += 1) {
    globalThis.gc?.();
    await delay(10);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, rssBytes: rss };
}

function growth(before: number | undefined, after: number | undefined, count: number) {
  return before === undefined || after === undefined ? undefined : (after - before) / count;
}

/** In portions, so that what waits to be sent is no part of the figure. */
async function create(manager: Manager, held: unknown[]): Promise<void> {
  const portion = 1000;
  for (let start = 0; start < held.length; start += portion) {
    const end = Math.min(start + portion, held.length);
    for (let index = start; index < end; index += 1) held[index] = manager.list();
    await manager.numberOfObjects();
  }
}

async function measureMemory(
  library: Referent,
  manager: Manager,
  count: number,
): Promise<Measures> {
  const pid = Number(manager.pid);
  const held = new Array<object>(count).fill({});
  const objects = await manager.numberOfObjects();
  const [managerBefore, ownBefore] = [await managerMemory(pid), await ownMemory()];
  await create(manager, held);
  await untilObjects(manager, objects + count);
  const [managerAfter, ownAfter] = [await managerMemory(pid), await ownMemory()];
  const releaseAll = await timeOf(async () => {
    for (const proxy of held) library.release(proxy);
    await untilObjects(manager, objects);
  });
  return defined({
    managerHeapBytes: growth(managerBefore.heapBytes, managerAfter.heapBytes, count),
    managerRssBytes: growth(managerBefore.rssBytes, managerAfter.rssBytes, count),
    clientHeapBytes: growth(ownBefore.heapBytes, ownAfter.heapBytes, count),
    clientRssBytes: growth(ownBefore.rssBytes, ownAfter.rssBytes, count),
    releaseAll,
  });
}

function defined(measures: { readonly [M in keyof Measures]: Measures[M] | undefined }): Measures {
  return Object.fromEntries(Object.entries(measures).filter(([, value]) => value !== undefined));
}

/** The probe writes its file when it is loaded, and again when it is asked. */
const managerOptions = {
  execArgv: ['--expose-gc', '--require', join(__dirname, 'memory-probe.js')],
};

runPeer(async (sizes) => {
  const library = loadReferent();
  const manager = new library.Manager(managerOptions);
  await manager.start();
  const measures = await measureMemory(library, manager, sizes.heldObjects);
  await manager.shutdown();
  return { measures };
});
