// WaitingBody: what came of a request while a step waits. The client is paused as soon as a read is over, so there is no more of it than a read,
// or a stream's window, brings.
import { failures } from "../../failures.ts";
import { slabBytes, type HeldMemory } from "../io/held-memory.ts";
import { copyOfFields } from "../fields/field-copy.ts";
import type { FieldList } from "../fields/fields.ts";
import type { MessageTaker } from "../message/message-taker.ts";
import type { Verdict } from "../steps/step.ts";

/** How a request fails for which nothing more can be held. */
export const tooMuchHeld: Extract<Verdict, { readonly kind: "fail" }> = Object.freeze({
  kind: "fail",
  failure: failures.overflow,
  detail: "too much is held for other requests (--retry-total-bytes)",
});

export class WaitingBody {
  readonly #memory: HeldMemory;
  /** The last one filled up to `#lastEnd`. A client may send byte by byte: pieces of their own would take many times what they hold. */
  readonly #slabs: Buffer[] = [];
  #lastEnd = slabBytes;
  #trailers: FieldList | null = null;
  /** Whose share of what is held it counts in; null: in none. */
  #namespace: string | null = null;
  #sharedBytes = 0;
  /** How much of it has come. */
  bytes = 0;
  /** The request came to its end. */
  ended = false;

  constructor(memory: HeldMemory) {
    this.#memory = memory;
  }

  /** Whether `body` would take so many bytes. */
  hasRoom(count: number): boolean {
    const more = Math.max(0, count - (slabBytes - this.#lastEnd));
    return more === 0 || this.#memory.hasRoom(Math.ceil(more / slabBytes) * slabBytes);
  }

  /** From here on it counts in the share of this namespace, with so many bytes of its head. */
  shareOf(namespace: string, headBytes: number): void {
    if (this.#namespace !== null) return;
    this.#namespace = namespace;
    this.#share(headBytes + this.#slabs.length * slabBytes);
  }

  #share(bytes: number): void {
    if (this.#namespace === null) return;
    this.#sharedBytes += bytes;
    this.#memory.share(this.#namespace, bytes);
  }

  /** It takes more than the share of its namespace. */
  get isBeyondShare(): boolean {
    return this.#namespace !== null && !this.#memory.hasRoomFor(this.#namespace, 0);
  }

  /** False: too much is held for other requests. `beyond`: it is kept even so. */
  body(bytes: Buffer, start: number, end: number, beyond = false): boolean {
    this.bytes += end - start;
    for (let at = start; at < end;) {
      if (this.#lastEnd === slabBytes) {
        if (!beyond && !this.#memory.hasRoom(slabBytes)) return false;
        this.#slabs.push(this.#memory.takeSlab(slabBytes));
        this.#share(slabBytes);
        this.#lastEnd = 0;
      }
      const taken = Math.min(end - at, slabBytes - this.#lastEnd);
      bytes.copy(this.#slabs.at(-1)!, this.#lastEnd, at, at + taken);
      this.#lastEnd += taken;
      at += taken;
    }
    return true;
  }

  end(trailers: FieldList | null): void {
    this.ended = true;
    this.#trailers = trailers === null ? null : copyOfFields(trailers);
  }

  /** Gives what came, in order, and holds nothing any more. Bytes are valid during the call. */
  passTo(taker: Pick<MessageTaker<[], []>, "body" | "end">): void {
    const slabs = this.#slabs.splice(0);
    const { ended } = this;
    const lastEnd = this.#lastEnd;
    const trailers = this.#trailers;
    this.clear();
    try {
      for (const [index, slab] of slabs.entries())
        taker.body(slab, 0, index === slabs.length - 1 ? lastEnd : slabBytes);
      if (ended) taker.end(trailers);
    } finally {
      for (const slab of slabs) this.#memory.putSlab(slab);
    }
  }

  clear(): void {
    for (const slab of this.#slabs.splice(0)) this.#memory.putSlab(slab);
    this.#share(-this.#sharedBytes);
    this.#namespace = null;
    this.#lastEnd = slabBytes;
    this.#trailers = null;
    this.bytes = 0;
    this.ended = false;
  }

  /** A copy of its first bytes, at most so many. */
  beginning(mostBytes: number): Buffer {
    return Buffer.concat(this.#slabs, Math.min(this.bytes, mostBytes));
  }
}
