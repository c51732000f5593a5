// Calls that block, `sync(dict).get('key')`: over FIFOs, which is the default on one machine, and over a thread with a
// socket, which is what a manager gets whose address was chosen.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answer, blocking, expectEqual, runPeer, type Sizes } from '../measure';
import { loadReferent, type Referent } from './library';

async function measureGet(
  { Manager, sync }: Referent,
  sizes: Sizes,
  address?: string,
): Promise<number> {
  await using manager = new Manager({ address });
  await manager.start();
  const dict = sync(manager.dict({ key: answer }));
  expectEqual(dict.get('key'), answer, 'get()');
  return await blocking(sizes, () => dict.get('key'));
}

runPeer(async (sizes) => {
  const library = loadReferent();
  const directory = mkdtempSync(join(tmpdir(), 'referent-bench-sync-'));
  try {
    const address = `unix:${join(directory, 'manager.sock')}`;
    const syncGet = await measureGet(library, sizes);
    return { measures: { syncGet, syncGetByThread: await measureGet(library, sizes, address) } };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
