// Waiting until somebody listens: the owner of the object tells, nobody asks again and again.

import { type ChildProcess } from 'node:child_process';
import {
  AuthenticationError,
  ConnectionLostError,
  ObjectGoneError,
  ProcessDiedError,
  TimeoutError,
  rethrow,
} from '../base/errors';
import { isDuration, option, resolveOptions } from '../base/options';
import { ENDING, type Ending, type Exit, describeExit } from '../process/child';
import { calleeOf } from '../proxy/handles';
import { lateOf, useOnce } from '../proxy/late';
import { type Binding } from '../proxy/use';
import { requireLease } from '../proxy/realm';
import { inTime } from './in-time';

export interface ReadyOptions {
  /** Where the listener should come: when that process ends, the wait is over too. */
  readonly process?: Ending | ChildProcess | undefined;
  /** 0, the default: without end. */
  readonly timeoutMs?: number | undefined;
}

const RULES = {
  process: option<Ending | ChildProcess | undefined>(
    undefined,
    isProcess,
    'what spawn() or fork() has given',
  ),
  timeoutMs: option(0, isDuration, 'a number of milliseconds >= 0'),
};

/** The longest that a timer of Node's runs. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Between the end of a connection and the news of how its process ended. */
const NEWS_MS = 50;

/**
 * Resolves when somebody listens for calls of `proxy`. Rejects with `ProcessDiedError` where
 * `process` ends before, with `TimeoutError`, and where the owner of the object is gone.
 */
export async function ready(proxy: object, options?: ReadyOptions): Promise<void> {
  const { process, timeoutMs } = resolveOptions('ready', RULES, options);
  const waiting = new AbortController();
  const alive = setInterval(nothing, TIMER_MS_MAX); // whoever waits does not end
  const answer = askReady(proxy, waiting.signal);
  const end = process === undefined ? undefined : endOf(process, waiting.signal);
  const first = end === undefined ? answer : Promise.race([answer, end.then(hasDied)]);
  try {
    await inTime(first, { timeoutMs }, () => {
      throw new TimeoutError(`Nobody has listened within ${String(timeoutMs)} ms`);
    });
  } catch (error) {
    if (end !== undefined && isLoss(error))
      await inTime(end.then(hasDied), { timeoutMs: NEWS_MS }, () => undefined);
    throw error;
  } finally {
    clearInterval(alive);
    waiting.abort(); // no call and no listener survives the wait
  }
}

/** Answered by the owner of the object as soon as it listens. */
function askReady(proxy: object, signal: AbortSignal): Promise<unknown> {
  const late = lateOf(proxy);
  if (late !== undefined) return askReadyByName(late.binding, signal);
  const target = requireLease(proxy);
  const deed = { operation: 'ready', path: [], name: '', args: [] } as const;
  const about = { purpose: 'argument', held: proxy, timeoutMs: 0, signal } as const;
  return calleeOf(target).call({ target, ...deed, ...about });
}

/** First something must have the name, and then that must listen; it may have lost the name meanwhile. */
async function askReadyByName(binding: Binding, signal: AbortSignal): Promise<unknown> {
  for (;;) {
    await binding.there?.(signal);
    try {
      const options = { timeoutMs: 0, signal };
      return await useOnce(binding, (_target, { send }) => send('ready', '', [], options));
    } catch (error) {
      if (!(error instanceof ObjectGoneError)) throw error;
    }
  }
}

/** With a process goes the directory of its host, and so the key to it. */
function isLoss(error: unknown): boolean {
  return error instanceof ConnectionLostError || error instanceof AuthenticationError;
}

function nothing(): undefined {
  return undefined;
}

function isProcess(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return ENDING in value || ('exitCode' in value && 'once' in value);
}

/** How it ends, or has ended. */
function endOf(process: Ending | ChildProcess, signal: AbortSignal): Promise<Exit> {
  if (ENDING in process) return process[ENDING];
  const { exitCode: code, signalCode } = process;
  if (code !== null || signalCode !== null) return Promise.resolve({ code, signal: signalCode });
  return new Promise((resolve) => {
    const tell = (...[code, signal]: [number | null, NodeJS.Signals | null]): void => {
      resolve({ code, signal });
    };
    process.once('exit', tell);
    signal.addEventListener('abort', () => process.off('exit', tell));
  });
}

function hasDied(exit: Exit): never {
  rethrow(
    new ProcessDiedError(`Nobody will listen: the process has ended, ${describeExit(exit)}`, {
      exitCode: exit.code,
      signal: exit.signal,
    }),
  );
}
