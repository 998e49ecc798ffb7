// PiecedText: a large text in pieces of memory that V8 does not look after. As one Buffer a text of 37 MB made the control thread collect all its
// garbage at each scrape (14 to 34 ms in one go, and marking on other threads beside it), and stayed until then; pieces are given back at once.

export const pieceBytes = 131_072;

export class PiecedText {
  readonly #full: Buffer[] = [];
  #last = Buffer.from(new ArrayBuffer(pieceBytes));
  #used = 0;

  write(text: string): void {
    // At most three bytes a character.
    if (text.length * 3 > pieceBytes - this.#used && Buffer.byteLength(text) > pieceBytes - this.#used) return this.#writeOver(Buffer.from(text));
    this.#used += this.#last.write(text, this.#used);
  }

  get byteLength(): number {
    return this.#full.length * pieceBytes + this.#used;
  }

  /** Gone with `free`. */
  *pieces(): Iterable<Buffer> {
    yield* this.#full;
    if (this.#used > 0) yield this.#last.subarray(0, this.#used);
  }

  /** Nobody reads it any more. */
  free(): void {
    // What is transferred to nothing is free at once.
    for (const { buffer } of [...this.#full, this.#last]) if (buffer instanceof ArrayBuffer) buffer.transfer(0);
    this.#full.length = 0;
    this.#used = 0;
  }

  /** Over the end of a piece. */
  #writeOver(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; ) {
      if (this.#used === pieceBytes) {
        this.#full.push(this.#last);
        this.#last = Buffer.from(new ArrayBuffer(pieceBytes));
        this.#used = 0;
      }
      const count = bytes.copy(this.#last, this.#used, from);
      this.#used += count;
      from += count;
    }
  }
}
