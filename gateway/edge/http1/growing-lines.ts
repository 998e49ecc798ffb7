// GrowingLines: when a head or a trailer section that comes in pieces is read again. Its reader reads from the first byte on, so it must not read at each
// piece: bytes of strangers cost time linear in their number, however they are cut.
import { cr, isValue, lf } from "../fields/characters.ts";
import { more, readFields, type FieldList } from "../fields/fields.ts";

/**
 * Looks at each byte at most three times: for line ends and bytes that no line has, and in lines that are complete for what is no field. The reader reads again
 * when the first line is complete, at the end, at a fault and at a limit.
 */
export class GrowingLines {
  /** Bytes in which line ends were looked for. */
  #seen = 0;
  /** Where the first line begins in which faults were not looked for. */
  #lineStart = 0;
  #isPastFirst = false;
  #isAfterCr = false;
  #fields = 0;

  /** Another section begins. */
  begin(): void {
    this.#seen = 0;
    this.#lineStart = 0;
    this.#isPastFirst = false;
    this.#isAfterCr = false;
    this.#fields = 0;
  }

  /**
   * Is the section that `bytes[start..end)` begin with, and of which more has come, to be read again? `list` is written over. From the limits on its reader
   * refuses what has no end: bytes of a first line that is no field (0: there is no such line), bytes of all, and fields.
   */
  isDue(
    list: FieldList,
    bytes: Buffer,
    start: number,
    end: number,
    firstLineBytes: number,
    mostBytes: number,
    mostFields: number,
  ): boolean {
    const awaitsFirst = firstLineBytes > 0 && !this.#isPastFirst;
    let lastLf = -1;
    let isFault = false;
    for (let at = start + this.#seen; at < end; at++) {
      const byte = bytes[at]!;
      if (isValue[byte] === 1 && !this.#isAfterCr) continue;
      if (byte === lf) {
        lastLf = at;
        this.#fields += 1;
      } else if (byte !== cr || this.#isAfterCr) isFault = true;
      this.#isAfterCr = byte === cr;
    }
    this.#seen = end - start;
    if (isFault) return true;
    if (end - start >= (awaitsFirst ? Math.min(firstLineBytes, mostBytes) : mostBytes)) return true;
    if (lastLf < 0) return false;
    const from = start + this.#lineStart;
    this.#lineStart = lastLf + 1 - start;
    if (awaitsFirst) {
      // An empty line before it is none.
      this.#isPastFirst = lastLf - start > 1;
      this.#fields = 0;
      return true;
    }
    return this.#fields > mostFields || readFields(list, bytes, from, end, mostFields) !== more;
  }
}
