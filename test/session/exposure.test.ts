// What may be reached of a referent: at every hop the same, and nothing is run to find out.
import { MethodNotExposedError } from '../../src/base/errors';
import {
  type Exposure,
  equals,
  follow,
  keysOf,
  openExposure,
  perform,
} from '../../src/session/exposure';
import { type Operation } from '../../src/wire/frames';

class Base {
  inherited(): string {
    return 'inherited';
  }
}
class Thing extends Base {
  static made = 0;
  static make(): Thing {
    return new Thing();
  }
  field = 1;
  _hidden = 2;
  readonly inner = { deep: { n: 1, list: [1, 2] }, map: new Map([['k', 1]]) };
  runs = 0;
  get computed(): number {
    return ++this.runs;
  }
  set onlySet(value: number) {
    this.field = value;
  }
  method(...args: unknown[]): unknown {
    return [this.field, ...args];
  }
}

class Alike {
  equals(other: unknown): boolean {
    return other instanceof Alike;
  }
}

const open = openExposure('thing');
const only = (...names: string[]): Exposure => ({ ...open, names: new Set(names) });
const act = (
  subject: unknown,
  operation: Operation,
  name: string,
  path: string[] = [],
  args: unknown[] = [],
  exposure = open,
): unknown => perform(subject, { operation, path, name, args }, exposure);

const NEVER = ['constructor', '__proto__', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf',
  'toLocaleString', 'propertyIsEnumerable', '__defineGetter__', '__lookupSetter__', 'call', 'apply', 'bind', 'caller', 'arguments']; // prettier-ignore
const HOPS: [string, string[]][] = [
  ['the object', []],
  ['a plain member', ['inner']],
  ['a deep one', ['inner', 'deep']],
  ['an array', ['inner', 'deep', 'list']],
  ['a Map', ['inner', 'map']],
  ['a method', ['method']],
  ['an inherited method', ['inherited']],
];

describe('what every object has', () => {
  it.each(HOPS)('is not there on %s', (_where, path) => {
    const isData = ['list', 'map'].includes(path.at(-1) ?? '');
    const names = NEVER.filter(
      (name) => !(isData && path.at(-1) === 'list' && /^to(Locale)?String$/.test(name)),
    );
    for (const name of names) {
      for (const operation of ['get', 'call'] as const) {
        expect(() => act(new Thing(), operation, name, path)).toThrow(MethodNotExposedError);
      }
      expect(() => follow(new Thing(), [...path, name, 'x'], open)).toThrow(MethodNotExposedError);
      if (path.at(-1) !== 'map')
        expect(() => act(new Thing(), 'set', '__proto__', path, [{ bad: 1 }])).toThrow(
          MethodNotExposedError,
        );
    }
    expect(({} as { bad?: number }).bad).toBeUndefined();
  });

  it('is not there on a class either, but its statics are', () => {
    for (const name of NEVER) expect(() => act(Thing, 'get', name)).toThrow(MethodNotExposedError);
    expect(act(Thing, 'get', 'made')).toBe(0);
    expect(act(Thing, 'call', 'make')).toBeInstanceOf(Thing);
    expect(act(Thing, 'construct', '')).toBeInstanceOf(Thing);
  });

  it('is not there where a registration names it', () => {
    for (const name of NEVER)
      expect(() => act(new Thing(), 'get', name, [], [], only(name))).toThrow(
        MethodNotExposedError,
      );
  });
});

describe('a member', () => {
  it('own or inherited can be reached, one that begins with _ cannot', () => {
    const thing = new Thing();
    expect(act(thing, 'get', 'field')).toBe(1);
    expect(act(thing, 'call', 'inherited')).toBe('inherited');
    expect(act(thing, 'call', 'method', [], [2])).toEqual([1, 2]);
    expect(act(thing, 'get', 'n', ['inner', 'deep'])).toBe(1);
    for (const operation of ['get', 'call', 'set'] as const)
      expect(() => act(thing, operation, '_hidden')).toThrow(MethodNotExposedError);
  });

  it('that is not named is not there where names are given', () => {
    expect(() => act(new Thing(), 'get', 'field', [], [], only('method'))).toThrow(
      'exposed are method',
    );
    expect(act(new Thing(), 'call', 'method', [], [], only('method'))).toEqual([1]);
    expect(act(new Thing(), 'get', '_hidden', [], [], only('_hidden'))).toBe(2);
  });

  it('behind null or a number is a TypeError', () => {
    expect(() => follow({ a: null }, ['a', 'b'])).toThrow(TypeError);
    expect(() => follow({ a: 1 }, ['a', 'b'])).toThrow(TypeError);
  });

  it('is written where it is a field or has a setter, and nowhere else', () => {
    const thing = new Thing();
    act(thing, 'set', 'field', [], [5]);
    act(thing, 'set', 'onlySet', [], [6]);
    act(thing, 'set', 'fresh', ['inner'], [7]);
    expect([thing.field, (thing.inner as { fresh?: number }).fresh]).toEqual([6, 7]);
    for (const name of ['method', 'inherited', 'computed', 'nothing'])
      expect(() => act(thing, 'set', name, [], [1])).toThrow(MethodNotExposedError);
  });

  it('is deleted from plain objects and Maps alone', () => {
    const thing = new Thing();
    expect(act(thing, 'delete', 'n', ['inner', 'deep'])).toBe(true);
    expect(act(thing, 'delete', 'n', ['inner', 'deep'])).toBe(false);
    expect(act(thing, 'delete', 'k', ['inner', 'map'])).toBe(true);
    expect(() => act(thing, 'delete', 'field')).toThrow(MethodNotExposedError);
  });

  it('that is computed runs when it is read, and not to find out what there is', () => {
    const thing = new Thing();
    expect(keysOf(thing, open)).toEqual(
      expect.arrayContaining(['field', 'computed', 'method', 'inherited']),
    );
    expect(keysOf(thing, open)).not.toEqual(expect.arrayContaining(['_hidden']));
    act(thing, 'has', '', [], ['computed']);
    expect(thing.runs).toBe(0);
    expect(act(thing, 'get', 'computed')).toBe(1);
  });
});

describe('equality', () => {
  const same: [unknown, unknown][] = [
    [NaN, NaN],
    [0, -0],
    [
      [1, { a: [2] }],
      [1, { a: [2] }],
    ],
    [new Map([['a', [1]]]), new Map([['a', [1]]])],
    [new Set([1, 2]), new Set([2, 1])],
    [new Date(1), new Date(1)],
    [Buffer.from('a'), new Uint8Array([97])],
    [new Alike(), new Alike()],
    [new Uint16Array([1]), new Uint16Array([1])],
  ];
  const different: [unknown, unknown][] = [
    [1, '1'],
    [null, undefined],
    [{ a: undefined }, { b: undefined }],
    [[1], [1, 2]],
    [new Thing(), new Thing()],
    [new Date(1), new Date(2)],
    [{}, []],
    [new Uint8Array([1]), new Uint16Array([1])],
  ];

  it.each(same)('of %p and %p is true', (a, b) => expect(equals(a, b)).toBe(true));
  it.each(different)('of %p and %p is false', (a, b) => expect(equals(a, b)).toBe(false));
});
