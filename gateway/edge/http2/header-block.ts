// Header block: HEADERS with its CONTINUATION frames put together. A block in one frame, which is nearly every one, is used where it lies.

/** The block that is being put together. */
export class HeaderBlock {
  /** Stream that it belongs to; 0: none is open. */
  streamId = 0;
  endStream = false;
  continuations = 0;
  bytes = 0;
  #parts: Buffer[] = [];

  get open(): boolean {
    return this.streamId !== 0;
  }

  begin(streamId: number, endStream: boolean): void {
    this.streamId = streamId;
    this.endStream = endStream;
    this.continuations = 0;
    this.bytes = 0;
  }

  add(bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
  }

  /** The whole block; none is open after that. */
  take(): Buffer {
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    this.streamId = 0;
    return whole;
  }
}
