// Handles of locks that nobody keeps: what they hold stays held, and that is told.
import { Manager, release } from '../../src/index';
import { endManager } from '../support/managers';
import { until } from '../support/until';

const collect = globalThis.gc as () => void;

it('one that is collected unreleased is a warning; one whose lock was released is not', async () => {
  const manager = new Manager();
  const [kept, freed] = [manager.rlock(), manager.lock()];
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  await (async () => {
    await freed.acquire();
    await freed.release(); // as in Python, without the handle
    await kept.acquire({ owner: 'me' });
  })();
  await until(() => {
    collect();
    return warn.mock.calls.length > 0;
  }, 'a warning');
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const text: unknown = expect.stringContaining("The handle of one 'rlock' was collected");
  expect(warn.mock.calls).toEqual([[text, expect.anything()]]);
  warn.mockRestore();
  await kept.release({ owner: 'me' });
  release(kept);
  release(freed);
  await endManager(manager);
});
