// The one out buffer of a worker: what a callback wants to send is put together here and leaves in one write.

/** Where bytes go. It keeps a copy of what does not leave at once: when a call returns, the caller's memory is the caller's again. */
export interface Sink {
  write(bytes: Buffer): void;
  /** Sends `first`, which may be empty, and `second` behind it, in one write. */
  writeBoth(first: Buffer, second: Buffer): void;
}

const roomBytes = 72 * 1024;
/** From here on a body is sent from where it was read: below, the copy costs less than a write of two pieces (1 µs). */
const leastPassedBytes = 32 * 1024;
/** Below this a loop is faster than Buffer.copy, which costs 40 ns whatever the length (load/bench). */
const loopBytes = 28;

/** Views from this length on are not kept. */
const mostViewBytes = 2048;

export class OutBuffer {
  bytes: Buffer;
  length = 0;
  #sink: Sink | null = null;
  /** Views of the first bytes, by length: heads have few lengths, and a view costs more to make than to find. */
  readonly #views = Array.from<Buffer | undefined>({ length: mostViewBytes });
  /** Bytes that have left, ever. */
  #leftBytes = 0;

  /** Bytes that it begins with, and goes back to after a head that needed more. */
  readonly #room: number;

  constructor(room = roomBytes) {
    this.#room = room;
    this.bytes = Buffer.allocUnsafeSlow(room);
  }

  /** What follows is for `sink`. What was put for another sink leaves first: one read of HTTP/2 may hold parts of many requests. */
  open(sink: Sink): void {
    if (this.length > 0 && this.#sink !== sink) this.flush();
    this.#sink = sink;
  }

  /** It is empty, and lets go of its sink: a buffer that waits for another connection must not hold one that is gone. */
  close(): void {
    this.#sink = null;
  }

  /** Sends what was put. */
  flush(): void {
    if (this.length === 0) return;
    const view = this.view();
    this.#leftBytes += this.length;
    this.length = 0;
    if (this.#sink === null) throw new Error("out buffer flushed before it was opened");
    this.#sink.write(view);
    if (this.bytes.length > this.#room && this.length === 0) this.#shrink();
  }

  #shrink(): void {
    this.bytes = Buffer.allocUnsafeSlow(this.#room);
    this.#views.fill(undefined);
  }

  /** What was put. Valid until more is put. */
  view(): Buffer {
    const { length } = this;
    if (length >= mostViewBytes) return this.bytes.subarray(0, length);
    return (this.#views[length] ??= this.bytes.subarray(0, length));
  }

  /** Forgets what was put for `sink` and not flushed: it is abandoned. */
  dropFor(sink: Sink): void {
    if (this.#sink === sink) this.length = 0;
  }

  /** Where the next byte goes, among all that ever left: what `takeBack` takes. */
  get position(): number {
    return this.#leftBytes + this.length;
  }

  /** Forgets what was put for `sink` from `position` on. False: some of it may have left. */
  takeBack(sink: Sink, position: number): boolean {
    if (this.#sink !== sink || position < this.#leftBytes) return false;
    this.length = Math.min(this.length, position - this.#leftBytes);
    return true;
  }

  /** Forgets what was put and not flushed. */
  drop(): void {
    this.length = 0;
    if (this.bytes.length > this.#room) this.#shrink();
  }

  /** Makes room for `count` bytes: by a flush, or, where there is no sink, by growing. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    if (this.#sink !== null) this.flush();
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((this.length + count) * 2);
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
    this.#views.fill(undefined);
  }

  /** Puts `source[start..end)`. */
  put(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.append(source, start, end);
  }

  /** As `put`; what is long leaves at once, behind what was put before, and is not copied. */
  pass(source: Buffer, start: number, end: number): void {
    if (end - start < leastPassedBytes || this.#sink === null) {
      this.put(source, start, end);
      return;
    }
    const before = this.view();
    this.#leftBytes += this.length + end - start;
    this.length = 0;
    this.#sink.writeBoth(before, source.subarray(start, end));
  }

  putAll(source: Uint8Array): void {
    this.reserve(source.length);
    this.append(source, 0, source.length);
  }

  /** As `put`, where room was reserved for all of a head at once. */
  append(source: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let { length } = this;
    if (end - start < loopBytes) {
      while (start < end) bytes[length++] = source[start++]!;
      this.length = length;
    } else {
      (source as Buffer).copy(bytes, length, start, end);
      this.length = length + end - start;
    }
  }

  /** Puts ASCII text. */
  putText(text: string): void {
    this.reserve(text.length);
    const { bytes } = this;
    let { length } = this;
    for (let i = 0; i < text.length; i++) bytes[length++] = text.charCodeAt(i);
    this.length = length;
  }

  /** Puts a whole number, 0 or more, in decimal. */
  putNumber(value: number): void {
    this.reserve(16);
    const { bytes } = this;
    let digits = 1;
    for (let power = 10; value >= power; power *= 10) digits++;
    let at = this.length + digits;
    this.length = at;
    do {
      const rest = Math.floor(value / 10);
      bytes[--at] = 0x30 + value - rest * 10;
      value = rest;
    } while (--digits > 0);
  }

  /** Puts a whole number, 1 or more, in hexadecimal. */
  putHex(value: number): void {
    this.reserve(8);
    let shift = 28;
    while (shift > 0 && value >>> shift === 0) shift -= 4;
    for (; shift >= 0; shift -= 4) {
      const digit = (value >>> shift) & 15;
      this.bytes[this.length++] = digit < 10 ? 0x30 + digit : 0x57 + digit;
    }
  }
}
