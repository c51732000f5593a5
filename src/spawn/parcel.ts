// The arguments of a task, as they are when it is spawned: plain data is copied, and the proxies in
// it have leases of their own until the child has its. What cannot be written into a message, an
// `Except` or the memory that threads share, leaves its place empty and is put there by the child.

import { types } from 'node:util';
import { SerializationError } from '../base/errors';
import { isProxy, release, withOptions } from '../proxy/functions';
import { isPlainArray, isPlainMap, isPlainObject, isPlainSet } from '../wire/plain';
import { Except } from './except';
import { type Kind } from './spawn-options';

type Path = readonly (string | number)[];
type ViewType = new (memory: SharedArrayBuffer, offset: number, length: number) => ArrayBufferView;

/** What goes where: the `index`th `Except`, or the `index`th memory or a view of it. */
interface Insertion {
  readonly path: Path;
  readonly kind: 'errors' | 'memory';
  readonly index: number;
  readonly view?: { readonly type: string; readonly offset: number; readonly length: number };
}

/** Arguments as they travel. */
export interface Parcel {
  readonly args: readonly unknown[];
  readonly insertions: readonly Insertion[];
}

export class PackedArguments {
  readonly parcel: Parcel;
  /** Those among the arguments, after those that were given. */
  readonly errors: Except[];
  readonly memories: SharedArrayBuffer[] = [];
  readonly #kind: Kind;
  readonly #insertions: Insertion[] = [];
  readonly #proxies: object[] = [];
  readonly #seen = new Map<object, unknown>();

  /** Throws for a proxy that was released. */
  constructor(args: readonly unknown[], errors: readonly Except[], kind: Kind) {
    this.errors = [...errors];
    this.#kind = kind;
    const copies = args.map((argument, i) => this.#pack(argument, [i]));
    this.parcel = { args: copies, insertions: this.#insertions };
  }

  /** Another proxy that the child gets: released with the others. */
  hold(proxy: object): void {
    this.#proxies.push(proxy);
  }

  /** The child has it, or will never come. */
  release(): void {
    for (const proxy of this.#proxies.splice(0)) release(proxy);
  }

  /** `path`: undefined inside of a Map or Set, where a place has no name. */
  #pack(value: unknown, path: Path | undefined): unknown {
    if (isProxy(value)) return this.#lease(value as object);
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Except) {
      this.#insert(value, path);
      return;
    }
    if (isSharedMemory(value)) return this.#share(value, path);
    if (this.#seen.has(value)) return this.#seen.get(value);
    return this.#copy(value, path);
  }

  #copy(value: object, path: Path | undefined): unknown {
    if (isPlainArray(value)) {
      const copy = this.#remember<unknown[]>(value, []);
      for (const [i, item] of value.entries()) copy.push(this.#pack(item, at(path, i)));
      return copy;
    }
    if (isPlainMap(value)) {
      const copy = this.#remember(value, new Map<unknown, unknown>());
      for (const [key, item] of value)
        copy.set(this.#pack(key, undefined), this.#pack(item, undefined));
      return copy;
    }
    if (isPlainSet(value)) {
      const copy = this.#remember(value, new Set<unknown>());
      for (const item of value) copy.add(this.#pack(item, undefined));
      return copy;
    }
    if (!isPlainObject(value)) return value;
    const copy = this.#remember<Record<string, unknown>>(value, {});
    for (const [name, field] of Object.entries(value))
      copy[name] = this.#pack(field, at(path, name));
    return copy;
  }

  #remember<T>(value: object, copy: T): T {
    this.#seen.set(value, copy);
    return copy;
  }

  #lease(proxy: object): object {
    const own = withOptions(proxy, {});
    this.#proxies.push(own);
    return own;
  }

  #insert(errors: Except, path: Path | undefined): undefined {
    requirePath(path, 'An Except');
    this.#insertions.push({ path, kind: 'errors', index: indexIn(this.errors, errors) });
  }

  #share(value: SharedArrayBuffer | ArrayBufferView, path: Path | undefined): unknown {
    if (this.#kind === 'inline') return value;
    if (this.#kind === 'process') {
      throw new SerializationError(
        "Cannot send a SharedArrayBuffer to another process: only threads share memory (kind: 'thread'); manager.array() is shared by processes",
      );
    }
    requirePath(path, 'A SharedArrayBuffer');
    if (!ArrayBuffer.isView(value)) {
      this.#insertions.push({ path, kind: 'memory', index: indexIn(this.memories, value) });
      return undefined;
    }
    const length = 'length' in value ? Number(value.length) : value.byteLength;
    const view = { type: value.constructor.name, offset: value.byteOffset, length };
    const index = indexIn(this.memories, value.buffer as SharedArrayBuffer);
    this.#insertions.push({ path, kind: 'memory', index, view });
    return undefined;
  }
}

/** A copy of a task's result for the caller of one that runs here: its proxies are the caller's own. */
export function ownCopy(value: unknown): unknown {
  return new PackedArguments([value], [], 'inline').parcel.args[0];
}

/** The arguments for the task, with what belongs into its empty places. */
export function unpack(
  { args, insertions }: Parcel,
  errors: readonly object[],
  memories: readonly SharedArrayBuffer[],
): readonly unknown[] {
  const whole = [...args];
  for (const { path, kind, index, view } of insertions) {
    const memory = memories[index];
    const value = kind === 'errors' ? errors[index] : memory;
    put(whole, path, view === undefined || memory === undefined ? value : viewOf(memory, view));
  }
  return whole;
}

function put(whole: unknown, path: Path, value: unknown): void {
  let here = whole as Record<string | number, unknown>;
  for (const name of path.slice(0, -1)) here = here[name] as Record<string | number, unknown>;
  here[path.at(-1) ?? 0] = value;
}

function viewOf(
  memory: SharedArrayBuffer,
  { type, offset, length }: NonNullable<Insertion['view']>,
): unknown {
  if (type === 'Buffer') return Buffer.from(memory, offset, length);
  const View = (globalThis as unknown as Record<string, ViewType>)[type];
  return View === undefined ? memory : new View(memory, offset, length);
}

function isSharedMemory(value: object): value is SharedArrayBuffer | ArrayBufferView {
  return types.isSharedArrayBuffer(ArrayBuffer.isView(value) ? value.buffer : value);
}

function requirePath(path: Path | undefined, what: string): asserts path is Path {
  if (path !== undefined) return;
  throw new SerializationError(
    `${what} cannot be given inside of a Map or Set: give it as an argument, or in an array or object`,
  );
}

function at(path: Path | undefined, name: string | number): Path | undefined {
  return path === undefined ? undefined : [...path, name];
}

function indexIn<T>(list: T[], item: T): number {
  const known = list.indexOf(item);
  return known === -1 ? list.push(item) - 1 : known;
}
