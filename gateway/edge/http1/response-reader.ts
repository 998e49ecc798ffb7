// Reads the responses of one HTTP/1.1 upstream connection, strictly: head, body by any framing, trailers; or what comes through a tunnel.
import type { EdgeLimits } from "../../options/limits.ts";
import { PartialRead } from "../io/partial-read.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { GrowingLines } from "./growing-lines.ts";
import { fieldRoom, more, readFields } from "../fields/fields.ts";
import { badResponse, readResponseHead, type ResponseHead } from "../message/response-head.ts";
import type { MessageTaker } from "../message/message-taker.ts";
import { mostTrailerBytes, type Trailers } from "./trailers.ts";
import { confirmsUpgrade } from "./upgrade.ts";

/** Who is told what a response holds. */
export interface ResponseTaker extends Pick<MessageTaker<[head: ResponseHead], []>, "head" | "body" | "end"> {
  /** The request was HEAD: its response has no body. */
  readonly isHead: boolean;
  /** A 1xx response, never 100 or 101. */
  informational(head: ResponseHead): void;
  /** A 101 to a request that asked for it: bytes pass as they are, both ways, until the end of the connection. */
  upgraded(head: ResponseHead): void;
}

/** What is filled anew for each response. */
export interface ResponseRoom {
  readonly responseHead: ResponseHead;
  readonly trailers: Trailers;
}

/** Whose responses are read. */
export interface ResponseOwner {
  /** Whom to tell; another one, or null, once the connection was let go. */
  readonly user: ResponseTaker | null;
  /** The request asked for a tunnel. */
  readonly upgrades: boolean;
  /** A final head has come, or the 101 that opens a tunnel; its user is told next. */
  answered(head: ResponseHead): void;
}

/** What is read next. `over`: nothing, the response is complete. */
type Phase = "head" | "length" | "chunked" | "trailers" | "until-close" | "tunnel" | "over";

/** What became of a read. `left`: the user let the connection go. */
type Outcome = "reading" | "over" | "surplus" | "malformed" | "left";

/** 1xx responses before one final response; more are a flood. */
const mostInformational = 16;

export class ResponseReader {
  readonly #room: ResponseRoom;
  readonly #limits: EdgeLimits;
  readonly #owner: ResponseOwner;
  readonly #partial = new PartialRead();
  readonly #lines = new GrowingLines();
  readonly #decoder = new ChunkedDecoder();
  #phase: Phase = "head";
  #remaining = 0;
  #informational = 0;

  constructor(room: ResponseRoom, limits: EdgeLimits, owner: ResponseOwner) {
    this.#room = room;
    this.#limits = limits;
    this.#owner = owner;
  }

  /** The next response is awaited. */
  begin(): void {
    this.#phase = "head";
    this.#informational = 0;
  }

  get awaitsHead(): boolean {
    return this.#phase === "head";
  }

  get over(): boolean {
    return this.#phase === "over";
  }

  /** The end of the connection is the end of the response. */
  get endsWithConnection(): boolean {
    return this.#phase === "until-close" || this.#phase === "tunnel";
  }

  /** That end has come. */
  end(user: ResponseTaker): void {
    this.#endBody(user);
  }

  clear(): void {
    this.#partial.clear();
  }

  /** Tells the user what is in the bytes of the socket, but not to flush it. `surplus`: the response is over before they are. */
  received(user: ResponseTaker, bytes: Buffer, start: number, end: number): Outcome {
    const partial = this.#partial;
    if (partial.length === 0) return this.#read(user, bytes, start, end);
    partial.append(bytes, start, end);
    return this.#isDue() ? this.#read(user, partial.bytes, partial.start, partial.end) : "reading";
  }

