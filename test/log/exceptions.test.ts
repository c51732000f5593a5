// What is recorded of errors that nobody has caught. That the process dies all the same is tried with
// real ones, in test/e2e/log.test.ts.
import { logExceptions } from '../../src/index';
import { logFault } from '../../src/log/faults';
import { keepLog } from '../support/log-servers';

const MONITOR = 'uncaughtExceptionMonitor';

/** As Node does before it looks who handles the error. */
function happen(
  error: unknown,
  origin: NodeJS.UncaughtExceptionOrigin = 'uncaughtException',
): void {
  Reflect.apply(process.emit, process, [MONITOR, error, origin]);
}

it('an uncaught error is recorded once, however often that was asked for', async () => {
  await using log = await keepLog({ sortMs: 0 });
  const undos = [logExceptions(), logExceptions()];
  const error = new RangeError('too far');
  happen(error);
  undos[0]?.();
  undos[0]?.();
  happen('a text', 'unhandledRejection');
  undos[1]?.();
  happen(new Error('nobody listens'));
  expect(process.listenerCount(MONITOR)).toBe(0);
  expect(log.records).toMatchObject([
    {
      level: 'fatal',
      source: 'exception',
      message: 'Uncaught exception: RangeError: too far',
      error,
    },
    { level: 'fatal', message: "Unhandled rejection: 'a text'", error: 'a text' },
  ]);
});

it('of an error that somebody handles the level is lower: the process goes on', async () => {
  await using log = await keepLog({ sortMs: 0 });
  const undo = logExceptions();
  const handle = (): void => undefined;
  process.on('uncaughtException', handle);
  happen(new Error('handled'));
  process.off('uncaughtException', handle);
  undo();
  expect(log.records).toMatchObject([
    { level: 'error', message: 'Uncaught exception: Error: handled' },
  ]);
});

it('where the process logs nowhere nothing happens', () => {
  const undo = logExceptions();
  happen(new Error('unheard'));
  undo();
  logFault(new Error('unheard'));
  expect(process.listenerCount(MONITOR)).toBe(0);
});

it('a fault is recorded where the process logs, or where it is told to', async () => {
  await using log = await keepLog({ sortMs: 0 });
  const fault = new Error('broken');
  logFault(fault);
  const told: unknown[] = [];
  logFault(fault, { write: (record) => told.push(record.message) });
  expect(log.records).toMatchObject([
    { level: 'warn', source: 'manager', message: 'broken', error: fault },
  ]);
  expect(told).toEqual(['broken']);
});
