// How often a host may guess: counted by host and second, and forgotten.
import { FailedHandshakes } from '../../src/host/failed-handshakes';

it('the sixth failure of a host within a second waits until the first is a second old', () => {
  const failures = new FailedHandshakes();
  for (let time = 0; time < 500; time += 100) {
    expect(failures.waitMs('a', time)).toBe(0);
    failures.add('a', time);
  }
  expect(failures.waitMs('a', 500)).toBe(500);
  expect(failures.waitMs('b', 500)).toBe(0);
  expect(failures.waitMs('a', 1000)).toBe(0);
  failures.add('a', 1000);
  expect(failures.waitMs('a', 1000)).toBe(100);
  expect(failures.waitMs('a', 2001)).toBe(0);
});
