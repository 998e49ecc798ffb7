// Header block: HEADERS with its CONTINUATION frames put together. A block in one frame, which is nearly every one, is used where it lies.
import type { HeaderList } from "./header-list.ts";
import type { HpackDecoder } from "./hpack-decode.ts";
import { LongBlock } from "./long-block.ts";

/** The block that is being put together. */
export class HeaderBlock {
  /** Stream that it belongs to; 0: none is open. */
  streamId = 0;
  endStream = false;
  continuations = 0;
  bytes = 0;
  #parts: Buffer[] = [];
  #long: LongBlock | null = null;

  get open(): boolean {
    return this.streamId !== 0;
  }

  begin(streamId: number, endStream: boolean): void {
    this.streamId = streamId;
    this.endStream = endStream;
    this.continuations = 0;
    this.bytes = 0;
  }

  /** False: what is not kept is not HPACK. */
  add(bytes: Buffer, start: number, end: number): boolean {
    this.bytes += end - start;
    if (this.#long !== null) return this.#long.add(bytes.subarray(start, end));
    if (end > start) this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    return true;
  }

  /** It is too large to be kept: what comes of it is read for the table alone. */
  get isLong(): boolean {
    return this.#long !== null;
  }

  /** From here on it is not kept. False: what came is not HPACK. */
  skip(decoder: HpackDecoder, list: HeaderList): boolean {
    this.#long = new LongBlock(decoder, list);
    const parts = Buffer.concat(this.#parts);
    this.#parts = [];
    return this.#long.add(parts);
  }

  /** A long block has ended. False: in the middle of a field. */
  skipped(): boolean {
    const whole = this.#long!.complete;
    this.#long = null;
    this.streamId = 0;
    return whole;
  }

  /** The whole block; none is open after that. */
  take(): Buffer {
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    this.streamId = 0;
    return whole;
  }
}
