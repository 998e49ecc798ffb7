// KeptPieces: a copy of a body as it passes. Who sends it may send byte by byte: pieces of their own would take a hundred times what they hold.

/** Pieces of so many bytes stay as they came. */
const largeBytes = 4096;
/** A block for small ones, bytes: as much as there is already, so that no more than half of it is in vain. */
const minBlockBytes = 256;
const maxBlockBytes = 16_384;
const none = Buffer.alloc(0);

export class KeptPieces {
  readonly #full: Buffer[] = [];
  /** Filled up to `#end`. */
  #block: Buffer = none;
  #end = 0;
  bytes = 0;

  add(bytes: Buffer, start: number, end: number): void {
    const count = end - start;
    if (count === 0) return;
    if (count > this.#block.length - this.#end) {
      this.#close();
      const room = Math.min(maxBlockBytes, Math.max(minBlockBytes, this.bytes));
      // The first piece is the whole body, most often.
      const isAlone = this.bytes === 0 || count >= largeBytes;
      this.#block = Buffer.allocUnsafe(isAlone ? count : Math.max(count, room));
    }
    bytes.copy(this.#block, this.#end, start, end);
    this.#end += count;
    this.bytes += count;
  }

  #close(): void {
    if (this.#end > 0) this.#full.push(this.#block.subarray(0, this.#end));
    this.#block = none;
    this.#end = 0;
  }

  /** They are not changed any more. */
  get pieces(): readonly Buffer[] {
    return this.#end === 0 ? [...this.#full] : [...this.#full, this.#block.subarray(0, this.#end)];
  }

  clear(): void {
    this.#full.length = 0;
    this.#block = none;
    this.#end = 0;
    this.bytes = 0;
  }
}
