// The processes of the cases that come from CPython's own tests. A case is written once, with `await`
// before each use of a shared object; behind the synchronous face the same lines wait for nothing.
import type * as library from '../../src/index';
import { Child } from '../support/runners';
import { until } from '../support/until';

/** How a process uses its proxies. */
export type Face = 'async' | 'sync';
export const FACES: readonly Face[] = ['async', 'sync'];

/** What a body finds in its state. */
export interface Opened {
  /** Revives an argument; the proxies in its fields have the face of the case. */
  readonly open: <A>(argument: A) => A;
}

type Library = typeof library;

function install(lib: Library, state: Record<string, unknown>, face: Face): void {
  const opened: object[] = [];
  const openOne = (proxy: object): object => {
    const one = face === 'async' ? proxy : (lib.sync(proxy) as object);
    if (one !== proxy) lib.release(proxy);
    opened.push(one);
    return one;
  };
  state.open = (argument: object) => {
    const fields = Object.entries(lib.revive(argument)).map(([name, value]: [string, unknown]) => [
      name,
      lib.isProxy(value) ? openOne(value as object) : value,
    ]);
    return Object.fromEntries(fields) as unknown;
  };
  state.giveBack = () => {
    for (const proxy of opened.splice(0)) lib.release(proxy);
  };
}

/** What a body opened goes back when it has ended. */
async function runAlone<A extends object, R>(
  child: Child,
  body: (lib: Library, state: object, argument: A) => R | Promise<R>,
  argument: A,
): Promise<Awaited<R>> {
  try {
    return await child.run(body, argument);
  } finally {
    if (child.process.connected) {
      await child.run((_lib, state) => {
        (state.giveBack as () => void)();
      });
    }
  }
}

export class Processes {
  readonly #children: readonly Child[];

  private constructor(children: readonly Child[]) {
    this.#children = children;
  }

  static async start(count: number): Promise<Processes> {
    const children = Array.from({ length: count }, () => new Child());
    await Promise.all(children.map((child) => child.run(() => 'there')));
    return new Processes(children);
  }

  /** How what is opened from now on is used. */
  async wear(face: Face): Promise<void> {
    await Promise.all(this.#children.map((child) => child.run(install, face)));
  }

  /**
   * Runs `body` in all of them, or in the first `count`, at once. It sees its arguments only. One
   * after another in each process: its end gives back what was opened there.
   */
  run<A extends object, R>(
    body: (lib: Library, state: Opened, argument: A) => R | Promise<R>,
    argument: A,
    count = this.#children.length,
  ): Promise<Awaited<R>[]> {
    const run = body as unknown as (lib: Library, state: object, argument: A) => R | Promise<R>;
    return Promise.all(
      this.#children.slice(0, count).map((child) => runAlone(child, run, argument)),
    );
  }

  /** Resolves when `manager` knows that they are gone. */
  async end(manager: library.Manager): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()));
    await until(
      async () => (await manager.inspect()).sessions.length === 1,
      'the sessions of the processes to end',
    );
  }
}
