/**
 * A promise that asks only when somebody waits: `list.length` is a property, and properties are
 * touched by debuggers, loggers and test runners that never await them.
 */
export class LazyPromise<T> implements Promise<T> {
  /** Dropped once it was asked: it keeps the proxy alive. */
  #ask: (() => Promise<T>) | undefined;
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
    return this.#asked().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#asked().finally(onFinally);
  }

  #asked(): Promise<T> {
    const ask = this.#ask;
    this.#ask = undefined;
    if (this.#answer === undefined && ask !== undefined) this.#answer = ask();
    return this.#answer ?? Promise.reject(new Error('unreachable: it was asked'));
  }
}
