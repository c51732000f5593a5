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

/** What is to be known of a link over a network. */
export interface NetworkEnd {
  /** The host of the other side. */
  readonly remote: string;
  /** Bytes that only the two ends of this very link can know (TLS): what is proven with them is proven of it. */
  readonly channelBinding: Buffer | undefined;
  /** Bytes so far, written and read. */
  readonly sent: number;
  readonly received: number;
}

export interface Link {
  /** What the other side is, for people: an address or a number. */
  readonly peer: string;
  /** Absent where both sides are on this machine for certain. */
  readonly network?: NetworkEnd | undefined;
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

export function keepAlive(link: Pick<Link, 'ref' | 'unref'>, keep: boolean): void {
  if (keep) link.ref();
  else link.unref();
}
