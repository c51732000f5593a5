// The child process of a private manager: forked, told what to serve, watched, and ended.

import { type ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';
import { ManagerDiedError, TimeoutError, UsageError } from './base/errors';
import { deferred } from './base/deferred';
import { type LogTarget } from './log/log-target';
import {
  type ChildOptions,
  type Exit,
  describeExit,
  forkDetached,
  requireEntry,
} from './process/child';
import { unpackValue } from './wire/values';
import { type KnownRoute } from './proxy/key-ring';
import {
  type RouteMessage,
  type ServerConfig,
  type ServerMessage,
  type StartRequest,
} from './server-entry';

const ENTRY = join(__dirname, `server-entry${extname(__filename)}`);

/** Between two signals, each stronger than the one before. */
const KILL_STEP_MS = 1000;

export class ManagerProcess {
  readonly #child: ChildProcess;
  readonly #startMs: number;
  readonly #ready = deferred<string>();
  readonly #exited = deferred<Exit>();
  /** What it has printed is in the log, up to its end. */
  readonly #logged: Promise<void> | undefined;
  #hello: NodeJS.Timeout | undefined;
  #exit: Exit | undefined;
  #busy: boolean | undefined;

  /** Forks at once; `request` may follow later in the same tick. */
  constructor(
    config: ServerConfig,
    options: ChildOptions & { readonly startMs: number; readonly target?: LogTarget | undefined },
  ) {
    requireEntry(ENTRY, 'a manager');
    this.#startMs = options.startMs;
    const { target, name } = options;
    this.#child = forkDetached(ENTRY, { ...options, output: target && 'pipe' });
    this.#logged = target?.follow(this.#child, { process: name });
    this.#child.on('message', (message: ServerMessage) => {
      this.#onMessage(message);
    });
    this.#child.once('exit', (code, signal) => {
      this.#onExit({ code, signal });
    });
    this.#child.on('error', (error) => {
      this.#onError(error);
    });
    this.#tell(config);
    this.#ready.promise.catch(() => undefined); // told to whoever waits; start() may not be awaited
    this.#hello = setTimeout(() => {
      // Where this thread was blocked, what the child has said is read first.
      setImmediate(() => {
        if (this.#hello !== undefined) this.#tooSlow();
      });
    }, this.#startMs).unref();
    this.keepAlive(false);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }
  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }
  get exited(): Promise<Exit> {
    return this.#exited.promise;
  }

  /** Resolves with its address when it serves; rejects with its own error, or with how it ended. */
  async serve(request: StartRequest): Promise<string> {
    this.#tell(request);
    return await this.#ready.promise;
  }

  /** From now on it can hold objects of that manager. */
  learn(route: KnownRoute): void {
    if (this.#exit === undefined) this.#tell({ kind: 'route', route });
  }

  /** Whether the child keeps this process alive: while it starts with somebody waiting. */
  keepAlive(busy: boolean): void {
    if (busy === this.#busy) return; // asked with every call
    this.#busy = busy;
    const { channel } = this.#child;
    if (busy) {
      this.#child.ref();
      channel?.ref();
    } else {
      this.#child.unref();
      channel?.unref();
    }
  }

  /** Waits for its end, and for its last words in the log; helps with SIGTERM and SIGKILL. */
  async ended(timeoutMs: number): Promise<Exit> {
    const busy = this.#busy === true;
    this.keepAlive(true);
    const steps = [
      setTimeout(() => this.#child.kill('SIGTERM'), timeoutMs),
      setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs + KILL_STEP_MS),
    ];
    try {
      const exit = await this.exited;
      await this.#logged;
      return exit;
    } finally {
      for (const step of steps) clearTimeout(step);
      this.keepAlive(busy && this.#exit === undefined);
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Where the child is gone, its end tells more than the failed write. */
  #tell(message: ServerConfig | StartRequest | RouteMessage): void {
    this.#child.send(message, () => undefined);
  }

  /** It could not be started at all, or a message to it was lost: then its end follows. */
  #onError(cause: Error): void {
    if (this.#child.pid !== undefined) return;
    this.#ready.reject(
      new UsageError(`Cannot start the manager's process: ${cause.message}`, { cause }),
    );
    this.#onExit({ code: null, signal: null });
  }

  #onMessage(message: ServerMessage): void {
    switch (message.kind) {
      case 'hello':
        this.#hasSpoken();
        return;
      case 'ready':
        this.#ready.resolve(message.address);
        return;
      case 'failed':
        this.#ready.reject(unpackValue(message.error));
        return;
    }
  }

  #hasSpoken(): void {
    clearTimeout(this.#hello);
    this.#hello = undefined;
  }

  #onExit(exit: Exit): void {
    this.#exit = exit;
    this.#hasSpoken();
    this.#ready.reject(
      new ManagerDiedError(`The manager's process ended before it served: ${describeExit(exit)}`, {
        outcome: 'not-sent',
        exitCode: exit.code,
        signal: exit.signal,
      }),
    );
    this.#exited.resolve(exit);
  }

  #tooSlow(): void {
    this.#ready.reject(
      new TimeoutError(
        `The manager's process said nothing within ${String(this.#startMs)} ms (limits.startMs)`,
      ),
    );
    this.kill();
  }
}
