// Processes and workers of tests that run the functions which the test gives them.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type * as library from '../../src/index';

type Library = typeof library;

type State = Record<string, any>;
type Body<A, R> = (
  library: Library,
  state: State,
  argument: A,
  require: NodeJS.Require,
) => R | Promise<R>;

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
}

const FILE = join(__dirname, '../fixtures/child.ts');
export const TS_ARGV = ['-r', require.resolve('ts-node/register/transpile-only')];

class Runner {
  readonly #send: (message: unknown) => void;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #ids = 0;

  constructor(send: (message: unknown) => void) {
    this.#send = send;
  }

  protected onMessage(answer: Answer): void {
    if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
  }

  protected onEnd(): void {
    const error = { name: 'Error', message: 'The child ended' };
    for (const give of this.#waiting.values()) give({ error });
  }

  /** Runs `body` there. It sees its arguments only; shared objects go as tokens and must be revived. */
  async run<R, A = undefined>(body: Body<A, R>, argument?: A): Promise<Awaited<R>> {
    const id = ++this.#ids;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#send({ id, code: body.toString(), argument });
    const { result, error } = await answered;
    this.#waiting.delete(id);
    if (error !== undefined) throw Object.assign(new Error(error.message), error);
    return result as Awaited<R>;
  }
}

export class Child extends Runner {
  readonly process: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(
    options: {
      readonly serialization?: 'json' | 'advanced';
      readonly execArgv?: readonly string[];
    } = {},
  ) {
    const child = fork(FILE, [], {
      execArgv: [...(options.execArgv ?? []), ...TS_ARGV],
      serialization: options.serialization ?? 'json',
    });
    super((message) => child.send(message as object));
    this.process = child;
    this.#exited = once(child, 'exit').then(() => {
      this.onEnd();
    });
    child.on('message', (answer) => {
      this.onMessage(answer as Answer);
    });
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.#exited;
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<void> {
    await this.#exited;
  }
}

export class Thread extends Runner {
  readonly #worker: Worker;

  constructor() {
    const worker = new Worker(FILE, { execArgv: TS_ARGV });
    super((message) => {
      worker.postMessage(message);
    });
    this.#worker = worker;
    worker.on('message', (answer: Answer) => {
      this.onMessage(answer);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
