// Real managers in tests: short limits, and an end that proves that nothing is left.
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Manager } from '../../src/index';
import { until } from './until';

/** Dead sessions and tokens are given up soon, so that tests can see it. */
export const SHORT_LIMITS = { lingerMs: 100, ticketMs: 300 } as const;

/** Whether a process runs. One that ended and that nobody has reaped does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

export function directoryOf(manager: { readonly address: string }): string {
  return dirname(manager.address.slice('unix:'.length));
}

/** Everything that was shared has been given back, by whoever had it. */
export async function expectNothingHeld(manager: Manager): Promise<void> {
  await until(
    async () => (await manager.numberOfObjects()) === 0,
    'numberOfObjects() to be 0',
    2000,
  ).catch(async (error: unknown) => {
    const { objects } = await manager.inspect();
    const held = objects.filter((object) => object.sessions + object.names > 0);
    throw new Error(`${String(error)}\n${JSON.stringify(held, undefined, 1)}`);
  });
  const { objects, sessions, calls } = await manager.inspect();
  expect(objects.filter((object) => object.sessions + object.names > 0)).toEqual([]);
  expect(sessions).toHaveLength(1);
  expect(calls.running).toBeLessThanOrEqual(1); // this one
}

/** Ends a manager and proves that nothing of it is left: no object, no process, no directory. */
export async function endManager(manager: Manager): Promise<void> {
  await expectNothingHeld(manager);
  const { pid } = manager;
  await manager.shutdown();
  expect(manager.state).toBe('shutdown');
  if (pid !== undefined) expect(isAlive(pid)).toBe(false);
  expect(existsSync(directoryOf(manager))).toBe(false);
}
