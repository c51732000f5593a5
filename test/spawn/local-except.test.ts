import { inspect } from 'node:util';
import { UsageError } from '../../src/base/errors';
import { LocalExcept } from '../../src/spawn/local-except';

const fail = (error: unknown) => () => {
  throw error;
};

describe('LocalExcept.run', () => {
  it('answers what the body answers, at once or later', async () => {
    const errors = new LocalExcept();
    expect(await errors.run('a', () => 1)).toBe(1);
    expect(await errors.run(undefined, async () => Promise.resolve(2))).toBe(2);
    expect(errors.all()).toEqual([]);
  });

  it('keeps an error in its group and throws it on', async () => {
    const errors = new LocalExcept();
    const error = new RangeError('too far');
    await expect(errors.run('init', fail(error))).rejects.toBe(error);
    expect(errors.get('init')).toBe(error);
    expect(errors.get()).toBeUndefined();
  });

  it('keeps what a promise rejects with', async () => {
    const errors = new LocalExcept();
    const error = new Error('later');
    await expect(errors.run('init', () => Promise.reject(error))).rejects.toBe(error);
    expect(errors.group('init')).toEqual([error]);
  });

  it('goes on where the error is not to be thrown on', async () => {
    const errors = new LocalExcept();
    const error = new Error('no');
    expect(await errors.run('init', fail(error), { rethrow: false })).toBeUndefined();
    expect(errors.last).toBe(error);
  });

  it('lets what is of another type pass, unkept', async () => {
    const errors = new LocalExcept(TypeError);
    const error = new RangeError('other');
    await expect(errors.run('a', fail(error), { rethrow: false })).rejects.toBe(error);
    expect(errors.all()).toEqual([]);
    const kept = { types: [RangeError], rethrow: false };
    await errors.run('a', fail(error), kept);
    expect(errors.all()).toEqual([error]);
  });

  it('lets what is no error pass, unkept', async () => {
    const errors = new LocalExcept();
    await expect(errors.run('a', fail('text'), { rethrow: false })).rejects.toBe('text');
    expect(errors.all()).toEqual([]);
  });

  it('keeps an error once, where it was caught first', async () => {
    const errors = new LocalExcept();
    const error = new Error('once');
    const inner = () => errors.run('inner', fail(error));
    await expect(errors.run('outer', inner)).rejects.toBe(error);
    expect(errors.group('inner')).toEqual([error]);
    expect(errors.group('outer')).toEqual([]);
  });

  it('stops an error in the outer run that the inner one has kept', async () => {
    const errors = new LocalExcept();
    const inner = () => errors.run('inner', fail(new Error('once')));
    expect(await errors.run('outer', inner, { rethrow: false })).toBeUndefined();
    expect(errors.all()).toHaveLength(1);
  });

  it('keeps an error in every run that says once: false, and always throws it on', async () => {
    const errors = new LocalExcept();
    const error = new Error('often');
    const often = { once: false, rethrow: false };
    const inner = () => errors.run('inner', fail(error), often);
    await expect(errors.run('outer', inner, often)).rejects.toBe(error);
    expect(errors.group('inner')).toEqual([error]);
    expect(errors.group('outer')).toEqual([error]);
  });

  it('keeps an error in each of two instances', async () => {
    const [left, right] = [new LocalExcept(), new LocalExcept()];
    const error = new Error('both');
    const inner = () => left.run('inner', fail(error));
    await expect(right.run('outer', inner)).rejects.toBe(error);
    expect([left.all(), right.all()]).toEqual([[error], [error]]);
  });

  it('refuses what is no function, no option and no class', async () => {
    const errors = new LocalExcept();
    await expect(errors.run('a', 1 as never)).rejects.toThrow(UsageError);
    await expect(errors.run('a', () => 1, { retrow: false } as never)).rejects.toThrow('retrow');
    expect(() => new LocalExcept('Error' as never)).toThrow(UsageError);
    await expect(errors.run('a', () => 1, { log: 3 })).rejects.toThrow(UsageError);
  });
});

