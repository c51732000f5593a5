// A task's own process: forked, told where its seat is, and heard of until it has ended.

import { type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { deferred } from '../base/deferred';
import { UsageError } from '../base/errors';
import { forkAttached, requireEntry } from '../process/child';
import { unpackValue } from '../wire/values';
import {
  type ChildMessage,
  type End,
  type Vessel,
  type VesselOptions,
  configFor,
  expectHello,
} from './vessel';

export const ENTRY = join(__dirname, `child-entry${extname(__filename)}`);

export class TaskProcess implements Vessel {
  readonly logged: Promise<void> | undefined;
  readonly #child: ChildProcess;
  readonly #ended = deferred<End>();
  readonly #heard: () => void;
  readonly #options: VesselOptions;
  #failure: Error | undefined;
  #uncaught: unknown;

  /** Forks at once. */
  constructor(options: VesselOptions) {
    requireEntry(ENTRY, 'a task');
    this.#options = options;
    const { name, target } = options;
    const output = target === undefined ? 'inherit' : 'pipe';
    this.#child = forkAttached(ENTRY, { ...options, output });
    this.logged = target?.follow(this.#child, { process: name });
    this.#heard = expectHello(`Process "${name}"`, (failure) => {
      this.#failure = failure;
      this.kill('SIGKILL');
    });
    this.#child.on('message', (message: ChildMessage) => {
      if (message.kind === 'uncaught') this.#uncaught = unpackValue(message.error);
      else this.#begin();
    });
    this.#child.once('exit', () => {
      this.#onExit();
    });
    this.#child.on('error', (error) => {
      this.#onError(error);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }
  get ended(): Promise<End> {
    return this.#ended.promise;
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  keepAlive(keep: boolean): void {
    const { channel } = this.#child;
    if (keep) {
      this.#child.ref();
      channel?.ref();
    } else {
      this.#child.unref();
      channel?.unref();
    }
  }

  #begin(): void {
    this.#heard();
    this.#child.send(configFor(this.#options), () => undefined); // where it is gone, its end tells more
  }

  /** It could not be started at all, or a message to it was lost: then its end follows. */
  #onError(cause: Error): void {
    if (this.#child.pid !== undefined) return;
    const text = `Cannot start a process: ${cause.message}${this.#blame()}`;
    this.#failure = new UsageError(text, { cause });
    this.#end();
  }

  /** The system says of a directory that is missing that the program is. */
  #blame(): string {
    const { cwd } = this.#options;
    return cwd === undefined || existsSync(cwd) ? '' : `; its option "cwd", ${cwd}, is not there`;
  }

  /** What it said last is read before its end is told. */
  #onExit(): void {
    if (!this.#child.connected) this.#end();
    else
      this.#child.once('disconnect', () => {
        this.#end();
      });
  }

  #end(): void {
    this.#heard();
    const { exitCode: code, signalCode: signal } = this.#child;
    const isStarted = this.#child.pid !== undefined;
    const exit = isStarted ? { code, signal } : { code: null, signal: null };
    this.#ended.resolve({ ...exit, failure: this.#failure, uncaught: this.#uncaught });
  }
}
