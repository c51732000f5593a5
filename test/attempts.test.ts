// How long Manager.connect waits before it tries again.
import { delayAfter } from '../src/attempts';
import { Manager } from '../src/index';

test.each([
  ['by default', { retryDelayMs: 3000, retryBackoff: 1 }, [3000, 3000, 3000, 3000]],
  ['with a back-off', { retryDelayMs: 100, retryBackoff: 2 }, [100, 200, 400, 800]],
  ['up to a minute', { retryDelayMs: 20_000, retryBackoff: 3 }, [20_000, 60_000, 60_000, 60_000]],
  ['whatever was asked for', { retryDelayMs: 90_000, retryBackoff: 2 }, [90_000, 90_000]],
  ['not at all', { retryDelayMs: 0, retryBackoff: 10 }, [0, 0, 0]],
])('%s', (_name, settings, delays) => {
  expect(delays.map((_delay, i) => delayAfter(i + 1, settings))).toEqual(delays);
});

test.each([0, 0.5, NaN, '2'])('a back-off of %p is refused', (retryBackoff) => {
  const options = { authkey: 'at least sixteen bytes', retryBackoff: retryBackoff as number };
  expect(() => Manager.connect('tcp://127.0.0.1:1', options)).toThrow('retryBackoff');
});