describe('reading a LocalExcept', () => {
  const [one, two, three] = [new Error('1'), new Error('2'), new Error('3')] as const;
  const filled = (): LocalExcept => {
    const errors = new LocalExcept();
    errors.add(one, 'b');
    errors.add(two);
    errors.add(three, 'b');
    return errors;
  };

  it('tells groups apart, and time', () => {
    const errors = filled();
    expect(errors.group('b')).toEqual([one, three]);
    expect(errors.group()).toEqual([two]);
    expect(errors.group('none')).toEqual([]);
    expect(errors.get('b')).toBe(three);
    expect(errors.all()).toEqual([one, two, three]);
    expect([...errors]).toEqual([one, two, three]);
    expect([errors.first, errors.last]).toEqual([one, three]);
  });

  it('throws the last: of any group, of one, of the default one', () => {
    const errors = filled();
    expect(() => {
      errors.raiseAny();
    }).toThrow(three);
    expect(() => {
      errors.raiseAny('b');
    }).toThrow(three);
    expect(() => {
      errors.raiseAny(null);
    }).toThrow(two);
    expect(() => {
      errors.raiseAny('none');
    }).not.toThrow();
  });

  it('says how many there are in each group, and the last one', () => {
    expect(inspect(filled())).toBe(
      'LocalExcept { b: 2, last Error: 3; (default): 1, last Error: 2 }',
    );
    expect(String(new LocalExcept())).toBe('LocalExcept { no errors }');
  });

  it('forgets everything with clear(), marks too', async () => {
    const errors = filled();
    errors.clear();
    expect([errors.first, errors.last, errors.all()]).toEqual([undefined, undefined, []]);
    await errors.run('again', fail(one), { rethrow: false });
    expect(errors.all()).toEqual([one]);
  });

  it('what was added is kept by no run around it', async () => {
    const errors = new LocalExcept();
    const body = () => {
      errors.add(one, 'by hand');
      throw one;
    };
    await expect(errors.run('around', body)).rejects.toBe(one);
    expect(errors.all()).toEqual([one]);
  });

  it('answers copies: what is done to them changes nothing', () => {
    const errors = filled();
    (errors.all() as Error[]).length = 0;
    (errors.group('b') as Error[]).length = 0;
    expect(errors.all()).toHaveLength(3);
  });

  it('refuses to keep what is no error', () => {
    expect(() => {
      new LocalExcept().add('text' as never);
    }).toThrow(UsageError);
  });
});

describe('LocalExcept.wrap, configure and log', () => {
  it('runs a function as run() does, with its this and its arguments', async () => {
    const errors = new LocalExcept().configure({ rethrow: false });
    const account = {
      total: 1,
      add: errors.wrap(function (this: { total: number }, by: number) {
        if (by < 0) throw new RangeError('negative');
        return this.total + by;
      }, 'account'),
    };
    expect(await account.add(2)).toBe(3);
    expect(await account.add(-1)).toBeUndefined();
    expect(errors.get('account')).toBeInstanceOf(RangeError);
  });

  it('takes from configure() what a run does not say', async () => {
    const errors = new LocalExcept().configure({ types: [TypeError] });
    const error = new TypeError('no');
    await expect(errors.run('a', fail(error))).rejects.toBe(error);
    errors.configure({ rethrow: false });
    expect(await errors.run('a', fail(new TypeError('again')))).toBeUndefined();
    await expect(errors.run('a', fail(new RangeError('x')))).rejects.toThrow('x');
  });

  it('writes to a function, a logger, or what has levels', () => {
    const texts: string[] = [];
    const errors = new LocalExcept();
    errors.add(new Error('first'), 'init');
    errors.add(new Error('second'));
    errors.log((text: string) => texts.push(text));
    errors.log({ error: (text: string) => texts.push(text) }, 'init');
    errors.log({ log: (level: string, text: string) => texts.push(level, text) }, null);
    expect(texts).toEqual([
      expect.stringMatching(/^\[init\] Error: first\n {4}at /),
      expect.stringMatching(/^Error: second\n {4}at /),
      expect.stringContaining('[init] Error: first'),
      'error',
      expect.stringContaining('Error: second'),
    ]);
    expect(() => {
      errors.log({});
    }).toThrow(UsageError);
  });

  it('writes each error that is kept, once', async () => {
    const texts: string[] = [];
    const errors = new LocalExcept().configure({ log: (text: string) => texts.push(text) });
    const inner = () => errors.run('inner', fail(new Error('seen')));
    await errors.run('outer', inner, { rethrow: false });
    expect(texts).toEqual([expect.stringContaining('[inner] Error: seen')]);
  });
});
