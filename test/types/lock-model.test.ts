// Locks, semaphores and conditions against a plain model of them, with random steps of three processes
// that acquire, wait, give up, miss answers, release and die.
import fc from 'fast-check';
import { type Kind, LockRun, stepsOf } from '../support/lock-model';

const RUNS = 1000;

beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }));
afterEach(() => jest.useRealTimers());

const kinds: Kind[] = [
  ...(['lock', 'rlock', 'semaphore', 'boundedSemaphore'] as const),
  ...(['condition', 'lock condition'] as const),
];

it.each(kinds)(
  '%s',
  async (kind) => {
    const step = fc.tuple(fc.constantFrom(...stepsOf(kind)), fc.nat(2), fc.nat(11));
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }),
        async (steps) => {
          jest.clearAllTimers();
          const run = new LockRun(kind);
          for (const one of steps) await run.take(one);
          await run.end();
          expect(jest.getTimerCount()).toBe(0);
        },
      ),
      { numRuns: RUNS },
    );
  },
  60_000,
);
