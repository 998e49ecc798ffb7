// Reads the requests of one client connection, strictly and in order: head, body by either framing, trailers. One request at a time: what is
// sent ahead waits.
import type { EdgeLimits } from "../../options/limits.ts";
import { PartialRead } from "../io/partial-read.ts";
import { failures, type Failure } from "../../failures.ts";
import { cr, lf } from "../fields/characters.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { GrowingLines } from "./growing-lines.ts";
import { more, readFields, type FieldList } from "../fields/fields.ts";
import type { MessageTaker } from "../message/message-taker.ts";
import { readRequestHead, type WireRequestHead } from "../message/request-head.ts";
import { mostTrailerBytes, type Trailers } from "./trailers.ts";

/** What is filled anew for each request: callbacks do not nest, so one of each serves a worker. */
export interface RequestRoom {
  readonly requestHead: WireRequestHead;
  readonly trailers: Trailers;
}

/** Whom a reader tells. `hasBody`: a body follows. `last`: nothing of it came in this read. `end` follows only where there is a body. */
export interface RequestTaker extends MessageTaker<
  [head: WireRequestHead, hasBody: boolean, last: boolean],
  [failure: Failure]
> {
  /** What came is no request; `head` holds what could be read of it. */
  refuse(failure: Failure, head: WireRequestHead): void;
  /** The whole read is used and the next head is awaited, or a part of it. */
  awaitsHead(): void;
  /** Enough was sent ahead: read no more for now. */
  sentEnough(): void;
}

/** What is read next. `tunnel`: bytes as they are. `complete`: nothing, until `next`. `stopped`: nothing more. */
type Phase = "head" | "length" | "chunked" | "trailers" | "tunnel" | "complete" | "stopped";

/** Bytes of requests sent ahead at which reading stops. */
const mostAheadBytes = 16 * 1024;

export class RequestReader {
  readonly #room: RequestRoom;
  readonly #limits: EdgeLimits;
  readonly #taker: RequestTaker;
  readonly #partial = new PartialRead();
  readonly #lines = new GrowingLines();
  /** Blank lines in what was sent ahead, and where they are looked for next. */
  #blankLines = 0;
  #aheadSeen = 0;
  /** Made for the first chunked body: an idle connection has none. */
  #decoder: ChunkedDecoder | null = null;
  #phase: Phase = "head";
  /** `#consume` is on the stack. */
  #consuming = false;
  /** The next head waits although there may be bytes of it. */
  #held = false;
  #remaining = 0;

  constructor(room: RequestRoom, limits: EdgeLimits, taker: RequestTaker) {
    this.#room = room;
    this.#limits = limits;
    this.#taker = taker;
  }

  /** The next thing to come is a head. */
  get awaitingHead(): boolean {
    return this.#phase === "head";
  }

  /** Bytes are here that are not read yet: a part of a head, or requests sent ahead. */
  get carries(): boolean {
    return this.#partial.length > 0;
  }

  /** The request is read to its end. */
  get complete(): boolean {
    return this.#phase === "complete";
  }

  /** Bytes of the body that are still to come, where that is known; else Infinity. */
  get bytesLeft(): number {
    return this.#phase === "length" ? this.#remaining : Infinity;
  }

