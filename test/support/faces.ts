// Cases that hold for every face of a shared object are written once, with `await` before each call: a
// value that is there already can be awaited too. A face says how its objects are made, and how code
// runs beside the test.
import {
  type ConditionProxy,
  type ListProxy,
  type LockProxy,
  type Manager,
  type SemaphoreProxy,
  sync,
  tokenOf,
} from '../../src/index';
import { type Child } from './runners';

/** What a sleeper of `_TestCondition.f` is told. */
export interface Sleep {
  readonly condition: ConditionProxy;
  readonly sleeping: SemaphoreProxy;
  readonly woken: SemaphoreProxy;
  readonly timeoutMs?: number;
}

/** A face whose calls answer, at once or later. */
export interface Face {
  readonly name: string;
  lock(): LockProxy;
  rlock(): LockProxy;
  semaphore(value?: number): SemaphoreProxy;
  boundedSemaphore(value?: number): SemaphoreProxy;
  condition(): ConditionProxy;
}

/** One in which several things can go on in one process. */
export interface AsyncFace extends Face {
  list<T>(items: T[]): ListProxy<T>;
  /** Sleeps in a task of this process; resolves when it has ended. */
  sleepHere(sleep: Sleep): Promise<void>;
  /** The same in a process of its own. */
  sleepInChild(child: Child, sleep: Sleep): Promise<void>;
}

type Keep = <P extends object>(proxy: P) => P;

/** The thread blocks for each call. */
export function syncFace(manager: Manager, keep: Keep): Face {
  const blocking = <P extends object>(proxy: P): P => keep(sync(keep(proxy))) as unknown as P;
  return {
    name: 'sync',
    lock: () => blocking(manager.lock()),
    rlock: () => blocking(manager.rlock()),
    semaphore: (value) => blocking(manager.semaphore(value)),
    boundedSemaphore: (value) => blocking(manager.boundedSemaphore(value)),
    condition: () => blocking(manager.condition()),
  };
}

export function asyncFace(manager: Manager, keep: Keep): AsyncFace {
  return {
    name: 'async',
    lock: () => keep(manager.lock()),
    rlock: () => keep(manager.rlock()),
    semaphore: (value) => keep(manager.semaphore(value)),
    boundedSemaphore: (value) => keep(manager.boundedSemaphore(value)),
    condition: () => keep(manager.condition()),
    list: (items) => keep(manager.list(items)),
    sleepHere: async ({ condition, sleeping, woken, timeoutMs }) => {
      await condition.use(async () => {
        await sleeping.release();
        await condition.wait({ timeoutMs });
        await woken.release();
      });
    },
    sleepInChild: async (child, { condition, sleeping, woken, timeoutMs }) => {
      const tokens = await Promise.all([condition, sleeping, woken].map((proxy) => tokenOf(proxy)));
      await child.run(
        async ({ revive, release }, _state, given) => {
          const proxies = given.tokens.map((text) => revive({ '@referent': text } as unknown));
          const [there, asleep, awake] = proxies as [
            ConditionProxy,
            SemaphoreProxy,
            SemaphoreProxy,
          ];
          await there.use(async () => {
            await asleep.release();
            await there.wait({ timeoutMs: given.timeoutMs });
            await awake.release();
          });
          for (const proxy of proxies) release(proxy as object);
        },
        { tokens, timeoutMs },
      );
    },
  };
}
