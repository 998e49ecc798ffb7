// Lists as they come: each item of `items` is cut out and given as soon as its last byte is there, so that a list of any length needs the
// memory of one item. What stands around the items is kept and parsed at the end, because the version may come before or after them.

export interface ListItemSink {
  /** JSON text of one item. */
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
  /** Inside `items`: its elements are at this depth; 0: outside. */
  #itemsDepth = 0;
  /** Bytes of the string that is read at depth 1, for the key `items`; null: not a short one. */
  #word = '';
  #key = '';

  /** `itemBytes`: bound of one item. */
  constructor(sink: ListItemSink, itemBytes: number) {
    this.#sink = sink;
    this.#itemBytes = itemBytes;
  }

  push(chunk: Buffer): void {
    /** First byte that belongs to what is gathered: the envelope, or the item. */
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === backslash) this.#escaped = true;
        else if (byte === quote) this.#inString = false;
        else if (this.#depth === 1 && this.#word.length < 8) this.#word += String.fromCharCode(byte);
        continue;
      }
      switch (byte) {
        case quote:
          this.#inString = true;
          if (this.#depth === 1) this.#word = '';
          break;
        case colon:
          if (this.#depth === 1) this.#key = this.#word;
          break;
        case comma:
          if (this.#depth === 1) this.#key = '';
          break;
        case openBrace:
        case openBracket:
          this.#depth += 1;
          if (this.#itemsDepth === 0) {
            if (this.#depth === 2 && byte === openBracket && this.#key === 'items') {
              this.#keepEnvelope(chunk.subarray(from, at + 1));
              this.#itemsDepth = 2;
            }
          } else if (this.#depth === 3) {
            from = at;
          }
          break;
        case closeBrace:
        case closeBracket:
          this.#depth -= 1;
          if (this.#itemsDepth === 0) break;
          if (this.#depth === 2) {
            this.#keepItem(chunk.subarray(from, at + 1));
            this.#endItem();
          } else if (this.#depth === 1) {
            this.#itemsDepth = 0;
            from = at;
          }
          break;
      }
    }
    if (this.#itemsDepth === 0) this.#keepEnvelope(chunk.subarray(from));
    else if (this.#depth >= 3) this.#keepItem(chunk.subarray(from));
  }

  /** What stands around the items; null when the list is not complete or is none. */
  end(): ListEnvelope | null {
    if (this.#depth !== 0 || this.#inString || this.#envelopeLength > envelopeBytes) return null;
    try {
      const { metadata } = JSON.parse(Buffer.concat(this.#envelope).toString('utf8')) as { metadata?: { resourceVersion?: unknown; continue?: unknown } };
      const { resourceVersion, continue: token } = metadata ?? {};
      return typeof resourceVersion === 'string' ? { resourceVersion, continueToken: typeof token === 'string' ? token : '' } : null;
    } catch {
      return null;
    }
  }

  #keepEnvelope(bytes: Buffer): void {
    this.#envelopeLength += bytes.length;
    if (this.#envelopeLength <= envelopeBytes) this.#envelope.push(Buffer.from(bytes));
  }

  #keepItem(bytes: Buffer): void {
    this.#itemLength += bytes.length;
    if (this.#itemLength <= this.#itemBytes) this.#item.push(bytes);
    else this.#item = [];
  }

  #endItem(): void {
    const pieces = this.#item;
    const bytes = this.#itemLength;
    this.#item = [];
    this.#itemLength = 0;
    if (bytes > this.#itemBytes) this.#sink.oversized(bytes);
    else this.#sink.item((pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)).toString('utf8'));
  }
}
