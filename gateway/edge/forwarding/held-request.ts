// A request that is kept: nobody takes it yet, or it may have to be sent again.
import { slabBytes, type HeldMemory } from "../io/held-memory.ts";
import { copyOfFields } from "../fields/field-copy.ts";
import type { FieldList } from "../fields/fields.ts";
import type { RequestFraming } from "../fields/framing.ts";
import type { UpstreamRequest } from "../upstream/upstream-request.ts";

/** Kept in its exchange and filled anew. A small request stands in one slab, a longer one in several: keeping it costs copies, and no garbage. */
export class HeldRequest {
  readonly #memory: HeldMemory;
  readonly #mostBodyBytes: number;
  /** Head and the first bytes of the body; null: nothing is kept. */
  #slab: Buffer | null = null;
  #slabEnd = 0;
  /** Where the head stands: the slab, or bytes of its own. */
  #head: Buffer | null = null;
  #headLength = 0;
  #framing: RequestFraming = "none";
  #contentLength = -1;
  /** Slabs with later bytes of the body, the last one filled up to `#lastEnd`. */
  readonly #more: Buffer[] = [];
  #lastEnd = slabBytes;
  /** Of a head that fits in no slab. */
  #headBytes = 0;
  #trailers: FieldList | null = null;
  #complete = false;
  /** Bytes of the body that are kept. */
  bodyBytes = 0;
  /** Why it is not kept for another try; "" where it is. */
  reasonNot = "";

  constructor(memory: HeldMemory, mostBodyBytes: number) {
    this.#memory = memory;
    this.#mostBodyBytes = mostBodyBytes;
  }

  /** May one be kept for another try whose body has so many bytes, or more? */
  mayKeep(bodyBytes: number): boolean {
    if (bodyBytes > this.#mostBodyBytes)
      this.reasonNot = `its body is longer than ${this.#mostBodyBytes} bytes (--retry-body-bytes)`;
    else
      this.reasonNot = this.#memory.hasRoom(slabBytes)
        ? ""
        : "too much is held for other retries (--retry-total-bytes)";
    return this.reasonNot === "";
  }

  /** Keeps it no longer, and this is why. */
  letGo(reason: string): void {
    if (this.#slab === null) return;
    this.clear();
    this.reasonNot = reason;
  }

  /** A head is kept. */
  get begun(): boolean {
    return this.#slab !== null;
  }

  /** Keeps a copy of a head, as `encodeHead` made it: `bytes[0..length)`. */
  head(bytes: Buffer, length: number, framing: RequestFraming, contentLength: number): void {
    const slab = this.#memory.takeSlab(length <= slabBytes ? length : 0);
    this.#slab = slab;
    this.#headLength = length;
    this.#framing = framing;
    this.#contentLength = contentLength;
    if (length <= slabBytes) {
      bytes.copy(slab, 0, 0, length);
      this.#head = slab;
      this.#slabEnd = length;
    } else {
      this.#head = Buffer.from(bytes.subarray(0, length));
      this.#slabEnd = 0;
      this.#headBytes = length;
      this.#memory.hold(length);
    }
  }

  body(bytes: Buffer, start: number, end: number): void {
    const count = end - start;
    this.bodyBytes += count;
    if (this.#more.length === 0 && this.#slabEnd + count <= slabBytes) {
      bytes.copy(this.#slabFor(this.#slabEnd + count), this.#slabEnd, start, end);
      this.#slabEnd += count;
      return;
    }
    while (start < end) {
      if (this.#lastEnd === slabBytes) {
        this.#more.push(this.#memory.takeSlab(slabBytes));
        this.#lastEnd = 0;
      }
      const taken = Math.min(end - start, slabBytes - this.#lastEnd);
      bytes.copy(this.#more.at(-1)!, this.#lastEnd, start, start + taken);
      this.#lastEnd += taken;
      start += taken;
    }
  }

  /** The slab, a larger one where it is too small for so many bytes. */
  #slabFor(length: number): Buffer {
    const slab = this.#slab!;
    if (length <= slab.length) return slab;
    const larger = this.#memory.takeSlab(length);
    slab.copy(larger, 0, 0, this.#slabEnd);
    if (this.#head === slab) this.#head = larger;
    this.#slab = larger;
    this.#memory.putSlab(slab);
    return larger;
  }

  end(trailers: FieldList | null): void {
    this.#complete = true;
    this.#trailers = trailers === null ? null : copyOfFields(trailers);
  }

  /** Sends what there is of it. */
  sendTo(request: UpstreamRequest): void {
    const slab = this.#slab!;
    request.head(this.#head!, this.#headLength, this.#framing, this.#contentLength);
    const bodyStart = this.#head === slab ? this.#headLength : 0;
    if (this.#slabEnd > bodyStart) request.body(slab, bodyStart, this.#slabEnd);
    // It copies what it keeps: a slab is used again for other requests.
    for (const [index, one] of this.#more.entries())
      request.body(one, 0, index === this.#more.length - 1 ? this.#lastEnd : slabBytes);
    if (this.#complete) request.end(this.#trailers);
    request.flush();
  }

  clear(): void {
    if (this.#slab === null) return;
    this.#memory.putSlab(this.#slab);
    this.#slab = null;
    this.#head = null;
    this.#trailers = null;
    this.#complete = false;
    this.bodyBytes = 0;
    if (this.#headBytes > 0) {
      this.#memory.hold(-this.#headBytes);
      this.#headBytes = 0;
    }
    if (this.#more.length === 0) return;
    for (const one of this.#more) this.#memory.putSlab(one);
    this.#more.length = 0;
    this.#lastEnd = slabBytes;
  }
}
