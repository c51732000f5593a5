// One manager for all tests of a file; what a test makes is released after it, and nothing may be left.
import { type Manager, release } from '../../src/index';
import { endManager, expectNothingHeld } from './managers';

/** Takes a proxy into the care of the test that runs, and answers it. */
export type Mine = <T extends object>(proxy: T) => T;

/** Starts `manager` before the tests of this file, and ends it after them. */
export function shareManager(manager: Manager): Mine {
  const made: object[] = [];
  beforeAll(() => manager.start());
  afterEach(async () => {
    for (const proxy of made.splice(0)) release(proxy);
    await expectNothingHeld(manager);
  });
  afterAll(() => endManager(manager));
  return (proxy) => {
    made.push(proxy);
    return proxy;
  };
}