  received(bytes: Buffer, start: number, end: number): void {
    const partial = this.#partial;
    if (this.#phase === "complete" || this.#held) {
      this.#sentAhead(bytes, start, end);
    } else if (partial.length === 0) {
      this.#consume(bytes, start, end);
    } else {
      partial.append(bytes, start, end);
      if (this.#isDue()) this.#consume(partial.bytes, partial.start, partial.end);
    }
  }

  /** A part of a head or of a trailer section has grown: is it to be read again? */
  #isDue(): boolean {
    const { bytes, start, end } = this.#partial;
    const { requestLineBytes, headBytes, headFields } = this.#limits;
    switch (this.#phase) {
      case "head":
        return this.#lines.isDue(
          this.#room.requestHead,
          bytes,
          start,
          end,
          requestLineBytes + 1,
          headBytes,
          headFields,
        );
      case "trailers":
        return this.#lines.isDue(this.#room.trailers, bytes, start, end, 0, mostTrailerBytes, headFields);
      default:
        return true;
    }
  }

  /** The request was answered: the next may be read. `held`: but not before `release`. */
  next(held: boolean): void {
    this.#phase = "head";
    this.#held = held;
    if (!held) this.#goOn();
  }

  release(): void {
    this.#held = false;
    this.#goOn();
  }

  /** From here on everything is the body of the request that was complete, also what was sent ahead. */
  openTunnel(): void {
    this.#phase = "tunnel";
    if (this.#partial.length > 0) this.#consume(this.#partial.bytes, this.#partial.start, this.#partial.end);
  }

  /** Reads no more. */
  stop(): void {
    this.#phase = "stopped";
    this.#partial.clear();
  }

  #goOn(): void {
    if (this.#consuming) return;
    if (this.#partial.length > 0) this.#consume(this.#partial.bytes, this.#partial.start, this.#partial.end);
    else this.#taker.awaitsHead();
  }

  /** Requests sent before this one was answered wait, and reading stops when there are enough of them. */
  #sentAhead(bytes: Buffer, start: number, end: number): void {
    const partial = this.#partial;
    partial.append(bytes, start, end);
    const come = partial.bytes.subarray(partial.start, partial.end);
    // Only in what has come since; a blank line may have begun before that.
    for (let at = come.indexOf(blankLine, this.#aheadSeen); at >= 0; at = come.indexOf(blankLine, this.#aheadSeen)) {
      this.#blankLines += 1;
      this.#aheadSeen = at + blankLine.length;
    }
    this.#aheadSeen = Math.max(this.#aheadSeen, come.length - blankLine.length + 1);
    if (partial.length >= mostAheadBytes || this.#blankLines >= this.#limits.pipelinedRequests)
      this.#taker.sentEnough();
  }

  #consume(bytes: Buffer, start: number, end: number): void {
    this.#consuming = true;
    let at = start;
    let starved = false;
    do {
      while (at < end && !starved && this.#isReading) {
        const phase = this.#phase;
        const next = this.#step(bytes, at, end);
        if (next === more) starved = true;
        // Whoever was told of a fault and reads on all the same would be told for ever.
        else if (next === at && this.#phase === phase) throw new Error(`no progress while reading: ${phase}`);
        else at = next;
      }
      // An exchange that ends here leaves room for the next request in the same bytes.
      this.#taker.flush();
    } while (at < end && !starved && this.#phase === "head" && !this.#held);
    this.#consuming = false;
    this.#keep(bytes, at, end);
    if (this.#phase === "head" && !this.#held) this.#taker.awaitsHead();
  }

  get #isReading(): boolean {
    return this.#phase !== "complete" && this.#phase !== "stopped" && !this.#held;
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    if (bytes !== this.#partial.bytes || at !== this.#partial.start) this.#begin();
    if (this.#phase === "stopped") this.#partial.clear();
    else if (bytes === this.#partial.bytes) this.#partial.consume(at);
    else if (at < end) this.#partial.append(bytes, at, end);
  }

  /** What is kept from here on begins with another part. */
  #begin(): void {
    this.#lines.begin();
    this.#blankLines = 0;
    this.#aheadSeen = 0;
  }

  /** Reads one part; returns where it ends, or `more`. */
  #step(bytes: Buffer, at: number, end: number): number {
    switch (this.#phase) {
      case "head":
        return this.#readHead(bytes, at, end);
      case "length": {
        const stop = Math.min(end, at + this.#remaining);
        this.#remaining -= stop - at;
        this.#taker.body(bytes, at, stop);
        if (this.#remaining === 0 && this.#isReading) this.#endRequest(null);
        return stop;
      }
      case "chunked": {
        const decoder = this.#decoder!;
        const stop = decoder.step(bytes, at, end);
        if (decoder.runEnd > decoder.runStart) this.#taker.body(bytes, decoder.runStart, decoder.runEnd);
        if (decoder.malformed) this.#taker.abort(failures.malformedBody);
        else if (decoder.atTrailers && this.#isReading) this.#phase = "trailers";
        return stop;
      }
      case "tunnel":
        this.#taker.body(bytes, at, end);
        return end;
      case "trailers": {
        const { trailers } = this.#room;
        const after = readFields(trailers, bytes, at, end, this.#limits.headFields);
        // The same limit however the bytes were split.
        if (after >= 0 && after - at <= mostTrailerBytes) this.#endRequest(trailers);
        else if (after === more && end - at < mostTrailerBytes) return more;
        else this.#taker.abort(failures.malformedBody);
        return after < 0 ? end : after;
      }
      default:
        throw new Error(`bytes in phase ${this.#phase}`);
    }
  }

  #readHead(bytes: Buffer, at: number, end: number): number {
    // One empty line before a request is passed over (RFC 9112 §2.2).
    let start = at;
    if (bytes[at] === cr) {
      if (at + 1 === end) return more;
      if (bytes[at + 1] === lf) start = at + 2;
      if (start === end) return more;
    }
    const head = this.#room.requestHead;
    const after = readRequestHead(head, bytes, start, end, this.#limits);
    if (after === more) return more;
    if (after < 0) {
      this.#taker.refuse(head.fault, head);
      return end;
    }
    this.#remaining = Math.max(0, head.contentLength);
    const chunked = head.framing === "chunked";
    const hasBody = chunked || this.#remaining > 0;
    if (chunked) (this.#decoder ??= new ChunkedDecoder()).reset();
    this.#phase = chunked ? "chunked" : hasBody ? "length" : "complete";
    this.#taker.head(head, hasBody, after === end);
    return after;
  }

  #endRequest(trailers: FieldList | null): void {
    this.#phase = "complete";
    this.#taker.end(trailers);
  }
}

const blankLine = Buffer.from("\r\n\r\n");
