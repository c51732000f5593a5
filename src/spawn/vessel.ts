// What a task runs in, as its `Spawned` sees it: a process, a thread, or nothing of its own.

import { TimeoutError } from '../base/errors';
import { DEFAULT_LIMITS } from '../base/limits';
import { type ChildLog } from '../log/child-log';
import { type LogTarget } from '../log/log-target';
import { getProcessName } from '../log/names';
import { type Exit } from '../process/child';
import { realm } from '../proxy/realm';

/** What a child is told, once. */
export interface ChildConfig {
  readonly name: string;
  /** Of the process that a thread is in. */
  readonly processName: string;
  readonly log: ChildLog | undefined;
  /** The functions that parent and child give to `passTo` are proven with it. */
  readonly kin: Uint8Array;
  /** A token of a function: the child gives its desk to it. */
  readonly seat: object;
  readonly memories: readonly SharedArrayBuffer[];
}

/** What a child says: that it is there, and what ends it if nobody catches that. */
export type ChildMessage =
  { readonly kind: 'hello' } | { readonly kind: 'uncaught'; readonly error: Uint8Array };

/** How it ended. */
export interface End extends Exit {
  /** Why it could not start. */
  readonly failure?: Error | undefined;
  /** What nobody caught in it. */
  readonly uncaught?: unknown;
}

export interface Vessel {
  readonly pid: number | undefined;
  readonly ended: Promise<End>;
  /** What it has printed is in the log, up to its end. */
  readonly logged: Promise<void> | undefined;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Whether it keeps this process alive. */
  keepAlive(keep: boolean): void;
}

/** What a child may be made with, beside its task. */
export interface VesselOptions {
  readonly name: string;
  /** Asked once the child is there: a token that nobody comes for would live on. */
  readonly newSeat: () => object;
  readonly target: LogTarget | undefined;
  /** Modules that it will load. */
  readonly modules: readonly string[];
  readonly memories: readonly SharedArrayBuffer[];
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly cwd: string | undefined;
  readonly execPath: string | undefined;
  readonly execArgv: readonly string[] | undefined;
}

/** What a child is told that has come. */
export function configFor({ name, target, newSeat, memories }: VesselOptions): ChildConfig {
  const processName = getProcessName();
  const { secret: kin } = realm.kin;
  return { name, processName, log: target?.forChild, kin, seat: newSeat(), memories };
}

/** Calls `late` where a child says nothing in time; what is answered is called when it speaks, or ends. */
export function expectHello(name: string, late: (failure: TimeoutError) => void): () => void {
  const { startMs } = DEFAULT_LIMITS;
  let isOver = false;
  const timer = setTimeout(() => {
    // Where this thread was blocked, what the child has said is read first.
    setImmediate(() => {
      if (!isOver) late(new TimeoutError(`${name} said nothing within ${String(startMs)} ms`));
    });
  }, startMs).unref();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
