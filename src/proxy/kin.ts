// Processes that take code from each other: one, and those that it has spawned. Each of these was
// given a secret of its parent's; code that is proven with it is as good as the parent's own.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;
const LABEL = 'kin1';

export class Kin {
  #forChildren: Buffer | undefined;
  #ofParent: Buffer | undefined;

  /** What a spawned process is given, and no other. */
  get secret(): Buffer {
    return (this.#forChildren ??= randomBytes(SECRET_BYTES));
  }

  /** This process was spawned by one that has given it this. */
  learn(secret: Uint8Array): void {
    this.#ofParent = Buffer.from(secret);
  }

  /** That the code is from here, for whoever of the family reads it. */
  prove(code: string): string[] {
    return this.#secrets.map((secret) => proofOf(secret, code).toString('base64url'));
  }

  accepts(code: string, proofs: readonly string[]): boolean {
    return this.#secrets.some((secret) => {
      const wanted = proofOf(secret, code);
      return proofs.some((proof) => isEqual(Buffer.from(proof, 'base64url'), wanted));
    });
  }

  get #secrets(): Buffer[] {
    return [this.#forChildren, this.#ofParent].filter((secret) => secret !== undefined);
  }
}

function proofOf(secret: Buffer, code: string): Buffer {
  return createHmac('sha256', secret).update(LABEL).update(code).digest();
}

function isEqual(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
