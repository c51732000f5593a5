// Tokens: their text both ways, and that no other text is genuine.
import * as fc from 'fast-check';
import { UsageError } from '../../src/base/errors';
import {
  type Token,
  formatToken,
  isGenuine,
  parseToken,
  ticketSecret,
  tokenTextOf,
} from '../../src/wire/token';

const key = Buffer.alloc(32, 3);
const ticket = {
  id: 2 ** 24 + 5,
  typeid: 'list',
  callable: false,
  minter: 1,
  number: 7,
  uses: 0,
  ttlMs: 300_000,
};
const token = (more: Partial<Token> = {}): Token => {
  const place = {
    manager: '00112233445566778899aabbccddeeff',
    incarnation: 'ffeeddccbbaa99887766554433221100',
    address: 'unix:/tmp/m.sock',
  };
  const whole = { ...place, ...ticket, ...more };
  return { ...whole, secret: ticketSecret(key, whole) };
};

/** Whether a text opens what `token()` opens: the same fields, and genuine. */
function opens(text: string): boolean {
  let parsed: Token;
  try {
    parsed = parseToken(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return false;
  }
  const { manager, incarnation } = token();
  return parsed.manager === manager && parsed.incarnation === incarnation && isGenuine(key, parsed);
}

describe('a token', () => {
  it('comes back from its text', () => {
    for (const more of [
      {},
      { callable: true },
      { typeid: 'ключ' },
      { uses: 3, ttlMs: 1, address: '' },
    ]) {
      expect(parseToken(formatToken(token(more)))).toEqual(token(more));
      expect(opens(formatToken(token(more)))).toBe(true);
    }
  });

  it('of another key is not genuine', () => {
    expect(isGenuine(Buffer.alloc(32, 4), token())).toBe(false);
  });

  it.each(['id', 'minter', 'number', 'uses', 'ttlMs'] as const)(
    'with another %s is not genuine',
    (name) => {
      expect(isGenuine(key, { ...token(), [name]: token()[name] + 1 })).toBe(false);
    },
  );

  it('with another typeid, or callable, is not genuine', () => {
    expect(isGenuine(key, { ...token(), typeid: 'dict' })).toBe(false);
    expect(isGenuine(key, { ...token(), callable: true })).toBe(false);
  });

  it('with any one bit changed opens nothing', () => {
    const text = formatToken(token());
    const bytes = Buffer.from(text.slice(7), 'base64url');
    const opened: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >> 3;
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << (bit & 7);
      if (opens(`smref1.${flipped.toString('base64url')}`)) opened.push(bit);
    }
    expect(opened).toEqual([]);
  });

  it('cut or made longer anywhere opens nothing', () => {
    const text = formatToken(token());
    for (let end = 0; end < text.length; end++) expect(opens(text.slice(0, end))).toBe(false);
    expect(opens(`${text}AAAA`)).toBe(false);
  });

  it('has one text only: junk in it is refused', () => {
    const text = formatToken(token());
    for (const odd of [
      `${text}=`,
      `${text} `,
      `${text.slice(0, 20)}\n${text.slice(20)}`,
      `${text}!`,
    ]) {
      expect(opens(odd)).toBe(false);
    }
  });

  it('is no text at random', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 200 }),
        (text) => !opens(text) && !opens(`smref1.${text}`),
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 60, maxLength: 120 }), (bytes) => {
        return !opens(`smref1.${Buffer.from(bytes).toString('base64url')}`);
      }),
    );
  });
});

describe('the value of a token', () => {
  it('is found in an object with nothing else', () => {
    const text = formatToken(token());
    expect(tokenTextOf({ '@referent': text })).toBe(text);
    for (const other of [
      {},
      { '@referent': 1 },
      { '@referent': 'x' },
      { '@referent': text, more: 1 },
    ]) {
      expect(tokenTextOf(other)).toBeUndefined();
    }
    expect(tokenTextOf(Object.create({ '@referent': text }) as object)).toBeUndefined();
  });
});
