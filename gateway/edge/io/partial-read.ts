// PartialRead: bytes of a connection that outlive a read: an unfinished head, or requests that were sent ahead. With the sentinel behind them.

export class PartialRead {
  bytes = empty;
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** Adds a copy of `bytes[start..end)`. */
  append(bytes: Buffer, start: number, end: number): void {
    const length = this.length;
    const needed = length + end - start;
    if (needed + 1 > this.bytes.length || this.start > 0) {
      const room = needed + 1 > this.bytes.length ? Buffer.allocUnsafe(Math.max(512, needed * 2)) : this.bytes;
      this.bytes.copy(room, 0, this.start, this.end);
      this.bytes = room;
      this.start = 0;
    }
    bytes.copy(this.bytes, length, start, end);
    this.end = needed;
    this.bytes[needed] = 0;
  }

  /** Forgets what is before `at`; everything gone frees the memory. */
  consume(at: number): void {
    this.start = at;
    if (at === this.end) this.clear();
  }

  clear(): void {
    this.bytes = empty;
    this.start = 0;
    this.end = 0;
  }
}

const empty = Buffer.alloc(1);
