// What a process prints, cut into lines. The cut is made in the bytes, so that a character which comes
// in two chunks stays one; and a line without end takes no memory without end.

const NEWLINE = 0x0a;
const LINE_BYTES = 16 * 1024;

export class Lines {
  readonly #give: (line: string) => void;
  /** The beginning of a line whose end has not come. */
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Of the same line, bytes that were too many. */
  #cut = 0;

  constructor(give: (line: string) => void) {
    this.#give = give;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      this.#giveLine();
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  /** Nothing more comes: a line without its end is one too. */
  end(): void {
    if (this.#bytes > 0) this.#giveLine();
  }

  #keep(bytes: Buffer): void {
    const kept = bytes.subarray(0, LINE_BYTES - this.#bytes);
    this.#cut += bytes.length - kept.length;
    this.#bytes += kept.length;
    if (kept.length > 0) this.#parts.push(kept);
  }

  #giveLine(): void {
    const text = Buffer.concat(this.#parts, this.#bytes).toString().replace(/\r$/, '');
    const line = this.#cut === 0 ? text : `${text} … (${String(this.#cut)} more bytes)`;
    this.#parts = [];
    this.#bytes = 0;
    this.#cut = 0;
    this.#give(line);
  }
}
