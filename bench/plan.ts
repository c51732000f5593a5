// What is run and what is hoped for: peers, sizes, rows of the tables, targets. Nothing here runs anything.
import type { Measure, PeerReport, Sizes } from './measure';

export type Column = 'referent' | 'net' | 'nodeIpc' | 'python' | 'c' | 'comlink' | 'capnweb';

/** A program that is started once per round; several may fill one column. */
export interface Peer {
  readonly name: string;
  readonly column: Column;
  /** `script` is run by this Node; `python` and `c` name a source file. */
  readonly kind: 'script' | 'python' | 'c';
  readonly file: string;
  readonly execArgv?: readonly string[];
}

export const peers: readonly Peer[] = [
  { name: 'referent', column: 'referent', kind: 'script', file: 'referent.js' },
  { name: 'referent, sync', column: 'referent', kind: 'script', file: 'referent-sync.js' },
  { name: 'referent, locks', column: 'referent', kind: 'script', file: 'referent-locks.js' },
  {
    name: 'referent, locks, sync',
    column: 'referent',
    kind: 'script',
    file: 'referent-locks-sync.js',
  },
  { name: 'referent, partners', column: 'referent', kind: 'script', file: 'referent-partners.js' },
  { name: 'referent, floats', column: 'referent', kind: 'script', file: 'referent-floats.js' },
  { name: 'net', column: 'net', kind: 'script', file: 'net.js' },
  { name: 'node-ipc', column: 'nodeIpc', kind: 'script', file: 'node-ipc.js' },
  { name: 'Python', column: 'python', kind: 'python', file: 'python.py' },
  { name: 'Python, locks', column: 'python', kind: 'python', file: 'python_locks.py' },
  { name: 'Python, partners', column: 'python', kind: 'python', file: 'python_partners.py' },
  { name: 'Python, floats', column: 'python', kind: 'python', file: 'python_floats.py' },
  { name: 'C', column: 'c', kind: 'c', file: 'pingpong.c' },
  { name: 'comlink', column: 'comlink', kind: 'script', file: 'comlink.js' },
  { name: 'capnweb', column: 'capnweb', kind: 'script', file: 'capnweb.js' },
  {
    name: 'referent memory',
    column: 'referent',
    kind: 'script',
    file: 'referent-memory.js',
    execArgv: ['--expose-gc'],
  },
];

export const columns: Readonly<Record<Column, string>> = {
  referent: 'referent',
  net: 'raw Node',
  nodeIpc: 'node-ipc',
  python: 'Python',
  c: 'C',
  comlink: 'comlink',
  capnweb: 'capnweb',
};

export const fullRounds = 5;
export const quickRounds = 2;

export const fullSizes: Sizes = {
  samples: 5,
  warmUpCalls: 8000,
  calls: 1000,
  pipelined: 1000,
  warmUpBatches: 30,
  batches: 10,
  items: 10_000,
  warmUpIterations: 20,
  iterations: 5,
  warmUpCopies: 20,
  copies: 10,
  objects: 1000,
  confirmedObjects: 200,
  bytes: 1024 * 1024,
  warmUpBuffers: 20,
  buffers: 10,
  starts: 5,
  heldObjects: 100_000,
  warmUpTrips: 1000,
  trips: 500,
  floats: 1_000_000,
  warmUpFloats: 3,
  floatCopies: 2,
};

export const quickSizes: Sizes = {
  ...fullSizes,
  samples: 3,
  warmUpCalls: 6000,
  calls: 700,
  batches: 5,
  confirmedObjects: 100,
  starts: 3,
  trips: 300,
  warmUpFloats: 2,
  floatCopies: 1,
};

/** What one round gave, by column. */
export type Round = ReadonlyMap<Column, PeerReport['measures']>;

export interface Row {
  readonly measure: Measure;
  readonly title: string;
  readonly unit: 'time' | 'bytes';
}

