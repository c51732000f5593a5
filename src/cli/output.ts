// What a command says: on stdout what it was asked for, on stderr everything else.

/** Writes what was asked for; resolves when it is written, or when nobody reads it any more. */
export function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => {
      resolve();
    });
  });
}

/** Says something to whoever looks on. */
export function say(text: string): void {
  process.stderr.write(`referent: ${text}\n`);
}
