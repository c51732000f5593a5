// What a child process can load, and what must be known when it is forked.
import { loadsUntold, requireEntry } from '../../src/process/child';

const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript);

describe('a child that was forked without knowing of a module', () => {
  it('loads JavaScript', () => {
    expect(loadsUntold('/entry.js', 'file:///tasks.js')).toBe(true);
    expect(loadsUntold('/entry.js', 'node:path')).toBe(true);
  });

  it('loads TypeScript where its entry is, or where Node strips types', () => {
    expect(loadsUntold(__filename, 'file:///tasks.ts')).toBe(true);
    expect(loadsUntold('/entry.js', 'file:///tasks.mts')).toBe(stripsTypes);
  });
});

it('says which file a bundler has left behind', () => {
  requireEntry(__filename, 'a worker');
  expect(() => {
    requireEntry('/gone/entry.js', 'a worker');
  }).toThrow(
    "Cannot start a worker: /gone/entry.js is missing; a bundler leaves it behind, so mark 'referent'",
  );
});