  /** A part of a head or of a trailer section has grown: is it to be read again? */
  #isDue(): boolean {
    const { bytes, start, end } = this.#partial;
    const { headBytes, headFields } = this.#limits;
    switch (this.#phase) {
      case "head":
        return this.#lines.isDue(this.#room.responseHead, bytes, start, end, headBytes, headBytes, fieldRoom);
      case "trailers":
        return this.#lines.isDue(this.#room.trailers, bytes, start, end, 0, mostTrailerBytes, headFields);
      default:
        return true;
    }
  }

  #read(user: ResponseTaker, bytes: Buffer, start: number, end: number): Outcome {
    let at = start;
    while (at < end && this.#phase !== "over") {
      const phase = this.#phase;
      const next = this.#step(user, bytes, at, end);
      if (this.#owner.user !== user) return "left";
      if (next === more) {
        this.#keep(bytes, at, end);
        return "reading";
      }
      if (next < 0) return "malformed";
      if (next === at && this.#phase === phase) throw new Error(`no progress while reading: ${phase}`);
      at = next;
    }
    this.#partial.clear();
    if (this.#phase !== "over") return "reading";
    return at < end ? "surplus" : "over";
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    if (bytes !== this.#partial.bytes || at !== this.#partial.start) this.#lines.begin();
    if (bytes === this.#partial.bytes) this.#partial.consume(at);
    else this.#partial.append(bytes, at, end);
  }

  /** Reads one part; returns where it ends, or a negative code. */
  #step(user: ResponseTaker, bytes: Buffer, at: number, end: number): number {
    switch (this.#phase) {
      case "head":
        return this.#readHead(user, bytes, at, end);
      case "length": {
        const stop = Math.min(end, at + this.#remaining);
        this.#remaining -= stop - at;
        user.body(bytes, at, stop);
        if (this.#remaining === 0) this.#endBody(user);
        return stop;
      }
      case "chunked": {
        const decoder = this.#decoder;
        const stop = decoder.step(bytes, at, end);
        if (decoder.malformed) return badResponse;
        if (decoder.runEnd > decoder.runStart) user.body(bytes, decoder.runStart, decoder.runEnd);
        if (decoder.atTrailers) this.#phase = "trailers";
        return stop;
      }
      case "trailers":
        return this.#readTrailers(user, bytes, at, end);
      case "until-close":
      case "tunnel":
        user.body(bytes, at, end);
        return end;
      case "over":
        throw new Error("bytes behind a response");
    }
  }

  #readHead(user: ResponseTaker, bytes: Buffer, at: number, end: number): number {
    const head = this.#room.responseHead;
    const after = readResponseHead(head, bytes, at, end, user.isHead, this.#limits.headBytes);
    if (after < 0) return after;
    if (head.status < 200) {
      if (head.status === 101) return this.#openTunnel(user, head) ? after : badResponse;
      if (++this.#informational > mostInformational) return badResponse;
      // 100 is ours to say.
      if (head.status !== 100) user.informational(head);
      return after;
    }
    const { framing } = head;
    this.#remaining = head.contentLength;
    this.#owner.answered(head);
    user.head(head);
    if (this.#owner.user !== user) return after;
    if (framing === "none" || (framing === "length" && this.#remaining === 0)) this.#endBody(user);
    else this.#phase = framing;
    if (framing === "chunked") this.#decoder.reset();
    return after;
  }

  /** False: nobody asked for another protocol, or not for this one. */
  #openTunnel(user: ResponseTaker, head: ResponseHead): boolean {
    if (!this.#owner.upgrades || !confirmsUpgrade(head)) return false;
    this.#phase = "tunnel";
    this.#owner.answered(head);
    user.upgraded(head);
    return true;
  }

  #readTrailers(user: ResponseTaker, bytes: Buffer, at: number, end: number): number {
    const { trailers } = this.#room;
    const after = readFields(trailers, bytes, at, end, this.#limits.headFields);
    if (after === more) return end - at >= mostTrailerBytes ? badResponse : more;
    if (after < 0 || after - at > mostTrailerBytes) return badResponse;
    this.#phase = "over";
    user.end(trailers);
    return after;
  }

  #endBody(user: ResponseTaker): void {
    this.#phase = "over";
    user.end(null);
  }
}
