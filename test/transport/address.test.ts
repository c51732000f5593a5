// Addresses, and what is none.
import { UsageError } from '../../src/base/errors';
import {
  type NetworkAddress,
  isLoopback,
  lacksPort,
  parseAddress,
  reachable,
  withPort,
} from '../../src/transport/address';

it('reads the path of a socket', () => {
  expect(parseAddress('unix:/tmp/a b.sock')).toEqual({
    kind: 'local',
    text: 'unix:/tmp/a b.sock',
    path: '/tmp/a b.sock',
  });
});

it.each([
  ['tcp://127.0.0.1:5000', 'tcp', '127.0.0.1', 5000],
  ['tls://db.example.org:1', 'tls', 'db.example.org', 1],
  ['tcp://[::1]:65535', 'tcp', '::1', 65535],
  ['tls://[2001:db8::7]:0', 'tls', '2001:db8::7', 0],
  ['tcp://my_host-2:80', 'tcp', 'my_host-2', 80],
] as const)('reads %s', (text, kind, host, port) => {
  expect(parseAddress(text)).toEqual({ kind, text, host, port });
});

it('takes paths of up to 103 bytes', () => {
  expect(parseAddress(`unix:/${'x'.repeat(102)}`)).toMatchObject({ path: `/${'x'.repeat(102)}` });
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
  'tcp://',
  'tcp://:80',
  'tcp://a:b',
  'tcp://::1:80',
  'tcp://[::1]',
  'tcp://a:65536',
  'tcp://a:1/x',
  'tcp://user@a:1',
  'pipe:a/b',
  'http://x',
  'unix:/a\nb',
  ' unix:/a',
])('refuses "%s", and shows what an address is', (text) => {
  expect(() => parseAddress(text)).toThrow(UsageError);
  expect(() => parseAddress(text)).toThrow(`Bad address "${text}"`);
});

it('says that a port is missing', () => {
  expect(() => parseAddress('tcp://localhost')).toThrow('the port is missing; 0 lets the system');
});

it.each([
  ['127.0.0.1', true],
  ['127.200.3.4', true],
  ['localhost', true],
  ['[::1]', true],
  ['[::ffff:127.0.0.1]', true],
  ['0.0.0.0', false],
  ['[::]', false],
  ['128.0.0.1', false],
  ['127.example.org', false],
  ['localhost.example.org', false],
  ['[2001:db8::1]', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(parseAddress(`tcp://${host}:1`) as NetworkAddress)).toBe(expected);
});

it('knows how this machine reaches its own listeners', () => {
  expect(reachable('tcp://0.0.0.0:7')).toBe('tcp://127.0.0.1:7');
  expect(reachable('tls://[::]:7')).toBe('tls://[::1]:7');
  expect(reachable('tls://db.example.org:7')).toBe('tls://db.example.org:7');
  expect(reachable('unix:/tmp/s')).toBe('unix:/tmp/s');
  expect(withPort(parseAddress('tcp://[::1]:0') as NetworkAddress, 9)).toBe('tcp://[::1]:9');
  expect([lacksPort('tcp://a:0'), lacksPort('tcp://a:10'), lacksPort('unix:/a:0')]).toEqual([
    true,
    false,
    false,
  ]);
});
