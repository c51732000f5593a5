// A link is a pipe of bytes between two processes: what every transport gives.

/** What a link tells the one that uses it. Set once, before the first byte can arrive. */
export interface LinkListener {
  /** `chunk` is the listener's to keep. */
  data(chunk: Buffer): void;
  /** Everything that was given to `write` has left this process. */
  drain(): void;
  /** Once, last. `error` is what broke the link; absent where the other side ended it. */
  close(error?: Error): void;
}

export interface Link {
  /** What the other side is, for people: an address or a number. */
  readonly peer: string;
  /** Bytes given to `write` that have not left yet. */
  readonly buffered: number;
  listen(listener: LinkListener): void;
  /** Takes `bytes`: they must not change until the link has drained. */
  write(bytes: Buffer): void;
  /** Sends what was written, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(error?: Error): void;
  /** Whether the link keeps the process alive. */
  ref(): void;
  unref(): void;
}
