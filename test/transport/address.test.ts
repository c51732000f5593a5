// Addresses, and what is none.
import { UsageError } from '../../src/base/errors';
import { parseAddress } from '../../src/transport/address';

it('reads the path of a socket', () => {
  expect(parseAddress('unix:/tmp/a b.sock')).toEqual({
    text: 'unix:/tmp/a b.sock',
    path: '/tmp/a b.sock',
  });
});

it('takes paths of up to 103 bytes', () => {
  expect(parseAddress(`unix:/${'x'.repeat(102)}`).path).toHaveLength(103);
  expect(() => parseAddress(`unix:/${'x'.repeat(103)}`)).toThrow('at most 103 bytes');
  expect(() => parseAddress(`unix:/${'é'.repeat(52)}`)).toThrow('at most 103 bytes');
});

it.each([
  '',
  'unix:',
  'unix:relative',
  '/tmp/x',
  'tcp:localhost:1',
  'tls://x',
  'pipe:a/b',
  'http://x',
  'unix:/a\nb',
  ' unix:/a',
])('refuses "%s", and shows what an address is', (text) => {
  expect(() => parseAddress(text)).toThrow(UsageError);
  expect(() => parseAddress(text)).toThrow(`Bad address "${text}"`);
});
