// Lists as they come: each item of `items` is cut out and given as soon as its last byte is there, so that a list of any length needs the
// memory of one item. What stands around the items is kept and parsed at the end, because the version may come before or after them. Of an item,
// status and managedFields are passed over, which are most of it and which nobody reads.

export interface ListItemSink {
  /** JSON text of one item, with null for its status and its metadata's managedFields. */
  item(text: string): void;
  /** An item longer than the bound was passed over. */
  oversized(bytes: number): void;
}

export interface ListEnvelope {
  readonly resourceVersion: string;
  /** Token of the next page, or "". */
  readonly continueToken: string;
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** 1 for what means something outside strings. */
const structural = new Uint8Array(256);
for (const byte of [quote, comma, colon, openBracket, closeBracket, openBrace, closeBrace]) structural[byte] = 1;

/** Depth inside the list: its own fields, an item's, and those of the item's metadata. */
const [listDepth, itemDepth, metadataDepth] = [1, 3, 4];
/** Longest key that is looked for, `managedFields`. */
const longestWord = 13;
/** What stands for the value of a field that is passed over. */
const nothing = Buffer.from("null");

/** Longest text around the items, bytes. */
const envelopeBytes = 64 * 1024;

export class ListScanner {
  readonly #sink: ListItemSink;
  readonly #itemBytes: number;
  readonly #envelope: Buffer[] = [];
  #envelopeLength = 0;
  #item: Buffer[] = [];
  #itemLength = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #inItems = false;
  /** Depth of the field whose value is passed over; 0: none is. */
  #passing = 0;
  /** The last string at a depth where keys count, as far as it is in an earlier piece; cut where it is too long to be one. */
  #word = "";
  /** Keys whose values are read now, of the list and of an item; "": of no interest. */
  #listKey = "";
  #itemKey = "";

  /** `itemBytes`: bound of one item. */
  constructor(sink: ListItemSink, itemBytes: number) {
    this.#sink = sink;
    this.#itemBytes = itemBytes;
  }

  push(chunk: Buffer): void {
    const { length } = chunk;
    /** First byte that belongs to what is gathered or passed over: the envelope, or the item. */
    let from = 0;
    let at = 0;
    if (this.#inString) {
      at = this.#stringEnd(chunk, this.#escaped ? 1 : 0);
      if (this.#readsKeys) this.#word = (this.#word + wordOf(chunk, 0, at)).slice(0, longestWord + 1);
      this.#inString = at >= length;
      at += 1;
    }
    /** Strings at this depth may be keys that count. */
    let readsKeys = this.#readsKeys;
    while (at < length) {
      const byte = chunk[at]!;
      if (structural[byte] === 0) {
        at += 1;
        continue;
      }
      if (byte === quote) {
        const end = this.#stringEnd(chunk, at + 1);
        if (readsKeys) this.#word = wordOf(chunk, at + 1, end);
        this.#inString = end >= length;
        at = end + 1;
        continue;
      }
      if (byte === colon) {
        if (readsKeys) {
          if (this.#passes()) {
            this.#keepItem(chunk.subarray(from, at + 1), true);
            from = at + 1;
            this.#passing = this.#depth;
          }
          readsKeys = this.#readsKeys;
        }
      } else if (byte === comma) {
        if (this.#depth === this.#passing) {
          this.#endPassing(at - from);
          from = at;
          readsKeys = true;
        } else if (this.#depth === listDepth) this.#listKey = "";
      } else if (byte === openBrace || byte === openBracket) {
        this.#depth += 1;
        if (this.#inItems) {
          if (this.#depth === itemDepth) from = at;
        } else if (byte === openBracket && this.#depth === 2 && this.#listKey === "items") {
          this.#keepEnvelope(chunk.subarray(from, at + 1));
          this.#inItems = true;
        }
        readsKeys = this.#readsKeys;
      } else {
        if (this.#depth === this.#passing) {
          this.#endPassing(at - from);
          from = at;
        }
        this.#depth -= 1;
        if (this.#inItems && this.#depth === 2) {
          this.#keepItem(chunk.subarray(from, at + 1), true);
          this.#endItem();
        } else if (this.#inItems && this.#depth === 1) {
          this.#inItems = false;
          from = at;
        }
        readsKeys = this.#readsKeys;
      }
      at += 1;
    }
    if (!this.#inItems) this.#keepEnvelope(chunk.subarray(from));
    else if (this.#depth >= itemDepth) this.#keepItem(chunk.subarray(from), this.#passing === 0);
  }

  /** What stands around the items; null when the list is not complete or is none. */
  end(): ListEnvelope | null {
    if (this.#depth !== 0 || this.#inString || this.#envelopeLength > envelopeBytes) return null;
    try {
      const { metadata } = JSON.parse(Buffer.concat(this.#envelope).toString("utf8")) as {
        metadata?: { resourceVersion?: unknown; continue?: unknown };
      };
      const { resourceVersion, continue: token } = metadata ?? {};
      return typeof resourceVersion === "string"
        ? { resourceVersion, continueToken: typeof token === "string" ? token : "" }
        : null;
    } catch {
      return null;
    }
  }

  /** Index of the quote that ends the string, or the length. */
  #stringEnd(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = from;
    while (at < length) {
      const byte = chunk[at]!;
      if (byte === quote) break;
      at += byte === backslash ? 2 : 1;
    }
    this.#escaped = at > length;
    return Math.min(at, length);
  }

  /** Strings here may be keys that count. */
  get #readsKeys(): boolean {
    if (this.#passing > 0) return false;
    if (!this.#inItems) return this.#depth === listDepth;
    return this.#depth === itemDepth || (this.#depth === metadataDepth && this.#itemKey === "metadata");
  }

  /** Takes the last string for a key; true: its value is passed over. */
  #passes(): boolean {
    switch (this.#depth) {
      case listDepth:
        this.#listKey = this.#word;
        return false;
      case itemDepth:
        this.#itemKey = this.#word;
        return this.#word === "status";
      default:
        return this.#word === "managedFields";
    }
  }

  /** `bytes`: of the value, in this piece. */
  #endPassing(bytes: number): void {
    this.#passing = 0;
    this.#itemLength += bytes;
    this.#item.push(nothing);
  }

  #keepEnvelope(bytes: Buffer): void {
    this.#envelopeLength += bytes.length;
    if (this.#envelopeLength <= envelopeBytes) this.#envelope.push(Buffer.from(bytes));
  }

  #keepItem(bytes: Buffer, keeps: boolean): void {
    this.#itemLength += bytes.length;
    if (this.#itemLength > this.#itemBytes) this.#item = [];
    else if (keeps) this.#item.push(bytes);
  }

  #endItem(): void {
    const pieces = this.#item;
    const bytes = this.#itemLength;
    this.#item = [];
    this.#itemLength = 0;
    if (bytes > this.#itemBytes) this.#sink.oversized(bytes);
    else this.#sink.item((pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)).toString("utf8"));
  }
}

/** A string of the bytes, cut where it is too long to be a key that counts. */
function wordOf(chunk: Buffer, from: number, to: number): string {
  return chunk.toString("latin1", from, Math.min(to, from + longestWord + 1));
}
