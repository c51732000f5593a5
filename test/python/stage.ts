// Where CPython's cases are played: a manager whose objects have the face of the case, and processes
// beside it. A case awaits whatever it asks; behind the synchronous face that waits for nothing.
import { Manager, sync } from '../../src/index';
import { SHORT_LIMITS, endManager } from '../support/managers';
import { until } from '../support/until';
import { FACES, type Face, type Opened, Processes } from './processes';
import type * as library from '../../src/index';

type Body<A, R> = (lib: typeof library, state: Opened, argument: A) => R | Promise<R>;

export interface Stage {
  readonly face: Face;
  readonly manager: Manager;
  /** Its creators make objects of the face. */
  readonly shared: Manager;
  /** Runs `body` in a process of its own, where `open(argument)` has proxies of the face. */
  inChild<A extends object, R>(body: Body<A, R>, argument: A): Promise<Awaited<R>>;
  /** The same in all of them at once, or in the first `count`. */
  inChildren<A extends object, R>(
    body: Body<A, R>,
    argument: A,
    count?: number,
  ): Promise<Awaited<R>[]>;
}

/**
 * Plays `cases` once for each face, beside so many processes. Manager and processes are the same for
 * both, because a process takes a second to start. In the end nothing may be left.
 */
export function onStage(
  children: number,
  cases: (stage: Stage) => void,
  ManagerType: typeof Manager = Manager,
): void {
  const manager = new ManagerType({ limits: SHORT_LIMITS });
  let processes: Processes;

  beforeAll(async () => {
    [processes] = await Promise.all([Processes.start(children), manager.start()]);
  });
  afterAll(async () => {
    await processes.end(manager);
    await endManager(manager);
  });

  describe.each(FACES)('behind the %s face', (face) => {
    beforeAll(() => processes.wear(face));
    cases({
      face,
      manager,
      shared: face === 'async' ? manager : (sync(manager) as unknown as Manager),
      inChildren: (body, argument, count) => processes.run(body, argument, count),
      inChild: (body, argument) => processes.run(body, argument, 1).then(([answer]) => answer!),
    });
  });
}

/** By whoever had it, the children too, whose last words may still be under way. */
export async function expectNothingShared(manager: Manager): Promise<void> {
  await until(async () => (await manager.numberOfObjects()) === 0, 'everything to be given back');
}

/** What a call fails with, whether it comes at once or later. */
export async function failureOf(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('The call did not fail');
}

export function range(end: number, start = 0): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

/** What an iteration gives: `list(it)` in Python. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
