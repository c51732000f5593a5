import { ProtocolError, UsageError } from '../../src/base/errors';
import { preciseNow } from '../../src/log/clock';
import { isAtLeast, requireLevel } from '../../src/log/levels';
import { RECORD_BYTES, fieldsOf, makeRecord, packRecord, unpackRecord } from '../../src/log/record';
import { packValue } from '../../src/wire/values';

const there = (fields?: object) => unpackRecord(packRecord(makeRecord('info', 'm', 's', fields)));

describe('a record', () => {
  it('says when, by whom and what, and keeps the fields', () => {
    const record = makeRecord('warn', 'full', 'disk', { free: 0 });
    expect(record).toMatchObject({ level: 'warn', message: 'full', source: 'disk', free: 0 });
    expect(record.process).toBe(`process-${process.pid}`);
    expect(record.thread).toBe('main');
    expect(Math.abs(record.time - Date.now())).toBeLessThan(1000);
    expect(unpackRecord(packRecord(record))).toEqual(record);
  });

  it('cannot be given other names by its fields', () => {
    expect(there({ level: 'fatal', process: 'x', time: 0, source: 'y', a: 1 })).toMatchObject({
      level: 'info',
      process: `process-${process.pid}`,
      source: 's',
      a: 1,
    });
  });

  it('takes an error for its fields, and keeps class, stack and cause', () => {
    const error = new RangeError('too far', { cause: new TypeError('why') });
    const { error: read } = there(error);
    expect(read).toBeInstanceOf(RangeError);
    expect(read).toMatchObject({ message: 'too far', cause: { message: 'why' } });
    expect((read as Error).stack).toBe(error.stack);
  });

  it('has the text of what cannot be sent', () => {
    const record = there({
      callback: function go() {},
      symbol: Symbol('s'),
      good: new Map([[1, 2n]]),
      deep: { a: { b: () => 0 } },
    });
    expect(record).toMatchObject({ callback: '[Function: go]', symbol: 'Symbol(s)' });
    expect(record.good).toEqual(new Map([[1, 2n]]));
    expect(record.deep).toContain('[Function: b]');
  });

  it('has a text also of what cannot be looked at', () => {
    const evil = { [Symbol.for('nodejs.util.inspect.custom')]: () => fail() };
    function fail(): never {
      throw new Error('no');
    }
    expect(there({ evil: Object.assign(() => 0, evil) }).evil).toBe('(its inspection throws)');
  });

  it('is cut where it is too long', () => {
    const packed = packRecord(makeRecord('info', 'm'.repeat(2 * RECORD_BYTES), 's', { a: 1 }));
    expect(packed.length).toBeLessThan(RECORD_BYTES / 10);
    const record = unpackRecord(packed);
    expect(record.message).toMatch(/^m{16384}$/);
    expect(record.truncatedBytes).toBeGreaterThan(2 * RECORD_BYTES);
    expect(fieldsOf(record)).toEqual({ truncatedBytes: record.truncatedBytes });
  });

  it.each([
    ['nothing', undefined],
    ['a list', []],
    ['no time', { ...makeRecord('info', 'm', 's'), time: '1' }],
    ['an endless time', { ...makeRecord('info', 'm', 's'), time: Infinity }],
    ['a level that there is not', { ...makeRecord('info', 'm', 's'), level: 'loud' }],
    ['a message that is no text', { ...makeRecord('info', 'm', 's'), message: 1 }],
    ['no host', { ...makeRecord('info', 'm', 's'), host: undefined }],
  ])('%s is none', (_what, value) => {
    expect(() => unpackRecord(packValue(value))).toThrow(ProtocolError);
  });
});

describe('levels', () => {
  it('have an order', () => {
    expect(isAtLeast('warn', 'info')).toBe(true);
    expect(isAtLeast('info', 'info')).toBe(true);
    expect(isAtLeast('debug', 'info')).toBe(false);
  });

  it('are these and no others', () => {
    expect(() => requireLevel('warning')).toThrow(UsageError);
    expect(() => requireLevel('warning')).toThrow(
      'Unknown level "warning"; there are: trace, debug, info, warn, error, fatal',
    );
  });
});

it('the clock never leaves the millisecond of the system, whatever that one does', () => {
  const real = Date.now;
  try {
    for (const step of [0, 5000, -9000, 0]) {
      const whole = real() + step;
      Date.now = () => whole;
      for (let i = 0; i < 3; i++) {
        const now = preciseNow();
        expect(now).toBeGreaterThanOrEqual(whole);
        expect(now).toBeLessThanOrEqual(whole + 1);
      }
    }
  } finally {
    Date.now = real;
  }
});
