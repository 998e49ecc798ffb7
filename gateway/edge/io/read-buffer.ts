// The one read buffer of a worker: what is read stands in it and is valid only during the callback. What must outlive that is copied.

/** Bytes of one read from a client: a body of 100 kB comes in one. */
export const windowBytes = 128 * 1024;
/** From an upstream: what one read brings is kept for each stream of an HTTP/2 client that takes nothing, however many it has. */
const upstreamWindowBytes = 64 * 1024;

export class ReadBuffer {
  /** Where clients' sockets read to, and where upstreams' do: the same place. */
  readonly window: Buffer;
  readonly upstreamWindow: Buffer;
  /** The window and one byte for the sentinel. */
  readonly #bytes = Buffer.allocUnsafeSlow(windowBytes + 1);
  /** A callback uses the buffer now. */
  #busy = false;

  constructor() {
    this.window = this.#bytes.subarray(0, windowBytes);
    this.upstreamWindow = this.#bytes.subarray(0, upstreamWindowBytes);
  }

  /** Runs `use` on the bytes that a socket has read into the window. */
  filled(length: number, use: (bytes: Buffer, start: number, end: number) => void): void {
    this.#bytes[length] = 0;
    this.#busy = true;
    use(this.#bytes, 0, length);
    this.#busy = false;
  }

  /** Runs `use` on bytes that came as a chunk of their own ('data' events). `use` throws nothing. */
  copied(chunk: Buffer, use: (bytes: Buffer, start: number, end: number) => void): void {
    if (this.#busy || chunk.length > windowBytes) {
      // One callback inside another (TLS may do this): the outer one's bytes stay as they are.
      const own = Buffer.allocUnsafe(chunk.length + 1);
      chunk.copy(own);
      own[chunk.length] = 0;
      use(own, 0, chunk.length);
      return;
    }
    chunk.copy(this.#bytes);
    this.filled(chunk.length, use);
  }
}
