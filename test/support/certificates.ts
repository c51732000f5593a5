// The certificates of the tests; test/fixtures/tls/make.sh made them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const file = (name: string): Buffer => readFileSync(join(__dirname, '../fixtures/tls', name));
const pair = (name: string) => ({ cert: file(`${name}.pem`), key: file(`${name}.key`) });

export const authority = file('ca.pem');
/** For this machine and manager.example, signed by the authority. */
export const serverPair = pair('server');
/** Signed by the authority. */
export const clientPair = pair('client');
/** Signed by nobody but itself. */
export const strangerPair = pair('stranger');
