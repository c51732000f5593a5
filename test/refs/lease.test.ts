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

  it('released while it is claimed is given back when granted', async () => {
    const one = lease();
    one.startClaim('smref1.x');
    const { over } = one.claim!;
    one.release();
    expect(given).toEqual([]);
    one.granted();
    one.release();
    await over;
    expect(given).toEqual([[5, false]]);
  });

  it('whose claim is refused has nothing to give back, and says why', async () => {
    const one = lease();
    one.startClaim('smref1.x');
    const { over } = one.claim!;
    const error = new Error('spent');
    one.refused(error);
    await over;
    one.release();
    expect([one.failure, given.length, one.claim]).toEqual([error, 0, undefined]);
  });
});
