// What an address must be protected with, to serve there and to connect to it.
import { Manager, UsageError } from '../src/index';
import { defaultLimits, resolveLimits } from '../src/base/limits';
import { serverPair } from './support/certificates';

const authkey = 'a key of more than sixteen bytes';
const tls = serverPair;

it.each<[string, object, RegExp | undefined]>([
  ['unix:/tmp/any', {}, undefined],
  ['tcp://127.0.0.1:0', {}, undefined],
  ['tcp://localhost:1', {}, undefined],
  ['tcp://[::1]:1', { authkey }, undefined],
  ['tcp://0.0.0.0:1', { authkey }, /serve at .* takes TLS \(tls:\/\/0\.0\.0\.0:1\), or insecure/],
  ['tcp://[::]:1', {}, /takes an authkey and TLS/],
  ['tcp://db.example:1', { authkey }, /takes TLS/],
  ['tcp://0.0.0.0:1', { insecure: true }, undefined],
  ['tls://127.0.0.1:1', { authkey }, /give a certificate, tls: \{ cert, key \}/],
  ['tls://127.0.0.1:1', { tls }, undefined],
  ['tls://0.0.0.0:1', { tls }, /takes an authkey, or insecure/],
  ['tls://0.0.0.0:1', { tls, authkey }, undefined],
  ['tls://0.0.0.0:1', { tls, insecure: true }, undefined],
  ['tcp://127.0.0.1:1', { tls }, /"tls" is for addresses tls:/],
  ['tls://127.0.0.1:1', { tls: { ...tls, cart: 1 } }, /Unknown option "cart" of option "tls"/],
  ['tls://127.0.0.1:1', { tls: { ...tls, key: 1 } }, /must be a text or bytes in PEM/],
  ['tls://127.0.0.1:1', { tls: { ...tls, minVersion: 'SSLv3' } }, /'TLSv1.2' or 'TLSv1.3'/],
  ['tls://127.0.0.1:1', { tls: 'yes' }, /must be an object/],
])('new Manager at %s with %j: %s', (address, options, refusal) => {
  const make = () => new Manager({ address, ...options });
  if (refusal === undefined) {
    make();
    return;
  }
  expect(make).toThrow(UsageError);
  expect(make).toThrow(refusal);
});

it.each<[string, object, RegExp | undefined]>([
  ['tcp://127.0.0.1:1', { authkey }, undefined],
  ['tcp://192.0.2.1:1', { authkey }, /connect to .* takes TLS/],
  ['tcp://192.0.2.1:1', { authkey, insecure: true }, undefined],
  ['tls://192.0.2.1:1', { authkey }, undefined],
  ['tls://192.0.2.1:1', {}, /takes an authkey/],
  ['unix:/tmp/any', { tls }, /"tls" is for addresses tls:/],
])('Manager.connect to %s with %j: %s', (address, options, refusal) => {
  const make = () => Manager.connect(address, options);
  if (refusal === undefined) {
    make();
    return;
  }
  expect(make).toThrow(UsageError);
  expect(make).toThrow(refusal);
});

it('serving others takes a key that they can know', () => {
  const manager = new Manager({ address: 'tcp://127.0.0.1:0' });
  expect(() => manager.getServer()).toThrow('give an authkey that they can know too');
});

it('a manager that is not private takes messages of 64 MiB', () => {
  expect(resolveLimits({}, true).messageBytes).toBe(2 ** 30);
  expect(resolveLimits({}, false).messageBytes).toBe(2 ** 26);
  expect(defaultLimits(false).messageBytes).toBe(2 ** 26);
  expect(resolveLimits({ messageBytes: 7 }, false).messageBytes).toBe(7);
});
