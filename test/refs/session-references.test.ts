// What one session holds: counts that begin at one, end at zero and never go below.
import * as fc from 'fast-check';
import { LimitError, ProtocolError } from '../../src/base/errors';
import { ObjectTable, Row } from '../../src/refs/objects';
import { SessionReferences } from '../../src/refs/session-references';

const kind = { typeid: 'list', exposure: undefined, owned: false };
const world = (limit = 10) => {
  const objects = new ObjectTable(() => {});
  const rows = Array.from({ length: 4 }, (_, i) => objects.add(new Row(i + 1, {}, kind)));
  return { objects, rows, references: new SessionReferences(objects, limit) };
};

describe('the references of a session', () => {
  it('pin an object once, however often it is held', () => {
    const { rows, references } = world();
    for (let i = 0; i < 3; i++) references.add(rows[0]!);
    expect(rows[0]!.sessions).toBe(1);
    references.release(1, 2);
    expect([references.has(1), rows[0]!.sessions]).toEqual([true, 1]);
    references.release(1, 1);
    expect([references.has(1), rows[0]!.sessions, references.size]).toEqual([false, 0, 0]);
  });

  it.each([0, -1, 2, 1e9])('cannot give %d back where one is held', (count) => {
    const { rows, references } = world();
    references.add(rows[0]!);
    expect(() => references.release(1, count)).toThrow(ProtocolError);
    expect([references.has(1), rows[0]!.sessions]).toEqual([true, 1]);
  });

  it('cannot give back what is not held', () => {
    expect(() => world().references.release(1, 1)).toThrow(ProtocolError);
  });

  it('beyond the limit are refused, and then nothing was counted', () => {
    const { rows, references } = world(2);
    for (const i of [0, 1, 1]) references.add(rows[i]!);
    expect(() => references.add(rows[2]!)).toThrow(LimitError);
    expect([references.size, rows[2]!.sessions]).toEqual([2, 0]);
  });

  it('agree with a plain count, whatever happens', () => {
    const step = fc.tuple(fc.nat(3), fc.integer({ min: -1, max: 4 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { rows, references } = world();
        const counts = [0, 0, 0, 0];
        for (const [i, n] of steps) {
          if (n <= 0) {
            references.add(rows[i]!);
            counts[i]!++;
          } else if (n <= counts[i]!) {
            references.release(i + 1, n);
            counts[i]! -= n;
          } else expect(() => references.release(i + 1, n)).toThrow(ProtocolError);
        }
        expect(rows.map((row) => row.sessions)).toEqual(counts.map((count) => Math.min(count, 1)));
        references.releaseAll();
        expect([references.size, ...rows.map((row) => row.sessions)]).toEqual([0, 0, 0, 0, 0]);
      }),
    );
  });
});
