// Who listens for an object that this process has exposed. There may be several, because an object
// can be exposed more than once; the last that was opened decides. When there is none, calls are
// refused, or get what the last one has said for that.

import { NotListeningError } from '../base/errors';
import { type Row } from '../refs/objects';
import { nameOf, valueOf } from '../session/absence';
import { type Exposure, openExposure } from '../session/exposure';
import { type Gate, type GatedCall } from '../session/gate';
import { needsTurn } from '../session/turns';
import { type Listener } from './listener';

/** What may be reached, and what calls get while nobody listens. */
export interface Terms {
  readonly names: ReadonlySet<string> | undefined;
  /** Absent: they are refused. */
  readonly absence?: { readonly defaultValue: unknown };
}

interface Listening {
  readonly listener: Listener;
  readonly terms: Terms;
}

export class ObjectGate implements Gate {
  readonly #row: Row<Exposure>;
  readonly #manager: string;
  readonly #listening: Listening[] = [];
  /** Of the last that has closed. */
  #absence: Terms['absence'];
  /** `ready()` waits for the next. */
  readonly #waiting = new Set<() => void>();

  /** The gate of that object, which keeps it from now on. */
  static of(row: Row<Exposure>, manager: string): ObjectGate {
    const { gate } = row.exposure;
    return gate instanceof ObjectGate ? gate : new ObjectGate(row, manager);
  }

  private constructor(row: Row<Exposure>, manager: string) {
    this.#row = row;
    this.#manager = manager;
  }

  open(listener: Listener, terms: Terms): void {
    this.#listening.push({ listener, terms });
    this.#judgeBy(terms);
    for (const tell of this.#waiting) tell();
    this.#waiting.clear();
  }

  /** How others see the object. */
  get exposure(): Exposure {
    return this.#row.exposure;
  }

  close(listener: Listener): void {
    const at = this.#listening.findIndex((one) => one.listener === listener);
    const [closed] = at === -1 ? [] : this.#listening.splice(at, 1);
    this.#absence = closed?.terms.absence;
    const last = this.#listening.at(-1);
    if (last !== undefined) this.#judgeBy(last.terms);
  }

  /** What may be reached is judged by the same terms as before where nobody listens. */
  #judgeBy({ names }: Terms): void {
    this.#row.exposure = { ...openExposure(this.#row.typeid), names, gate: this };
  }

  enter(call: GatedCall, body: () => unknown): unknown {
    const current = this.#listening.at(-1);
    if (call.operation === 'ready')
      return current === undefined ? this.#nextListener(call) : undefined;
    if (current === undefined) return this.absent(call);
    return needsTurn(call.operation) ? current.listener.enter(call, body) : body();
  }

  /** What a call gets that nobody takes. Throws `NotListeningError` where nothing was said for that. */
  absent({ hasDefault, operation }: GatedCall): unknown {
    const absence = this.#listening.at(-1)?.terms.absence ?? this.#absence;
    if (absence !== undefined && !hasDefault) return valueOf(absence.defaultValue, operation);
    const referent = nameOf(this.#manager, this.#row.id);
    throw new NotListeningError(
      `Nobody listens for object ${String(this.#row.id)}: its process has closed what it exposed, or rejects the calls that wait; give the call a defaultValue, or wait with ready(proxy)`,
      { referent },
    );
  }

  #nextListener({ running }: GatedCall): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve);
      running.onAbort = (reason) => {
        this.#waiting.delete(resolve);
        reject(reason);
      };
    });
  }
}
