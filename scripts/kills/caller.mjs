// A class in the manager that keeps a function of a client, and calls it for whoever asks.

export class Caller {
  #kept;

  keep(fn) {
    this.#kept = fn;
  }

  async run() {
    await this.#kept();
  }
}
