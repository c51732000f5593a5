// This library as its users have it: the compiled package, its own manager in a child process, a private unix socket,
// every option at its default. Memory is measured by referent-memory.ts.
import { answer, expectEqual, median, perOperation, pipelined, runPeer } from '../measure';
import { sequential, timeOf, type Measures, type Sizes } from '../measure';
import { loadReferent, type Manager, type Referent, untilObjects } from './library';

/** From `new Manager()` to the first answer; the shutdown is not counted. One more start precedes them. */
async function measureStart({ Manager }: Referent, starts: number): Promise<number> {
  const times: number[] = [];
  for (let done = 0; done <= starts; done += 1) {
    const manager = new Manager();
    const time = await timeOf(async () => {
      await manager.start();
      expectEqual(await manager.list([answer]).at(0), answer, 'at()');
    });
    await manager.shutdown();
    times.push(time);
  }
  return median(times.slice(1)) ?? Number.NaN;
}

/** Handles are released by hand: the collector would change the counts that other measures wait for. */
async function measureCalls(
  { release }: Referent,
  manager: Manager,
  sizes: Sizes,
): Promise<Measures> {
  const dict = manager.dict<number>({ key: answer });
  const list = manager.list([answer]);
  expectEqual(await dict.get('key'), answer, 'get()');
  expectEqual(await list.at(0), answer, 'at()');
  const measures = {
    dictGet: await sequential(sizes, () => dict.get('key')),
    listAt: await sequential(sizes, () => list.at(0)),
    pipelined: await pipelined(sizes, () => dict.get('key')),
  };
  release(dict);
  release(list);
  return measures;
}

async function measureItems(
  { release }: Referent,
  manager: Manager,
  sizes: Sizes,
): Promise<Measures> {
  const list = manager.list(Array.from({ length: sizes.items }, (_, index) => index));
  const iterate = async (times: number): Promise<void> => {
    for (let done = 0; done < times; done += 1) {
      let total = 0;
      for await (const item of list) total += item;
      expectEqual(total, (sizes.items * (sizes.items - 1)) / 2, 'the sum of the items');
    }
  };
  const copy = async (times: number): Promise<void> => {
    for (let done = 0; done < times; done += 1) {
      expectEqual((await list.toArray()).length, sizes.items, 'the length of toArray()');
    }
  };
  const measures = {
    iterate: await perOperation(sizes.samples, [sizes.warmUpIterations, sizes.iterations], iterate),
    copy: await perOperation(sizes.samples, [sizes.warmUpCopies, sizes.copies], copy),
  };
  release(list);
  return measures;
}

/** All are there before the first is released, so that creation and release cannot cancel each other out unsent. */
function createReleaseTogether({ release }: Referent, manager: Manager, held: number) {
  return async (objects: number): Promise<void> => {
    const lists = Array.from({ length: objects }, () => manager.list());
    await untilObjects(manager, held + objects);
    for (const list of lists) release(list);
    await untilObjects(manager, held);
  };
}

/** Both the creation and the release of each object are confirmed before the next one. */
function createReleaseConfirmed({ release }: Referent, manager: Manager, held: number) {
  return async (objects: number): Promise<void> => {
    for (let done = 0; done < objects; done += 1) {
      const list = manager.list();
      await untilObjects(manager, held + 1);
      release(list);
      await untilObjects(manager, held);
    }
  };
}

async function measureObjects(
  library: Referent,
  manager: Manager,
  sizes: Sizes,
): Promise<Measures> {
  const held = await manager.numberOfObjects();
  const together = createReleaseTogether(library, manager, held);
  const confirmed = createReleaseConfirmed(library, manager, held);
  const { samples, objects, confirmedObjects } = sizes;
  return {
    createRelease: await perOperation(samples, [5 * objects, objects], async (count) => {
      for (let done = 0; done < count; done += objects) await together(objects);
    }),
    createReleaseConfirmed: await perOperation(samples, [500, confirmedObjects], confirmed),
  };
}

async function measureBuffer(manager: Manager, sizes: Sizes): Promise<Measures> {
  const dict = manager.dict<Buffer>({});
  const data = Buffer.alloc(sizes.bytes, 7);
  const thereAndBack = async (times: number): Promise<void> => {
    for (let done = 0; done < times; done += 1) {
      await dict.set('buffer', data);
      expectEqual((await dict.get('buffer'))?.length, sizes.bytes, 'the length of the buffer');
    }
  };
  const rounds = [sizes.warmUpBuffers, sizes.buffers] as const;
  return { buffer: await perOperation(sizes.samples, rounds, thereAndBack) };
}

runPeer(async (sizes) => {
  const library = loadReferent();
  const start = await measureStart(library, sizes.starts);
  const manager = new library.Manager();
  await manager.start();
  const measures = {
    start,
    startSpawned: start,
    ...(await measureCalls(library, manager, sizes)),
    ...(await measureItems(library, manager, sizes)),
    ...(await measureObjects(library, manager, sizes)),
    ...(await measureBuffer(manager, sizes)),
  };
  await manager.shutdown();
  return { measures, versions: { referent: library.version } };
});
