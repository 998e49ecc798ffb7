// Connections whose bytes reach Node's HTTP parser in small pieces, one a turn: the parser makes a request of every head in what it is given,
// and 64 kB hold 2,400 heads.
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** Bytes that the parser is given in one turn of the event loop: a head with a token, or some 40 of the shortest. */
export const pieceBytes = 1024;

/** A connection as Node's HTTP server takes it, with the timers and the end of its socket. */
export class PacedConnection extends Duplex {
  readonly #socket: Socket;
  /** Bytes that were read and are not passed on yet; the socket is paused as long as there are any. */
  #left: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    super({ allowHalfOpen: true, readableHighWaterMark: pieceBytes });
    this.#socket = socket;
    socket.on("data", (read: Buffer) => {
      socket.pause();
      this.#left = read;
      this.#pass();
    });
    socket.once("end", () => this.push(null));
    socket.on("timeout", () => this.emit("timeout"));
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  setTimeout(ms: number, told?: () => void): this {
    this.#socket.setTimeout(ms);
    if (told !== undefined) this.once("timeout", told);
    return this;
  }

  /** Ends the connection as soon as what was written has gone. */
  destroySoon(): void {
    this.end(() => this.destroy());
  }

  override _read(): void {
    if (this.#left.length === 0) this.#socket.resume();
    else setImmediate(() => this.#pass());
  }

  #pass(): void {
    const piece = this.#left.subarray(0, pieceBytes);
    this.#left = this.#left.subarray(pieceBytes);
    if (!this.destroyed) this.push(piece);
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, done);
  }

  override _writev(pieces: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.cork();
    for (const [at, { chunk }] of pieces.entries())
      this.#socket.write(chunk, at === pieces.length - 1 ? done : undefined);
    this.#socket.uncork();
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
