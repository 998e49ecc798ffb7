// VerifiedTokens: tokens that were verified once, by their bytes, until they end. A hit makes no string and asks no cryptography, which is safe
// because every byte is compared.

interface Kept<T> {
  readonly bytes: Buffer;
  readonly endMs: number;
  readonly value: T;
}

/** What is known for sure, used last as it was; at most twice as much is kept. */
export interface TokenBounds {
  readonly tokens: number;
  readonly bytes: number;
}

/** The end of a token is its signature: so many bytes of it are as good as all of it. */
const hashedBytes = 24;

export class VerifiedTokens<T> {
  readonly #bounds: TokenBounds;
  // Two generations: what is used moves to the young one, and what was not used since the last change of generations goes.
  #young = new Map<number, Kept<T>>();
  #old = new Map<number, Kept<T>>();
  #youngBytes = 0;

  constructor(bounds: TokenBounds) {
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#young.size + this.#old.size;
  }

  /** What was kept with the token `bytes[start..end)`; null: it is not known, or has ended at `nowMs`. */
  find(bytes: Uint8Array, start: number, end: number, nowMs: number): T | null {
    const hash = hashOf(bytes, start, end);
    let kept = this.#young.get(hash);
    if (kept === undefined) {
      kept = this.#old.get(hash);
      if (kept === undefined || !isSame(kept.bytes, bytes, start, end)) return null;
      this.#old.delete(hash);
      if (nowMs < kept.endMs) this.#put(hash, kept);
    } else if (!isSame(kept.bytes, bytes, start, end)) {
      return null;
    }
    return nowMs < kept.endMs ? kept.value : null;
  }

  /** Keeps a token until `endMs`. Of two with one hash the later stays. */
  keep(bytes: Uint8Array, start: number, end: number, endMs: number, value: T): void {
    this.#put(hashOf(bytes, start, end), { bytes: Buffer.from(bytes.subarray(start, end)), endMs, value });
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
  }

  #put(hash: number, kept: Kept<T>): void {
    if (this.#young.size >= this.#bounds.tokens || this.#youngBytes + kept.bytes.length > this.#bounds.bytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#youngBytes += kept.bytes.length - (this.#young.get(hash)?.bytes.length ?? 0);
    this.#young.set(hash, kept);
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = Math.max(start, end - hashedBytes); at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash;
}

/** A hit is said by every byte. Native above some dozens of bytes, which every token has. */
function isSame(kept: Buffer, bytes: Uint8Array, start: number, end: number): boolean {
  return kept.length === end - start && kept.compare(bytes, start, end) === 0;
}
