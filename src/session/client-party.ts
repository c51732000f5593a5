// The objects of a client that its manager may call: functions and instances given as arguments.

import { ObjectGoneError, ProtocolError, SerializationError } from '../base/errors';
import { kindOf } from '../wire/plain';
import { openExposure } from './exposure';
import { type Lent, type Party, type Purpose, type Subject } from './parties';

interface Loan {
  readonly value: object;
  readonly id: number;
  count: number;
}

const FUNCTION = openExposure('function');
const OBJECT = openExposure('object');

export class ClientParty implements Party {
  readonly #lendsInstances: boolean;
  readonly #loans = new Map<number, Loan>();
  readonly #loanOf = new Map<object, Loan>();
  #last = 0;

  constructor(lendsInstances: boolean) {
    this.#lendsInstances = lendsInstances;
  }

  subject(id: number): Subject {
    const loan = this.#loans.get(id);
    if (loan === undefined)
      throw new ObjectGoneError(`The function or object ${String(id)} is no longer lent`);
    const exposure = typeof loan.value === 'function' ? FUNCTION : OBJECT;
    return { referent: loan.value, exposure, ready: undefined, failure: undefined, owned: false };
  }

  lend(value: object, path: string, purpose: Purpose): Lent {
    const callable = typeof value === 'function';
    requireLendable(value, path, purpose, callable || this.#lendsInstances || isIterator(value));
    let loan = this.#loanOf.get(value);
    if (loan === undefined) {
      loan = { value, id: ++this.#last, count: 0 };
      this.#loans.set(loan.id, loan);
      this.#loanOf.set(value, loan);
    }
    loan.count++;
    const typeid = callable ? 'function' : isIterator(value) ? 'iterator' : 'object';
    return { id: loan.id, typeid, callable };
  }

  released(id: number, count: number): void {
    const loan = this.#loans.get(id);
    if (loan === undefined || count > loan.count) {
      throw new ProtocolError(`Cannot take back ${String(count)} of loan ${String(id)}`);
    }
    loan.count -= count;
    if (loan.count > 0) return;
    this.#loans.delete(id);
    this.#loanOf.delete(loan.value);
  }

  duplicate(id: number): void {
    const loan = this.#loans.get(id);
    if (loan === undefined)
      throw new ProtocolError(`Cannot lend ${String(id)} again: it is not lent`);
    loan.count++;
  }

  create(): never {
    throw new ProtocolError('A server creates nothing in its clients');
  }

  mint(): never {
    throw new ProtocolError('A server mints nothing in its clients');
  }
}

function requireLendable(value: object, path: string, purpose: Purpose, lendable: boolean): void {
  if (typeof (value as { then?: unknown }).then === 'function') {
    throw new SerializationError(`Cannot send ${path}: it is a promise; await it first`);
  }
  if (purpose === 'container') {
    throw new SerializationError(
      `Cannot send ${path}: ${kindOf(value)} cannot be copied into a shared object; share plain data, or an object of the manager (manager.create)`,
    );
  }
  if (!lendable) {
    throw new SerializationError(
      `Cannot send ${path}: ${kindOf(value)} would let the manager call this process; give a function, or plain data`,
    );
  }
}

export function isIterator(value: object): boolean {
  return typeof (value as { next?: unknown }).next === 'function';
}
