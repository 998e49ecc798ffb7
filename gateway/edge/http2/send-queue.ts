// Send queue: copies of bytes that wait for a window. Small pieces share a chunk, so a byte costs a byte however it came.

const chunkBytes = 4096;

export class SendQueue {
  bytes = 0;
  readonly #chunks: Buffer[] = [];
  /** Where the first chunk begins and the last ends. */
  #start = 0;
  #end = 0;

  append(bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    const last = this.#chunks.at(-1);
    if (last !== undefined && this.#end < last.length) {
      const count = Math.min(end - start, last.length - this.#end);
      bytes.copy(last, this.#end, start, start + count);
      this.#end += count;
      start += count;
    }
    if (start === end) return;
    const chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes, end - start));
    bytes.copy(chunk, 0, start, end);
    this.#chunks.push(chunk);
    this.#end = end - start;
  }

  /** The chunk at the front, and what of it is queued. */
  get front(): Buffer {
    return this.#chunks[0]!;
  }

  get frontStart(): number {
    return this.#start;
  }

  get frontEnd(): number {
    return this.#chunks.length === 1 ? this.#end : this.#chunks[0]!.length;
  }

  /** Takes bytes away from the front chunk. */
  consume(count: number): void {
    this.bytes -= count;
    this.#start += count;
    if (this.#start < this.frontEnd) return;
    this.#chunks.shift();
    this.#start = 0;
  }

  clear(): void {
    if (this.bytes === 0) return;
    this.bytes = 0;
    this.#chunks.length = 0;
    this.#start = 0;
    this.#end = 0;
  }
}
