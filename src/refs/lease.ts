// A lease is one counted claim of this process on a referent that lives elsewhere. Every handle
// has one of its own, and gives it back once: when released, when collected, or with its session.
//
// Rule 1: a lease never refers to its handle, so that the handle can be collected.
// Rule 2: what a lease stands for changes only here: claimed, failed, released.

/** What a lease needs of the session that it belongs to. */
export interface Lessor {
  /** Gives back one count of the referent. */
  giveBack(lease: Lease, explicit: boolean): void;
}

export class Lease {
  readonly lessor: Lessor;
  /** The referent's number in its manager; 0 until the session has its range. */
  id: number;
  /** The number within our range, for a referent that we created; else 0. */
  readonly relative: number;
  readonly typeid: string;
  readonly callable: boolean;
  released = false;
  /** How many calls were made through it. */
  calls = 0;
  /** Why the referent never came to be, or can no longer be reached. */
  failure: Error | undefined;
  /** Further leases of a referent that has no number yet: they get theirs with this one. */
  #copies: Lease[] | undefined;
  /** While the claim of a token is under way: settles with it. */
  claim: Claim | undefined;

  constructor(
    lessor: Lessor,
    subject: {
      readonly id: number;
      readonly relative?: number;
      readonly typeid: string;
      readonly callable?: boolean;
    },
  ) {
    this.lessor = lessor;
    this.id = subject.id;
    this.relative = subject.relative ?? 0;
    this.typeid = subject.typeid;
    this.callable = subject.callable ?? false;
  }

  /** Another claim on the same referent, already counted there. */
  copy(): Lease {
    const copy = new Lease(this.lessor, this);
    if (this.id === 0) (this.#copies ??= []).push(copy);
    return copy;
  }

  /** The session has its range. */
  number(id: number): void {
    this.id = id;
    for (const copy of this.#copies ?? []) copy.number(id);
    this.#copies = undefined;
  }

  release(explicit = true): void {
    if (this.released) return;
    this.released = true;
    if (this.claim === undefined && this.failure === undefined)
      this.lessor.giveBack(this, explicit);
  }

  /** The count now belongs to another lease: nothing is given back for this one. */
  move(): void {
    this.released = true;
  }

  /** From now on calls wait for `granted` or `refused`. */
  startClaim(tokenText: string): void {
    this.claim = new Claim(tokenText);
  }

  granted(): void {
    const { claim } = this;
    this.claim = undefined;
    if (this.released) this.lessor.giveBack(this, false);
    claim?.settle();
  }

  refused(error: Error): void {
    const { claim } = this;
    this.failure = error;
    this.claim = undefined;
    claim?.settle();
  }
}

/** A claim under way, and what waits for it. */
export class Claim {
  /** The token that is claimed: what the handle is written as until then. */
  readonly tokenText: string;
  #listeners: (() => void)[] = [];
  #isOver = false;

  constructor(tokenText: string) {
    this.tokenText = tokenText;
  }

  /** `listener` runs when the claim is over, granted or not: in the same turn. */
  whenOver(listener: () => void): void {
    if (this.#isOver) listener();
    else this.#listeners.push(listener);
  }

  settle(): void {
    this.#isOver = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
