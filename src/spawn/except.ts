// Errors of several processes in one place. An `Except` belongs to the process that made it. A
// process that is spawned with it has a replica: what is kept there is told here, in order, before
// the task's result. Sent in any other way it would tell nobody, so it refuses that.

import { SerializationError } from '../base/errors';
import { TOKEN_KEY } from '../wire/token';
import { type ErrorType, LocalExcept, settingsOf, whenKept } from './local-except';

export class Except extends LocalExcept {
  constructor(...types: ErrorType[]) {
    super(...types);
    // Every serializer reads it, as it reads the token of a proxy.
    Object.defineProperty(this, TOKEN_KEY, { enumerable: true, get: refuse });
  }
}

function refuse(): never {
  throw new SerializationError(
    'An Except can only be given to spawn(), as its option "errors" or among the arguments of the task',
  );
}

/** What a replica is made of. Its types are known by their names: no class crosses. */
export interface Ledger {
  readonly rethrow: boolean;
  readonly once: boolean;
  readonly types: readonly string[];
  /** Tells the owner. The number stands for the error in what the task comes to. */
  readonly keep: (number: number, error: Error, group: string | null) => unknown;
}

/** `onRecord`: told of each error that arrives, by its number. */
export function ledgerOf(errors: Except, onRecord: (number: number, error: Error) => void): Ledger {
  const { rethrow, once, types } = settingsOf(errors);
  return {
    rethrow,
    once,
    types: types.map(({ name }) => name),
    keep: (number, error, group) => {
      onRecord(number, error);
      errors.add(error, group ?? undefined);
    },
  };
}

export class Replica extends Except {
  readonly #numbers = new WeakMap<Error, number>();
  #last = 0;
  readonly #told: Promise<unknown>[] = [];

  constructor({ rethrow, once, types, keep }: Ledger) {
    super(...types.map(typeNamed));
    this.configure({ rethrow, once });
    whenKept(this, ({ error, group }) => {
      const number = ++this.#last;
      this.#numbers.set(error, number);
      this.#told.push(Promise.resolve(keep(number, error, group)).catch(ignoreGone));
    });
  }

  /** The number of an error that is kept here. */
  numberOf(error: unknown): number | undefined {
    return error instanceof Error ? this.#numbers.get(error) : undefined;
  }

  /** Resolves when the owner has all that is kept till now. */
  async delivered(): Promise<void> {
    await Promise.all(this.#told.splice(0));
  }
}

/** Nobody is there to be told any more. */
function ignoreGone(): undefined {
  return undefined;
}

/** A type that knows errors by the names of their classes. */
function typeNamed(wanted: string): ErrorType {
  return class extends Error {
    static override [Symbol.hasInstance](error: unknown): boolean {
      let type = error instanceof Error ? (error.constructor as { readonly name: string }) : null;
      while (type !== null && type.name !== wanted)
        type = Object.getPrototypeOf(type) as { readonly name: string } | null;
      return type !== null;
    }
  };
}
