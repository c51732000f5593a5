// What is run and what is hoped for: peers, sizes, rows of the tables, targets. Nothing here runs anything.
import type { Measure, PeerReport, Sizes } from './measure';

export type Column = 'referent' | 'net' | 'nodeIpc' | 'python' | 'c' | 'comlink' | 'capnweb';

/** A program that is started once per round; two peers may fill one column. */
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
  { name: 'net', column: 'net', kind: 'script', file: 'net.js' },
  { name: 'node-ipc', column: 'nodeIpc', kind: 'script', file: 'node-ipc.js' },
  { name: 'Python', column: 'python', kind: 'python', file: 'python.py' },
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
  warmUpCalls: 4000,
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
};

export const quickSizes: Sizes = {
  ...fullSizes,
  samples: 3,
  warmUpCalls: 3000,
  calls: 700,
  batches: 5,
  confirmedObjects: 100,
  starts: 3,
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

/** How many times as long as an echo of `node:net` in the same round. */
function overEcho(measure: Measure): Target['figure'] {
  return (round) => quotient(round.get('referent')?.[measure], round.get('net')?.dictGet);
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
    figure: overEcho('dictGet'),
  },
  {
    title: '`list.at` over raw `net` echo',
    unit: 'times',
    atMost: 1.6,
    figure: overEcho('listAt'),
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
