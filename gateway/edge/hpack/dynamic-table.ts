// The dynamic table of a decoder (RFC 7541 §2.3.2): lines in one buffer, positions in typed arrays. Nothing is allocated before the first
// entry; the buffer doubles with what stands in it, and then nothing is allocated for an entry.
import { copyBytes, lineExtraBytes, viewOf } from "./field-lines.ts";
import { entryExtraBytes } from "./header-list.ts";

const noBytes = Buffer.alloc(0);
const noView = viewOf(noBytes);
const noNumbers = new Int32Array(0);
/** Bytes of lines that a table begins with: enough for the fields that a gRPC client repeats. */
const firstLength = 1024;

export class DynamicTable {
  /** What this side allows (its SETTINGS_HEADER_TABLE_SIZE). */
  readonly mostBytes: number;
  /** Entries that were ever inserted: a block that refers to entries means the same only while this is the same. */
  inserts = 0;
  count = 0;
  lines = noBytes;
  view = noView;
  /** What the peer's encoder uses. */
  #limitBytes: number;
  /** Size as RFC 7541 §4.1 counts. */
  #size = 0;
  /** Where the next line goes. */
  #end = 0;
  readonly #mask: number;
  #starts = noNumbers;
  #nameBytes = noNumbers;
  #valueBytes = noNumbers;
  #meanings = new Uint8Array(0);

  constructor(mostBytes: number) {
    this.mostBytes = mostBytes;
    this.#limitBytes = mostBytes;
    // A power of two, at least as many as can be in the table.
    this.#mask = 2 ** Math.ceil(Math.log2(Math.max(2, mostBytes / entryExtraBytes))) - 1;
  }

  /** A size update: false when it is more than this side allows. */
  resize(bytes: number): boolean {
    if (bytes > this.mostBytes) return false;
    this.#limitBytes = bytes;
    this.#evictTo(bytes);
    return true;
  }

  /** Slot of the entry with this index (0: the newest), for the functions below. The caller has checked that it is below `count`. */
  slot(index: number): number {
    return (this.inserts - 1 - index) & this.#mask;
  }

  start(slot: number): number {
    return this.#starts[slot]!;
  }

  nameBytes(slot: number): number {
    return this.#nameBytes[slot]!;
  }

  valueBytes(slot: number): number {
    return this.#valueBytes[slot]!;
  }

  meaning(slot: number): number {
    return this.#meanings[slot]!;
  }

  /** Inserts the line at `start` of `from`. One that is larger than the table empties it (RFC 7541 §4.4). */
  insert(
    from: Buffer,
    fromView: DataView,
    start: number,
    nameBytes: number,
    valueBytes: number,
    meaning: number,
  ): void {
    const size = nameBytes + valueBytes + entryExtraBytes;
    if (size > this.#limitBytes) {
      this.clear();
      return;
    }
    this.#evictTo(this.#limitBytes - size);
    const lineBytes = nameBytes + valueBytes + lineExtraBytes;
    if (this.#end + lineBytes > this.lines.length) this.#makeRoom(lineBytes);
    const slot = this.inserts & this.#mask;
    this.#starts[slot] = this.#end;
    this.#nameBytes[slot] = nameBytes;
    this.#valueBytes[slot] = valueBytes;
    this.#meanings[slot] = meaning;
    this.#end = copyBytes(from, fromView, start, start + lineBytes, this.lines, this.view, this.#end);
    this.#size += size;
    this.inserts += 1;
    this.count += 1;
  }

  /** An entry that is larger than the table. */
  clear(): void {
    this.#evictTo(0);
    // What is left differs from what was, though nothing came in.
    this.inserts += 1;
  }

  #evictTo(size: number): void {
    while (this.#size > size) {
      const oldest = this.slot(this.count - 1);
      this.#size -= this.#nameBytes[oldest]! + this.#valueBytes[oldest]! + entryExtraBytes;
      this.count -= 1;
    }
  }

  /** Makes room for a line: more of it, and, where the buffer is as large as it gets, that at the front. */
  #makeRoom(lineBytes: number): void {
    const mostLength = 2 * this.mostBytes;
    if (this.lines.length < mostLength)
      this.#grow(Math.min(mostLength, Math.max(firstLength, 2 * this.lines.length, this.#end + lineBytes)));
    // The buffer is twice the table's size, and lines are shorter than the sizes that the table counts: so what is written from the front on
    // reaches no line before its entry is evicted.
    if (this.#end + lineBytes > this.lines.length) this.#end = 0;
  }

  #grow(length: number): void {
    if (this.lines.length === 0) this.#makeSlots();
    const lines = Buffer.allocUnsafeSlow(length);
    this.lines.copy(lines, 0, 0, this.#end);
    this.lines = lines;
    this.view = viewOf(lines);
  }

  #makeSlots(): void {
    this.#starts = new Int32Array(this.#mask + 1);
    this.#nameBytes = new Int32Array(this.#mask + 1);
    this.#valueBytes = new Int32Array(this.#mask + 1);
    this.#meanings = new Uint8Array(this.#mask + 1);
  }
}
