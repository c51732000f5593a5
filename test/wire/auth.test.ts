// The handshake: each side proves that it knows the key, in its own role, for this conversation.
import { randomBytes } from 'node:crypto';
import { AuthenticationError, ProtocolError, UsageError } from '../../src/base/errors';
import {
  deriveTicketKey,
  keyBytes,
  readAuth,
  readGreeting,
  readWelcome,
  verifyAuth,
  writeAuth,
  writeGreeting,
  writeRefusal,
  writeWelcome,
} from '../../src/wire/auth';

const key = Buffer.alloc(32, 1);
const identity = { manager: 'aa'.repeat(16), incarnation: 'bb'.repeat(16) };
const greet = (): Buffer => writeGreeting({ ...identity, nonce: randomBytes(32) });
const claimant = {
  mode: 'client',
  isLane: false,
  nodeMajor: 20,
  session: Buffer.alloc(16, 5),
  nonce: Buffer.alloc(32, 9),
} as const;
const read = (message: Buffer, transcript: Buffer[], withKey = key): unknown =>
  readWelcome(withKey, transcript, message, 'unix:/x');

describe('a handshake', () => {
  it('succeeds where both know the key', () => {
    const greeting = greet();
    expect(readGreeting(greeting)).toMatchObject(identity);
    const auth = writeAuth(key, greeting, claimant);
    expect(readAuth(auth)).toEqual(claimant);
    verifyAuth(key, greeting, auth);
    const welcome = writeWelcome(key, [greeting, auth], { range: 3, nodeMajor: 22 });
    expect(read(welcome, [greeting, auth])).toEqual({ range: 3, nodeMajor: 22 });
  });

  it('fails for a client with another key', () => {
    const greeting = greet();
    const auth = writeAuth(Buffer.alloc(32, 2), greeting, claimant);
    expect(() => verifyAuth(key, greeting, auth)).toThrow(AuthenticationError);
  });

  it('fails for a server with another key', () => {
    const greeting = greet();
    const auth = writeAuth(key, greeting, claimant);
    const welcome = writeWelcome(Buffer.alloc(32, 2), [greeting, auth], {
      range: 3,
      nodeMajor: 22,
    });
    expect(() => read(welcome, [greeting, auth])).toThrow(AuthenticationError);
  });

  it('fails for a proof that is played back', () => {
    const old = writeAuth(key, greet(), claimant);
    expect(() => verifyAuth(key, greet(), old)).toThrow(AuthenticationError);
    const greeting = greet();
    const auth = writeAuth(key, greeting, claimant);
    const welcome = writeWelcome(key, [greeting, auth], { range: 3, nodeMajor: 22 });
    const again = writeAuth(key, greeting, { ...claimant, nonce: randomBytes(32) });
    expect(() => read(welcome, [greeting, again])).toThrow(AuthenticationError);
  });

  it('fails for a proof of the other role', () => {
    const greeting = greet();
    const auth = writeAuth(key, greeting, claimant);
    expect(() => read(auth, [greeting, auth])).toThrow(ProtocolError);
    const welcome = writeWelcome(key, [greeting], { range: 1, nodeMajor: 20 });
    expect(() => verifyAuth(key, greeting, Buffer.concat([Buffer.alloc(40), welcome]))).toThrow(
      ProtocolError,
    );
  });

  it('fails for any one bit changed', () => {
    const greeting = greet();
    const auth = writeAuth(key, greeting, claimant);
    const welcome = writeWelcome(key, [greeting, auth], { range: 300, nodeMajor: 22 });
    for (let bit = 0; bit < auth.length * 8; bit++) {
      const bad = Buffer.from(auth);
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => {
        readAuth(bad);
        verifyAuth(key, greeting, bad);
      }).toThrow(ProtocolError);
    }
    for (let bit = 8; bit < welcome.length * 8; bit++) {
      const bad = Buffer.from(welcome);
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => read(bad, [greeting, auth])).toThrow(ProtocolError);
    }
  });

  it('fails for messages that are cut', () => {
    const greeting = greet();
    const auth = writeAuth(key, greeting, claimant);
    const welcome = writeWelcome(key, [greeting, auth], { range: 3, nodeMajor: 22 });
    for (let end = 0; end < greeting.length; end++)
      expect(() => readGreeting(greeting.subarray(0, end))).toThrow(ProtocolError);
    for (let end = 0; end < auth.length; end++)
      expect(() => {
        readAuth(auth.subarray(0, end));
        verifyAuth(key, greeting, auth.subarray(0, end));
      }).toThrow(ProtocolError);
    for (let end = 0; end < welcome.length; end++)
      expect(() => read(welcome.subarray(0, end), [greeting, auth])).toThrow(ProtocolError);
  });

  it('says why the server refuses', () => {
    expect(() => read(writeRefusal('key'), [])).toThrow('refused the authkey');
    expect(() => read(writeRefusal('full'), [])).toThrow('limits.sessions');
  });

  it('refuses what is no manager', () => {
    expect(() => readGreeting(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))).toThrow(
      ProtocolError,
    );
  });
});

describe('a key', () => {
  it('has at least 16 bytes', () => {
    expect(() => keyBytes('too short')).toThrow(UsageError);
    expect(keyBytes('x'.repeat(16))).toHaveLength(16);
  });

  it('gives each session its own ticket key', () => {
    const session = Buffer.alloc(16, 1);
    const keys = ['a', 'b'].map((name) => deriveTicketKey(key, session, name).toString('hex'));
    keys.push(deriveTicketKey(key, Buffer.alloc(16), 'a').toString('hex'));
    expect(new Set(keys).size).toBe(3);
    expect(keys[0]).toHaveLength(64);
  });
});
