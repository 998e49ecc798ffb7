// Lines of a watch: one JSON value each, however the bytes are cut.

export interface LineSink {
  line(text: string): void;
  /** A line longer than the bound was passed over; told at its end. */
  oversized(bytes: number): void;
}

const newline = 0x0a;

export class LineSplitter {
  readonly #sink: LineSink;
  readonly #lineBytes: number;
  #pieces: Buffer[] = [];
  #length = 0;

  /** `lineBytes`: bound of one line without its end. */
  constructor(sink: LineSink, lineBytes: number) {
    this.#sink = sink;
    this.#lineBytes = lineBytes;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      this.#keep(chunk.subarray(from, at));
      this.#end();
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  #keep(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length <= this.#lineBytes) this.#pieces.push(bytes);
    else this.#pieces = [];
  }

  #end(): void {
    const pieces = this.#pieces;
    const bytes = this.#length;
    this.#pieces = [];
    this.#length = 0;
    if (bytes > this.#lineBytes) this.#sink.oversized(bytes);
    else if (bytes > 0) this.#sink.line((pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)).toString("utf8"));
  }
}
