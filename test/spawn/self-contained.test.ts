import { UsageError } from '../../src/base/errors';
import { functionOf } from '../../src/process/function-text';
import { explained } from '../../src/spawn/self-contained';

const call = (text: string, ...args: unknown[]): unknown => functionOf(text)(...(args as never[]));

describe('functionOf', () => {
  test.each<[string, string]>([
    ['an arrow function', '(a, b) => a + b'],
    ['a function', 'function add(a, b) { return a + b; }'],
    ['a method', 'add(a, b) { return a + b; }'],
    ['what ends with a comment', '(a, b) => a + b // done'],
    ['what keeps its name', '(a, b) => __name((c) => a + c, "inner")(b)'],
  ])('runs %s', (_name, text) => {
    expect(call(text, 1, 2)).toBe(3);
  });

  test('runs asynchronous functions and generators, and methods of them', async () => {
    expect(await call('async (a) => a')).toBeUndefined();
    expect(await call('async add(a) { return await a; }', 3)).toBe(3);
    expect([...(call('*gen(n) { yield n; }', 4) as Iterable<number>)]).toEqual([4]);
  });

  test('gives them require, and strict mode', () => {
    expect(call('() => require("node:os").EOL')).toBe('\n');
    expect(call('function () { return this; }')).toBeUndefined();
  });

  test('refuses what is no function', () => {
    expect(() => functionOf('no function (')).toThrow(UsageError);
  });
});

describe('explained', () => {
  const thrownBy = (text: string): unknown => {
    try {
      return call(text);
    } catch (error) {
      return explained(error, text);
    }
  };

  test('names what the text has and this process has not', () => {
    const error = thrownBy('() => cov_2fg7().f[0]++');
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({
      message: expect.stringContaining('cov_2fg7 is not defined in the child'),
      cause: expect.any(ReferenceError),
    });
  });

  test('leaves every other error as it is', () => {
    expect(thrownBy('() => { throw new TypeError("x") }')).toBeInstanceOf(TypeError);
    const other = new ReferenceError('elsewhere is not defined');
    expect(explained(other, '() => run()')).toBe(other);
    expect(explained('text', '() => text')).toBe('text');
  });
});
