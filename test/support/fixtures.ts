// Child programs of tests: forked from TypeScript, asked, and gone in the end.
import { type ChildProcess, type SerializationType, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const FIXTURES = join(__dirname, '..', 'fixtures');

export interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  /** Sends a message and resolves with the answer to it. */
  ask(message: object): Promise<unknown>;
  /** Resolves when it has ended, by itself or by `signal`. */
  ended(signal?: NodeJS.Signals): Promise<void>;
}

export function forkFixture(name: string, serialization: SerializationType = 'json'): Child {
  const child = fork(join(FIXTURES, name), [], {
    serialization,
    execArgv: ['-r', 'ts-node/register/transpile-only'],
  });
  const exit = once(child, 'exit');
  const ended = async (signal?: NodeJS.Signals): Promise<void> => {
    if (signal !== undefined) child.kill(signal);
    await exit;
  };
  return {
    process: child,
    ended,
    ask: async (message) => {
      const answer = once(child, 'message');
      child.send(message);
      const [{ answer: value }] = (await answer) as [{ answer: unknown }];
      return value;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await ended('SIGKILL');
    },
  };
}
