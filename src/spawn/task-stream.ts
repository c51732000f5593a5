// What a generator yields in a child, as it is asked for here: it runs no further than somebody
// wants to read, and what it yielded before an error is delivered before the error. `drain()` reads
// the rest and keeps it, so that who waits for the end waits for nobody else.

/** Where the values come from. */
export interface StreamSource<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  close(): Promise<void>;
}

export class TaskStream<T> implements AsyncIterableIterator<T, undefined> {
  /** Rejects where there is nothing to iterate over. */
  readonly #source: Promise<StreamSource<T>>;
  readonly #kept: T[] = [];
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;
  #hasThrown = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: Promise<StreamSource<T>>) {
    this.#source = source;
    source.catch(() => undefined); // told to who iterates
  }

  /** Whoever iterates was told why it ended. */
  get hasThrown(): boolean {
    return this.#hasThrown;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#inTurn(async () => {
      if (this.#kept.length === 0) await this.#pull();
      if (this.#kept.length > 0) return { done: false, value: this.#kept.shift() as T };
      this.#throwFailure();
      return { done: true, value: undefined };
    });
  }

  /** Ends the generator in the child: its `finally` blocks run. */
  return(): Promise<IteratorResult<T, undefined>> {
    return this.#inTurn(async () => {
      this.#kept.length = 0;
      if (!this.#isOver) {
        this.#isOver = true;
        await (await this.#source).close();
      }
      return { done: true, value: undefined };
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Reads to the end, and keeps what is read for who iterates later. */
  async drain(): Promise<void> {
    while (!this.#isOver) await this.#inTurn(() => this.#pull());
  }

  /** One more value, where there is one. Throws nothing: an error comes after the values. */
  async #pull(): Promise<void> {
    if (this.#isOver) return;
    try {
      const result = await (await this.#source).next();
      if (result.done === true) this.#isOver = true;
      else this.#kept.push(result.value);
    } catch (error) {
      this.#isOver = true;
      this.#failure = { error };
    }
  }

  /** Once: afterwards the stream is over, as with any generator. */
  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) return;
    this.#hasThrown = true;
    throw failure.error;
  }

  #inTurn<R>(body: () => Promise<R>): Promise<R> {
    const turn = this.#turn.then(body);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
