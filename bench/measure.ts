// What every peer written for Node shares: sizes, timing, and how a peer reports.
// A peer is a process of its own: it gets the sizes as JSON in argv[2], prints one line of JSON, and ends.
// Times are microseconds per operation unless the name of a measure says otherwise.
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

/** How much of everything a peer does: the same numbers go to every peer, also to those in Python and C. */
export interface Sizes {
  /** Samples per measure; a peer reports their median. */
  readonly samples: number;
  /** Sequential calls before the first sample, and in each sample. */
  readonly warmUpCalls: number;
  readonly calls: number;
  /** Calls that are under way together; how many such batches precede the first sample, and make one. */
  readonly pipelined: number;
  readonly warmUpBatches: number;
  readonly batches: number;
  /** Length of the list that is iterated; its iterations and copies before the first sample, and in each sample. */
  readonly items: number;
  readonly warmUpIterations: number;
  readonly iterations: number;
  readonly warmUpCopies: number;
  readonly copies: number;
  /** Objects created and released in one go, one by one with an answer for each, and by Python. */
  readonly objects: number;
  readonly confirmedObjects: number;
  /** Bytes of the buffer, and how often it goes there and back before the first sample, and in each sample. */
  readonly bytes: number;
  readonly warmUpBuffers: number;
  readonly buffers: number;
  /** Managers, or processes, started one after another. */
  readonly starts: number;
  /** Shared lists held at once where memory is measured. */
  readonly heldObjects: number;
  /** Between two processes, there and back: before the first sample, and in each sample. */
  readonly warmUpTrips: number;
  readonly trips: number;
  /** Floats set and got at once; how often before the first sample, and in each sample. */
  readonly floats: number;
  readonly warmUpFloats: number;
  readonly floatCopies: number;
}

export type Measure =
  | 'dictGet'
  | 'listAt'
  | 'pipelined'
  | 'syncGet'
  | 'syncGetByThread'
  | 'lock'
  | 'lockUse'
  | 'lockSync'
  | 'handOver'
  | 'handOverSync'
  | 'wake'
  | 'wakeSync'
  | 'arraySet'
  | 'arrayGet'
  | 'listSet'
  | 'listGet'
  | 'iterate'
  | 'copy'
  | 'createRelease'
  | 'createReleaseConfirmed'
  | 'buffer'
  | 'start'
  | 'startSpawned'
  | 'managerHeapBytes'
  | 'managerRssBytes'
  | 'clientHeapBytes'
  | 'clientRssBytes'
  | 'releaseAll';

export type Measures = Partial<Record<Measure, number>>;

/** What a peer prints. `skipped` says why there are no measures; it is not a fault. */
export interface PeerReport {
  readonly measures: Measures;
  readonly versions?: Readonly<Record<string, string>>;
  readonly skipped?: string;
}

/** The value that the small calls ask for; the same in every peer. */
export const answer = 12345;

/** The middle of the values, or the mean of the two in the middle; `undefined` of none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** Microseconds that `body` takes. */
export async function timeOf(body: () => unknown): Promise<number> {
  const start = performance.now();
  await body();
  return (performance.now() - start) * 1000;
}

/** Runs `body(warmUp)` once and `body(size)` per sample; the median of the samples, in microseconds per operation. */
export async function perOperation(
  samples: number,
  [warmUp, size]: readonly [number, number],
  body: (operations: number) => Promise<void> | void,
): Promise<number> {
  await body(warmUp);
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    times.push((await timeOf(() => body(size))) / size);
  }
  return median(times) ?? Number.NaN;
}

/** One call at a time, each awaited before the next. */
export function sequential(sizes: Sizes, call: () => PromiseLike<unknown>): Promise<number> {
  return perOperation(sizes.samples, [sizes.warmUpCalls, sizes.calls], async (operations) => {
    for (let done = 0; done < operations; done += 1) await call();
  });
}

/** One call at a time, of those that block until they are answered. */
export function blocking(sizes: Sizes, call: () => unknown): Promise<number> {
  return perOperation(sizes.samples, [sizes.warmUpCalls, sizes.calls], (operations) => {
    for (let done = 0; done < operations; done += 1) call();
  });
}

/** Batches of calls made in one tick and awaited by `Promise.all`; the time of one call. */
export async function pipelined(sizes: Sizes, call: () => PromiseLike<unknown>): Promise<number> {
  const batch = (): Promise<unknown> => Promise.all(Array.from({ length: sizes.pipelined }, call));
  const perBatch = await perOperation(
    sizes.samples,
    [sizes.warmUpBatches, sizes.batches],
    async (operations) => {
      for (let done = 0; done < operations; done += 1) await batch();
    },
  );
  return perBatch / sizes.pipelined;
}

/** Throws unless a peer answered what it should: a fast wrong answer is no measure. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected)
    throw new Error(`${what} gave ${String(actual)}, expected ${String(expected)}`);
}

/** A package that may be missing, which skips the peer instead of failing the run. */
export function load(specifier: string): unknown {
  const require: (id: string) => unknown = createRequire(__filename);
  try {
    return require(specifier);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new SkippedError(`${specifier} is not installed or not built`);
  }
}

/** Why a peer cannot run here. */
export class SkippedError extends Error {
  override readonly name = 'SkippedError';
}

/** Runs a peer with the sizes of its command line, prints its report and ends the process. */
export function runPeer(main: (sizes: Sizes) => Promise<PeerReport>): void {
  const sizes = JSON.parse(process.argv[2] ?? '{}') as Sizes;
  main(sizes)
    .catch((error: unknown): PeerReport => {
      if (error instanceof SkippedError) return { measures: {}, skipped: error.message };
      throw error;
    })
    .then(
      (report) => process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0)),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? String(error.stack) : String(error)}\n`);
        process.exit(1);
      },
    );
}
