// The processes of the cases that come from CPython's own tests. A case is written once, with `await`
// before each use of a shared object; behind the synchronous face the same lines wait for nothing.
import type * as library from '../../src/index';
import { Child } from '../support/runners';

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
  const faces = { async: (proxy: object) => proxy, sync: (lib as { sync?: unknown }).sync };
  const make = faces[face] as (proxy: object) => object;
  state.open = (argument: object) => {
    const fields = Object.entries(lib.revive(argument)).map(([name, value]: [string, unknown]) => [
      name,
      lib.isProxy(value) ? make(value as object) : value,
    ]);
    return Object.fromEntries(fields) as unknown;
  };
}

export class Processes {
  readonly #children: readonly Child[];

  private constructor(children: readonly Child[]) {
    this.#children = children;
  }

  static async start(count: number, face: Face): Promise<Processes> {
    const children = Array.from({ length: count }, () => new Child());
    await Promise.all(children.map((child) => child.run(install, face)));
    return new Processes(children);
  }

  /** Runs `body` in all of them, or in the first `count`, at once. It sees its arguments only. */
  run<A extends object, R>(
    body: (lib: Library, state: Opened, argument: A) => R | Promise<R>,
    argument: A,
    count = this.#children.length,
  ): Promise<Awaited<R>[]> {
    const run = body as unknown as (lib: Library, state: object, argument: A) => R | Promise<R>;
    return Promise.all(this.#children.slice(0, count).map((child) => child.run(run, argument)));
  }

  async end(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()));
  }
}
