// Errors, there and back: class, message, cause and own properties; nothing of the wire is ever
// constructed but known classes.
import {
  ConnectionLostError,
  ManagerDiedError,
  MethodNotExposedError,
  ReferentError,
  RemoteError,
  UsageError,
} from '../../src/base/errors';
import { ByteReader, ByteWriter } from '../../src/wire/bytes';
import { packValue, unpackValue } from '../../src/wire/values';

const back = <T>(value: T): any => unpackValue(packValue(value)) as any;

class Custom extends TypeError {
  readonly status = 404;
  readonly when = new Date(5);
}

describe('an error comes back', () => {
  it.each([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])(
    'as %p',
    (Type) => {
      const got = back(new Type('text'));
      expect(Object.getPrototypeOf(got)).toBe(Type.prototype);
      expect(got.message).toBe('text');
    },
  );

  it('with its stack of the other side, unseen by loops', () => {
    const error = new Error('m');
    const got = back(error);
    expect(got.remoteStack).toBe(error.stack);
    expect(Object.keys(got)).toEqual([]);
  });

  it('with its own properties', () => {
    const got = back(
      Object.assign(new Error('m'), { code: 'ENOENT', errno: -2, deep: { list: [1n] } }),
    );
    expect({ ...got }).toEqual({ code: 'ENOENT', errno: -2, deep: { list: [1n] } });
  });

  it('with its cause, and the cause of that', () => {
    const got = back(new Error('a', { cause: new RangeError('b', { cause: { c: 1 } }) }));
    expect(got.cause).toBeInstanceOf(RangeError);
    expect(got.cause.cause).toEqual({ c: 1 });
    expect('cause' in back(new Error('a'))).toBe(false);
    expect(Object.hasOwn(back(new Error('a', { cause: undefined })), 'cause')).toBe(true);
  });

  it('with the errors of an AggregateError', () => {
    const got = back(new AggregateError([new TypeError('a'), 2], 'both'));
    expect(got).toBeInstanceOf(AggregateError);
    expect(got.message).toBe('both');
    expect(got.errors[0]).toBeInstanceOf(TypeError);
    expect(got.errors[1]).toBe(2);
  });

  it('as a DOMException with its name', () => {
    const got = back(new DOMException('stop', 'AbortError'));
    expect(got).toBeInstanceOf(DOMException);
    expect([got.name, got.message, got.code]).toEqual(['AbortError', 'stop', 20]);
  });

  it('as a RemoteError, where its class is not known', () => {
    const got = back(new Custom('gone'));
    expect(got).toBeInstanceOf(RemoteError);
    expect([got.remoteName, got.message, got.status, got.when]).toEqual([
      'Custom',
      'gone',
      404,
      new Date(5),
    ]);
    expect(got.code).toBe('ERR_REFERENT_REMOTE');
  });

  it('as a RemoteError of the same name after a second journey', () => {
    const got = back(back(new Custom('gone')));
    expect(got).toBeInstanceOf(RemoteError);
    expect([got.remoteName, got.status]).toEqual(['Custom', 404]);
  });

  it('as our own class, with its code and fields', () => {
    const died = back(
      new ManagerDiedError('m', { exitCode: 3, signal: 'SIGKILL', outcome: 'not-sent' }),
    );
    expect(died).toBeInstanceOf(ConnectionLostError);
    expect([died.code, died.exitCode, died.signal, died.outcome]).toEqual([
      'ERR_REFERENT_MANAGER_DIED',
      3,
      'SIGKILL',
      'not-sent',
    ]);
    expect(back(new UsageError('u', { code: 'ERR_REFERENT_RELEASED' })).code).toBe(
      'ERR_REFERENT_RELEASED',
    );
    expect(back(new ReferentError('r'))).toBeInstanceOf(ReferentError);
  });

  it('as a MethodNotExposedError with its remote name', () => {
    const got = back(new MethodNotExposedError('m', { remoteName: 'MethodNotExposedError' }));
    expect(got).toBeInstanceOf(MethodNotExposedError);
    expect(got.remoteName).toBe('MethodNotExposedError');
  });

  it('with a name of its own', () => {
    const named = new Error('bad input');
    named.name = 'ValidationError';
    const got = back(named);
    expect(got.name).toBe('ValidationError');
  });

  it('inside of data, small and large', () => {
    const error = new RangeError('m');
    expect(back([error])[0]).toBeInstanceOf(RangeError);
    expect(back({ a: new Date(1), list: [[error]] }).list[0][0]).toBeInstanceOf(RangeError);
    expect(back(new Map([['k', error]])).get('k')).toBeInstanceOf(RangeError);
  });

  it('once, where it is held twice', () => {
    const error = new RangeError('m');
    const [a, b] = back([error, error]);
    expect(a).toBe(b);
    const many = back(Array.from({ length: 20 }, () => ({ error })));
    expect(many[0].error).toBe(many[19].error);
  });
});

