// StreamedText: a large text on its way to one reader, through one piece of memory that is used again and again. As a whole a text of 37 MB made V8
// collect the heap of the control thread at each scrape (0.13 s of CPU here, as much on its other threads), and the kernel find 9,000 fresh pages.

/** Memory of a text, and about what is sent at once. */
export const pieceBytes = 131_072;
/** From so many bytes on they are sent: what is written until the next `flush` should still fit into the piece. */
const sentBytes = pieceBytes / 2;

export class StreamedText {
  /** The piece that is written. Who writes bytes asks for `room` first, writes them from `used` on, and moves `used`. */
  piece = pieceOf(pieceBytes);
  used = 0;
  readonly #send: (bytes: Buffer) => Promise<void>;
  /** Written and not sent, before `piece`. */
  readonly #full: Buffer[] = [];

  /** `send` resolves when the bytes may be written over. */
  constructor(send: (bytes: Buffer) => Promise<void>) {
    this.#send = send;
  }

  /** From now on so many bytes go into `piece`, from `used` on. */
  room(bytes: number): void {
    if (bytes <= this.piece.length - this.used) return;
    if (this.used > 0) this.#full.push(this.piece.subarray(0, this.used));
    this.piece = pieceOf(Math.max(bytes, pieceBytes));
    this.used = 0;
  }

  write(text: string): void {
    // At most three bytes a character.
    const most = text.length * 3;
    this.room(most > pieceBytes ? Buffer.byteLength(text) : most);
    this.used += this.piece.write(text, this.used);
  }

  /** Sends what was written, where that is much; null: it is not. */
  flush(): Promise<void> | null {
    return this.used < sentBytes && this.#full.length === 0 ? null : this.end();
  }

  /** Sends what is left. */
  async end(): Promise<void> {
    for (const bytes of this.#full.splice(0)) await this.#send(bytes);
    if (this.used > 0) await this.#send(this.piece.subarray(0, this.used));
    this.used = 0;
  }
}

function pieceOf(bytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(bytes));
}