export const rows: readonly Row[] = [
  { measure: 'dictGet', title: 'sequential call: `dict.get`, echo', unit: 'time' },
  { measure: 'listAt', title: 'sequential call: `list.at`', unit: 'time' },
  { measure: 'pipelined', title: 'call among 1 000 pipelined', unit: 'time' },
  { measure: 'syncGet', title: 'sync call: `sync(dict).get`', unit: 'time' },
  { measure: 'syncGetByThread', title: 'the same, address given: over a thread', unit: 'time' },
  { measure: 'lock', title: 'acquire a free lock and release it', unit: 'time' },
  { measure: 'lockUse', title: 'the same: `lock.use`', unit: 'time' },
  { measure: 'lockSync', title: 'the same: sync, `using`', unit: 'time' },
  { measure: 'handOver', title: 'hand an item to another process', unit: 'time' },
  { measure: 'handOverSync', title: 'the same, sync in both', unit: 'time' },
  { measure: 'wake', title: 'wake another process by an event', unit: 'time' },
  { measure: 'wakeSync', title: 'the same, sync in both', unit: 'time' },
  { measure: 'arraySet', title: 'array: set 1 000 000 floats', unit: 'time' },
  { measure: 'arrayGet', title: 'array: get 1 000 000 floats', unit: 'time' },
  { measure: 'listSet', title: 'dict: set a list of 1 000 000 floats', unit: 'time' },
  { measure: 'listGet', title: 'dict: get a list of 1 000 000 floats', unit: 'time' },
  { measure: 'iterate', title: 'iterate 10 000 numbers', unit: 'time' },
  { measure: 'copy', title: 'copy 10 000 numbers: `toArray`, `l[:]`', unit: 'time' },
  { measure: 'createRelease', title: 'create and release a list, of 1 000', unit: 'time' },
  { measure: 'createReleaseConfirmed', title: 'the same, each confirmed', unit: 'time' },
  { measure: 'buffer', title: '1 MiB there and back', unit: 'time' },
  { measure: 'start', title: 'start to first answer', unit: 'time' },
  { measure: 'startSpawned', title: 'the same, Python by `spawn`', unit: 'time' },
  { measure: 'managerHeapBytes', title: 'heap per list, manager', unit: 'bytes' },
  { measure: 'managerRssBytes', title: 'resident set per list, manager', unit: 'bytes' },
  { measure: 'clientHeapBytes', title: 'heap per list, client', unit: 'bytes' },
  { measure: 'clientRssBytes', title: 'resident set per list, client', unit: 'bytes' },
  { measure: 'releaseAll', title: 'release 100 000 lists', unit: 'time' },
];

/** A bound on a figure of `referent`, or on its ratio to the same figure of a peer, taken round by round. */
export interface Target {
  readonly title: string;
  readonly unit: 'time' | 'bytes' | 'times';
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly figure: (round: Round) => number | undefined;
}

function own(measure: Measure): Target['figure'] {
  return (round) => round.get('referent')?.[measure];
}

/** How many times as long the peer takes. */
function faster(measure: Measure, than: Column): Target['figure'] {
  return (round) => quotient(round.get(than)?.[measure], round.get('referent')?.[measure]);
}

/** How many times as long as what the peer does beside it, in the same round. */
function over(measure: Measure, column: Column, theirs = measure): Target['figure'] {
  return (round) => quotient(round.get('referent')?.[measure], round.get(column)?.[theirs]);
}

export function quotient(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}

export const targets: readonly Target[] = [
  { title: 'pipelined call', unit: 'time', atMost: 3, figure: own('pipelined') },
  {
    title: 'pipelined call, faster than comlink',
    unit: 'times',
    atLeast: 3,
    figure: faster('pipelined', 'comlink'),
  },
  {
    title: 'pipelined call, faster than capnweb',
    unit: 'times',
    atLeast: 3,
    figure: faster('pipelined', 'capnweb'),
  },
  {
    title: 'iterating 10 000 items, faster than Python',
    unit: 'times',
    atLeast: 40,
    figure: faster('iterate', 'python'),
  },
  {
    title: 'create and release (of 1 000), faster than Python',
    unit: 'times',
    atLeast: 15,
    figure: faster('createRelease', 'python'),
  },
  {
    title: '`dict.get` over raw `net` echo',
    unit: 'times',
    atMost: 1.6,
    figure: over('dictGet', 'net'),
  },
  {
    title: '`list.at` over raw `net` echo',
    unit: 'times',
    atMost: 1.6,
    figure: over('listAt', 'net', 'dictGet'),
  },
  {
    title: 'sync call over call of Python',
    unit: 'times',
    atMost: 0.75,
    figure: over('syncGet', 'python'),
  },
  {
    title: 'sync call over ping-pong in C',
    unit: 'times',
    atMost: 2.5,
    figure: over('syncGet', 'c'),
  },
  {
    title: 'sync lock over `with lock` of Python',
    unit: 'times',
    atMost: 0.5,
    figure: over('lockSync', 'python'),
  },
  { title: 'heap per list, manager', unit: 'bytes', atMost: 800, figure: own('managerHeapBytes') },
  {
    title: 'resident set per list, manager',
    unit: 'bytes',
    atMost: 800,
    figure: own('managerRssBytes'),
  },
  { title: 'heap per list, client', unit: 'bytes', atMost: 700, figure: own('clientHeapBytes') },
  { title: 'release 100 000 lists', unit: 'time', atMost: 2_000_000, figure: own('releaseAll') },
];
