// Frames in: reads frames from whatever pieces the socket gave. A payload that lies in the shared read buffer as a whole is used where it
// lies; one that does not is gathered. DATA is not gathered: its bytes go on as they come.
import { flag, frameHeadBytes, framePayloadBytes, frameType } from "./constants.ts";

/** What `next` found. */
export const found = {
  /** Nothing: more bytes are needed. */
  nothing: 0,
  /** A whole frame, or a piece of a DATA frame. */
  frame: 1,
  /** A frame larger than allowed: FRAME_SIZE_ERROR. */
  tooLong: 2,
  /** A DATA frame whose padding is as long as its payload or longer: PROTOCOL_ERROR. */
  badPadding: 3,
} as const;

const noBytes: Buffer = Buffer.alloc(0);

export class FrameReader {
  // The frame that `next` found.
  type = 0;
  flags = 0;
  streamId = 0;
  /** Of the whole payload. */
  length = 0;
  /** The payload is `bytes[start..end)`; of DATA what came of its content, without padding. Valid until the next call. */
  bytes = noBytes;
  start = 0;
  end = 0;
  /** DATA: bytes that this piece takes from the windows, padding among them. */
  flowBytes = 0;
  /** DATA: bytes of content in the whole frame. */
  contentBytes = 0;
  /** DATA: the frame ends with this piece. Always true for others. */
  last = true;

  // The bytes that were fed.
  #from = noBytes;
  #at = 0;
  #limit = 0;
  /** They are a copy of this reader's own. */
  #own = false;
  /** A head or a payload that is not complete. */
  #partial = noBytes;
  #partialBytes = 0;
  #inPayload = false;
  // Of the DATA frame that is being read.
  #awaitsPadLength = false;
  #contentLeft = 0;
  #padLeft = 0;
  #flow = 0;

  /** Bytes to read: `bytes[start..end)`, which must stay until `next` has found nothing, or until `hold`. */
  feed(bytes: Buffer, start: number, end: number): void {
    if (this.#at < this.#limit) {
      this.#from = Buffer.concat([this.#from.subarray(this.#at, this.#limit), bytes.subarray(start, end)]);
      this.#at = 0;
      this.#limit = this.#from.length;
      this.#own = true;
      return;
    }
    this.#from = bytes;
    this.#own = false;
    this.#at = start;
    this.#limit = end;
  }

  /** Keeps what is not read yet, since the caller goes on another time: copied once, however many times it takes. False: everything is read. */
  hold(): boolean {
    const rest = this.#at < this.#limit;
    if (rest && this.#own) return true;
    this.#from = rest ? Buffer.from(this.#from.subarray(this.#at, this.#limit)) : noBytes;
    this.#limit -= this.#at;
    this.#at = 0;
    this.#own = rest;
    return rest;
  }

  /** Goes on with a DATA frame that was `tooLong`: it comes in pieces, as any other. */
  takeLong(): void {
    this.#inPayload = true;
    this.#beginData();
  }

  /** Reads on: one of `found`. After `badPadding`, and after `tooLong` but for `takeLong`, the connection is lost. */
  next(): number {
    if (!this.#inPayload) {
      if (!this.#readHead()) return found.nothing;
      if (this.length > framePayloadBytes) return found.tooLong;
      this.#inPayload = true;
      if (this.type === frameType.data) this.#beginData();
    }
    return this.type === frameType.data ? this.#data() : this.#payload();
  }

  #readHead(): boolean {
    let from = this.#from;
    let at = this.#at;
    const available = this.#limit - at;
    if (this.#partialBytes > 0 || available < frameHeadBytes) {
      if (available === 0) return false;
      if (this.#partial.length < frameHeadBytes) this.#partial = Buffer.allocUnsafeSlow(frameHeadBytes);
      const take = Math.min(available, frameHeadBytes - this.#partialBytes);
      from.copy(this.#partial, this.#partialBytes, at, at + take);
      this.#partialBytes += take;
      this.#at += take;
      if (this.#partialBytes < frameHeadBytes) return false;
      from = this.#partial;
      at = 0;
      this.#partialBytes = 0;
    } else {
      this.#at = at + frameHeadBytes;
    }
    this.length = (from[at]! << 16) | (from[at + 1]! << 8) | from[at + 2]!;
    this.type = from[at + 3]!;
    this.flags = from[at + 4]!;
    this.streamId = ((from[at + 5]! & 0x7f) << 24) | (from[at + 6]! << 16) | (from[at + 7]! << 8) | from[at + 8]!;
    return true;
  }

  #payload(): number {
    const available = this.#limit - this.#at;
    const needed = this.length - this.#partialBytes;
    if (this.#partialBytes === 0 && available >= needed) {
      this.bytes = this.#from;
      this.start = this.#at;
      this.#at += needed;
      this.end = this.#at;
    } else {
      if (this.#partialBytes === 0) this.#partial = Buffer.allocUnsafeSlow(this.length);
      const take = Math.min(available, needed);
      this.#from.copy(this.#partial, this.#partialBytes, this.#at, this.#at + take);
      this.#partialBytes += take;
      this.#at += take;
      if (take < needed) return found.nothing;
      this.bytes = this.#partial;
      this.start = 0;
      this.end = this.length;
      // An idle connection keeps no payload.
      this.#partial = noBytes;
      this.#partialBytes = 0;
    }
    this.last = true;
    this.#inPayload = false;
    return found.frame;
  }

  #beginData(): void {
    this.#awaitsPadLength = (this.flags & flag.padded) !== 0;
    this.#contentLeft = this.length;
    this.contentBytes = this.length;
    this.#padLeft = 0;
    this.#flow = 0;
  }

  #data(): number {
    if (this.#awaitsPadLength) {
      if (this.length === 0) return found.tooLong;
      if (this.#at >= this.#limit) return found.nothing;
      this.#padLeft = this.#from[this.#at++]!;
      if (this.#padLeft >= this.length) return found.badPadding;
      this.#awaitsPadLength = false;
      this.#contentLeft = this.length - 1 - this.#padLeft;
      this.contentBytes = this.#contentLeft;
      this.#flow = 1;
    }
    const content = Math.min(this.#contentLeft, this.#limit - this.#at);
    this.bytes = this.#from;
    this.start = this.#at;
    this.end = this.#at + content;
    this.#contentLeft -= content;
    const padding = this.#contentLeft === 0 ? Math.min(this.#padLeft, this.#limit - this.end) : 0;
    this.#padLeft -= padding;
    this.#at = this.end + padding;
    this.#flow += content + padding;
    this.last = this.#contentLeft === 0 && this.#padLeft === 0;
    if (content === 0 && !this.last) return found.nothing;
    this.flowBytes = this.#flow;
    this.#flow = 0;
    if (this.last) this.#inPayload = false;
    return found.frame;
  }
}
