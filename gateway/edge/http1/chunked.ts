// Chunked bodies (RFC 9112 §7.1): a strict decoder, and the framing of ours. A client's framing is never passed on.
import type { OutBuffer } from "../io/out-buffer.ts";
import { cr, hexValue, isValue, lf, semicolon } from "../fields/characters.ts";

/** Bytes of extensions that one chunk and one body may have: they mean nothing to anyone here. */
const mostExtensionBytes = 256;
const mostExtensionTotal = 16 * 1024;

const state = { size: 0, extension: 1, sizeLf: 2, body: 3, bodyCr: 4, bodyLf: 5, trailers: 6, bad: 7 } as const;
type State = (typeof state)[keyof typeof state];

/** Decodes one body. Kept in its connection and reset for each body. */
export class ChunkedDecoder {
  /** Decoded bytes that the last `step` found: `bytes[runStart..runEnd)`. */
  runStart = 0;
  runEnd = 0;
  #state: State = state.size;
  /** Bytes of the chunk that are still to come. */
  #remaining = 0;
  #digits = 0;
  #extensionBytes = 0;
  #extensionTotal = 0;

  reset(): void {
    this.#state = state.size;
    this.#remaining = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#extensionTotal = 0;
  }

  /** The last chunk was read: the trailer section begins where the last `step` ended. */
  get atTrailers(): boolean {
    return this.#state === state.trailers;
  }

  get malformed(): boolean {
    return this.#state === state.bad;
  }

  /** Reads on from `at` until a run of body bytes, the trailer section, a fault or the end; returns where it stopped. */
  step(bytes: Uint8Array, at: number, end: number): number {
    this.runStart = 0;
    this.runEnd = 0;
    while (at < end) {
      switch (this.#state) {
        case state.size:
          at = this.#readSize(bytes, at, end);
          break;
        case state.extension:
          at = this.#readExtension(bytes, at, end);
          break;
        case state.sizeLf:
          if (bytes[at++] !== lf) this.#state = state.bad;
          else this.#state = this.#remaining === 0 ? state.trailers : state.body;
          break;
        case state.body: {
          const stop = Math.min(end, at + this.#remaining);
          this.runStart = at;
          this.runEnd = stop;
          this.#remaining -= stop - at;
          if (this.#remaining === 0) this.#state = state.bodyCr;
          return stop;
        }
        case state.bodyCr:
          this.#state = bytes[at++] === cr ? state.bodyLf : state.bad;
          break;
        case state.bodyLf:
          this.#state = bytes[at++] === lf ? state.size : state.bad;
          break;
        case state.trailers:
        case state.bad:
          return at;
      }
    }
    return at;
  }

  #readSize(bytes: Uint8Array, at: number, end: number): number {
    for (; at < end; at++) {
      const digit = hexValue[bytes[at]!]!;
      if (digit === 255) {
        this.#endSize(bytes[at]!);
        return at + 1;
      }
      // 13 digits stay below 2^53; leading zeros count as digits.
      if (++this.#digits > 13) {
        this.#state = state.bad;
        return at;
      }
      this.#remaining = this.#remaining * 16 + digit;
    }
    return at;
  }

  #endSize(byte: number): void {
    if (this.#digits === 0) this.#state = state.bad;
    else if (byte === cr) this.#state = state.sizeLf;
    else if (byte === semicolon) this.#state = state.extension;
    else this.#state = state.bad;
    this.#digits = 0;
    this.#extensionBytes = 0;
  }

  #readExtension(bytes: Uint8Array, at: number, end: number): number {
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === cr) {
        this.#state = state.sizeLf;
        return at + 1;
      }
      if (
        isValue[byte] !== 1 ||
        ++this.#extensionBytes > mostExtensionBytes ||
        ++this.#extensionTotal > mostExtensionTotal
      ) {
        this.#state = state.bad;
        return at;
      }
    }
    return at;
  }
}

const lastChunk = Buffer.from("0\r\n");
const crlf = Buffer.from("\r\n");

/** Puts one chunk. Nothing for no bytes: an empty chunk would be the last. */
export function putChunk(out: OutBuffer, bytes: Buffer, start: number, end: number): void {
  if (start === end) return;
  out.putHex(end - start);
  out.putAll(crlf);
  out.pass(bytes, start, end);
  out.putAll(crlf);
}

export function putLastChunk(out: OutBuffer): void {
  out.putAll(lastChunk);
}
