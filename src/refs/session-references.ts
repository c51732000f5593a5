// What one session holds of a server's objects: a count for each. The session may name these
// objects and no others, and when it ends all of it is given back.

import { LimitError, ProtocolError } from '../base/errors';
import { type ObjectTable, type Row } from './objects';

export class SessionReferences<E = unknown> {
  readonly #objects: ObjectTable<E>;
  readonly #limit: number;
  readonly #counts = new Map<number, number>();

  constructor(objects: ObjectTable<E>, limit: number) {
    this.#objects = objects;
    this.#limit = limit;
  }

  get size(): number {
    return this.#counts.size;
  }

  has(id: number): boolean {
    return this.#counts.has(id);
  }

  /** Throws `LimitError` where another object cannot be held. */
  requireRoom(id: number): void {
    if (this.#counts.has(id) || this.#counts.size < this.#limit) return;
    throw new LimitError(
      `Cannot hold another object: this session holds ${String(this.#limit)}, which is limits.references; release some`,
    );
  }

  /** Counts one more. Throws `LimitError`, and then nothing was counted. */
  add(row: Row<E>): void {
    const count = this.#counts.get(row.id);
    if (count === undefined) {
      this.requireRoom(row.id);
      this.#objects.pin(row, 'sessions');
    }
    this.#counts.set(row.id, (count ?? 0) + 1);
  }

  /** Throws `ProtocolError` where more is given back than is held: the session is then closed. */
  release(id: number, count: number): void {
    const held = this.#counts.get(id) ?? 0;
    if (count < 1 || count > held) {
      throw new ProtocolError(
        `Cannot release ${String(count)} of object ${String(id)}: the session holds ${String(held)}`,
      );
    }
    if (count < held) {
      this.#counts.set(id, held - count);
      return;
    }
    this.#counts.delete(id);
    const row = this.#objects.get(id);
    if (row !== undefined) this.#objects.unpin(row, 'sessions');
  }

  releaseAll(): void {
    for (const [id, count] of [...this.#counts]) this.release(id, count);
  }
}
