/**
 * A promise that asks only when somebody waits: `list.length` is a property, and properties are
 * touched by debuggers, loggers and test runners that never await them.
 */
export class LazyPromise<T> implements Promise<T> {
  readonly #ask: () => Promise<T>;
  #answer: Promise<T> | undefined;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  get [Symbol.toStringTag](): string {
    return 'LazyPromise';
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#answer ??= this.#ask();
    return this.#answer.then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    this.#answer ??= this.#ask();
    return this.#answer.finally(onFinally);
  }
}