describe('an error always arrives', () => {
  it('with the text of a part that cannot cross', () => {
    const error = Object.assign(new Error('m', { cause: new URL('http://a/b') }), {
      run: () => 1,
      sign: Symbol('s'),
      nested: { ok: 1, bad: Symbol('t') },
      fine: 1,
    });
    const got = back(error);
    expect(got.fine).toBe(1);
    expect(got.cause).toContain('http://a/b');
    expect(got.run).toContain('Function');
    expect(got.sign).toBe('Symbol(s)');
    expect(got.nested).toContain('Symbol(t)');
  });

  it('where it is its own cause', () => {
    const error = new Error('loop') as Error & { again?: unknown };
    error.cause = error;
    error.again = { error };
    const bytes = packValue(error);
    expect(bytes.length).toBeLessThan(20_000);
    expect((unpackValue(bytes) as Error).message).toBe('loop');
  });

  it('in no exponential time where it holds others twice', () => {
    let error: Error = new Error('end');
    for (let i = 0; i < 12; i++)
      error = new AggregateError([error, error], 'twice', { cause: error });
    const bytes = packValue(error);
    expect(bytes.length).toBeLessThan(100_000);
    expect((unpackValue(bytes) as Error).message).toBe('twice');
  });

  it('where its fields are of odd kinds', () => {
    const error = new Error('m');
    Object.defineProperty(error, 'message', { value: 5, enumerable: true });
    Object.defineProperty(error, 'stack', { value: undefined });
    expect(back(error)).toBeInstanceOf(Error);
    const bare = new Error('bare');
    Object.setPrototypeOf(bare, null);
    expect(back(bare)).toBeInstanceOf(Error);
  });
});

describe('an error of hostile bytes', () => {
  const errorNamed = (className: string, fields: [string, number][] = []): Buffer => {
    const writer = new ByteWriter();
    writer.u8(15);
    for (const text of [className, 'm', '', '']) writer.text(text);
    writer.varint(fields.length);
    for (const [name, value] of fields) {
      writer.text(name);
      writer.u8(128 + value);
    }
    return writer.take();
  };

  it.each(['constructor', '__proto__', 'Function', 'toString', 'Object', 'hasOwnProperty', ''])(
    'of the class "%s" is a RemoteError',
    (name) => {
      const got = unpackValue(errorNamed(name));
      expect(Object.getPrototypeOf(got)).toBe(RemoteError.prototype);
    },
  );

  it('takes no prototype and no constructor from the wire', () => {
    const got = unpackValue(
      errorNamed('Error', [
        ['__proto__', 1],
        ['constructor', 2],
        ['x', 3],
      ]),
    ) as Error;
    expect(got).toBeInstanceOf(Error);
    expect(got.constructor).toBe(Error);
    expect((got as { x?: number }).x).toBe(3);
    expect(new ByteReader(Buffer.alloc(0)).left).toBe(0);
  });
});
