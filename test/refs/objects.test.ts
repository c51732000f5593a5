// The table of objects, with a collector that a test runs by hand.
import { ProtocolError } from '../../src/base/errors';
import { type MakeCollector } from '../../src/refs/finalizer';
import { ObjectTable, Row } from '../../src/refs/objects';

let watched: Map<object, number[]>;
let collect: (id: number) => void;
let disposed: object[];
let objects: ObjectTable;
const kind = { typeid: 'list', exposure: undefined, owned: false };

beforeEach(() => {
  watched = new Map();
  disposed = [];
  const makeCollector = ((onCollected: (held: number) => void) => {
    collect = onCollected;
    return {
      watch: (target: object, held: number) =>
        watched.set(target, [...(watched.get(target) ?? []), held]),
      forget: (target: object) => watched.delete(target),
    };
  }) as unknown as MakeCollector;
  objects = new ObjectTable((referent) => disposed.push(referent), makeCollector);
});

describe('a row', () => {
  it('is strong while anything pins it, then weak', () => {
    const referent = {};
    const row = objects.add(new Row(objects.nextId(), referent, kind));
    for (const pin of ['sessions', 'tickets', 'names'] as const) objects.pin(row, pin);
    objects.unpin(row, 'sessions');
    objects.unpin(row, 'names');
    expect(row.strong).toBe(referent);
    objects.unpin(row, 'tickets');
    expect(row.strong).toBeUndefined();
    expect(row.referent).toBe(referent);
    expect(watched.get(referent)).toEqual([row.id]);
  });

  it('that is pinned again is watched no more', () => {
    const referent = {};
    const row = objects.add(new Row(1, referent, kind));
    objects.pin(row, 'sessions');
    objects.unpin(row, 'sessions');
    objects.pin(row, 'sessions');
    expect(row.strong).toBe(referent);
    expect(watched.size).toBe(0);
    expect(objects.rowOf(referent)).toBe(row);
  });

  it('is removed when its referent was collected, and never before', () => {
    const row = objects.add(new Row(1, {}, kind));
    objects.pin(row, 'sessions');
    collect(1);
    expect(objects.get(1)).toBe(row);
    objects.unpin(row, 'sessions');
    collect(1);
    expect(objects.get(1)).toBe(row);
    row.weak = { deref: () => undefined } as unknown as WeakRef<object>;
    expect(() => objects.pin(row, 'sessions')).toThrow(ProtocolError);
    collect(1);
    expect(objects.size).toBe(0);
    collect(1);
  });

  it('whose number is taken is refused', () => {
    objects.add(new Row(1, {}, kind));
    expect(() => objects.add(new Row(1, {}, kind))).toThrow(ProtocolError);
  });

  it('of an owned referent is disposed once, with its last pin', () => {
    const referent = {};
    const row = objects.add(new Row(1, referent, { ...kind, owned: true }));
    objects.pin(row, 'sessions');
    objects.pin(row, 'tickets');
    objects.unpin(row, 'sessions');
    expect(disposed).toEqual([]);
    objects.unpin(row, 'tickets');
    expect(disposed).toEqual([referent]);
    expect([objects.size, objects.rowOf(referent)]).toEqual([0, undefined]);
  });

  it('whose referent comes late is kept until then, released or not', () => {
    const row = objects.add(new Row(1, undefined, kind));
    row.ready = Promise.resolve();
    objects.pin(row, 'sessions');
    objects.unpin(row, 'sessions');
    expect(objects.size).toBe(1);
    const referent = {};
    objects.fill(row, referent);
    expect(row.strong).toBeUndefined();
    expect(watched.has(referent)).toBe(true);
  });
});
