// A lease is given back once, whatever happens to it.
import { Lease, type Lessor } from '../../src/refs/lease';

let given: [number, boolean][];
const lessor: Lessor = { giveBack: (lease, explicit) => given.push([lease.id, explicit]) };
const lease = (): Lease => new Lease(lessor, { id: 5, typeid: 'list' });

beforeEach(() => (given = []));

describe('a lease', () => {
  it('is given back once', () => {
    const one = lease();
    one.release();
    one.release(false);
    expect(given).toEqual([[5, true]]);
  });

  it('that moved is not given back', () => {
    const one = lease();
    one.move();
    one.release();
    expect(given).toEqual([]);
  });

  it('released while it is claimed is given back when granted', () => {
    const one = lease();
    one.startClaim('smref1.x');
    let over = false;
    one.claim!.whenOver(() => (over = true));
    one.release();
    expect(given).toEqual([]);
    one.granted();
    one.release();
    expect(over).toBe(true);
    expect(given).toEqual([[5, false]]);
  });

  it('whose claim is refused has nothing to give back, and says why', () => {
    const one = lease();
    one.startClaim('smref1.x');
    let over = false;
    one.claim!.whenOver(() => (over = true));
    const error = new Error('spent');
    one.refused(error);
    expect(over).toBe(true);
    one.release();
    expect([one.failure, given.length, one.claim]).toEqual([error, 0, undefined]);
  });
});
