// Cookies of a request, found by name without a text being made (RFC 6265 §5.4; HTTP/2 may send them in several fields, RFC 9113 §8.2.3).
import { fieldNamed } from "./bytes.ts";
import type { RequestHead } from "./head.ts";

const [space, tab, quote, equals, semicolon] = [0x20, 0x09, 0x22, 0x3d, 0x3b];

/** Where the value of a cookie stands, without spaces around it and its quotes: in the head's bytes. One object serves all requests. */
export class CookiePlace {
  /** −1: none was found. */
  field = -1;
  start = 0;
  end = 0;
  /** Where to look on. */
  #at = 0;

  /** Moves to the first cookie of this name, in its own case. False: there is none. */
  first(head: RequestHead, name: string): boolean {
    this.field = fieldNamed(head, "cookie", 0);
    this.#at = this.field < 0 ? 0 : head.fields[this.field * 4 + 2]!;
    return this.next(head, name);
  }

  /** Moves to the next one. */
  next(head: RequestHead, name: string): boolean {
    const { bytes, fields } = head;
    while (this.field >= 0) {
      const end = fields[this.field * 4 + 3]!;
      for (let at = this.#at; at < end; at++) {
        while (at < end && (bytes[at] === space || bytes[at] === tab)) at++;
        const start = at;
        while (at < end && bytes[at] !== semicolon) at++;
        if (!isNamed(bytes, start, at, name)) continue;
        this.#at = at + 1;
        this.#take(bytes, start + name.length + 1, at);
        return true;
      }
      this.field = fieldNamed(head, "cookie", this.field + 1);
      if (this.field >= 0) this.#at = fields[this.field * 4 + 2]!;
    }
    return false;
  }

  #take(bytes: Uint8Array, from: number, to: number): void {
    let start = from;
    let end = to;
    while (end > start && (bytes[end - 1] === space || bytes[end - 1] === tab)) end--;
    if (end - start >= 2 && bytes[start] === quote && bytes[end - 1] === quote) {
      start += 1;
      end -= 1;
    }
    this.start = start;
    this.end = end;
  }
}

/** Does `bytes[start..end)` begin with the name, in its own case, and `=`? */
function isNamed(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start <= name.length || bytes[start + name.length] !== equals) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name.charCodeAt(i)) return false;
  return true;
}
