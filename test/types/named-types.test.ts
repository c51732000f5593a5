// What the types of names and modules say; `npm run typecheck` checks it, nothing here runs.
import {
  type DictProxy,
  type Key,
  type ListProxy,
  type LockProxy,
  type Manager,
  type ManagerNames,
  type NameOptions,
  type Remote,
  type Sync,
  type SyncManager,
  type SyncRemote,
} from '../../src/index';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Assert<T extends true> = T;

declare const manager: Manager;
declare const shared: SyncManager;

/** Never called: only its types count. */
function names(): void {
  const made = manager.named('key', () => manager.list([1]));
  const promised = manager.named(7n, async () => manager.dict({ a: 1 }), { ttlMs: 1, owned: true });
  const given = manager.named<LockProxy>(undefined);
  type Made = Assert<Equal<typeof made, ListProxy<number>>>;
  type Promised = Assert<Equal<typeof promised, DictProxy<string, number>>>;
  type Given = Assert<Equal<typeof given, LockProxy>>;
  // @ts-expect-error -- an object is no key
  manager.named({});
  // @ts-expect-error -- a factory answers a proxy
  manager.named('key', () => 5);
  // @ts-expect-error -- there is no such option
  manager.named('key', () => manager.list(), { ttl: 5 });
}

function ofManagers(): void {
  const { names: all } = manager;
  type All = Assert<Equal<typeof all, ManagerNames>>;
  type Get = Assert<Equal<ReturnType<typeof all.get>, Promise<unknown>>>;
  type Keys = Assert<Equal<ReturnType<typeof all.keys>, Promise<Key[]>>>;
  type Options = Assert<Equal<NameOptions['ttlMs'], number | undefined>>;
}

function behindSync(): void {
  const made = shared.named('key', () => manager.list([1]));
  const lock = shared.named<LockProxy>('lock', () => shared.lock());
  type Made = Assert<Equal<typeof made, Sync<ListProxy<number>>>>;
  type Lock = Assert<Equal<typeof lock, Sync<LockProxy>>>;
  const os = shared.module<typeof import('node:os')>('node:os');
  type Os = Assert<Equal<typeof os, SyncRemote<typeof import('node:os')>>>;
  const name: string = os.hostname();
}

async function modules(): Promise<void> {
  const os = manager.module<typeof import('node:os')>('node:os');
  type Os = Assert<Equal<typeof os, Remote<typeof import('node:os')>>>;
  const name: string = await os.hostname();
  const loose = manager.module('anything');
  await loose.whatever?.(1);
}

it('is checked by the compiler', () => {
  expect([names, ofManagers, behindSync, modules]).toHaveLength(4);
});
