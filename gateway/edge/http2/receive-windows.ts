// Windows of this side: what the peer may send follows what was passed on, so that a slow reader on the other side slows the sender and not
// this process's memory (RFC 9113 §5.2).
import type { FrameOutput } from "./output.ts";
import type { Stream } from "./stream.ts";

export class ReceiveWindows {
  readonly #output: FrameOutput;
  readonly #connectionBytes: number;
  readonly #streamBytes: number;
  readonly #atOnce: boolean;
  /** Bytes that the peer may send on all streams together. */
  #window: number;
  /** Credited bytes of which the peer does not know. */
  #unannounced = 0;

  /** `atOnce`: what came is credited to the connection when it comes, and only to its stream when it was passed on. */
  constructor(output: FrameOutput, connectionBytes: number, streamBytes: number, atOnce: boolean) {
    this.#output = output;
    this.#atOnce = atOnce;
    this.#connectionBytes = connectionBytes;
    this.#streamBytes = streamBytes;
    this.#window = connectionBytes;
  }

  /** DATA came: so many bytes of it count. False: more than the connection's window allows. */
  take(bytes: number): boolean {
    this.#window -= bytes;
    if (this.#window < 0) return false;
    if (this.#atOnce) this.#give(bytes);
    return true;
  }

  /** Bytes of a stream were passed on. */
  credit(stream: Stream, bytes: number): void {
    const credited = Math.min(bytes, stream.unconsumed);
    if (credited <= 0) return;
    stream.unconsumed -= credited;
    this.giveBack(credited);
    if (stream.receivedEnd) return;
    // Of what is thrown away no more is asked for than what a client is likely to have sent already.
    if (stream.discards && (stream.discardBytes -= credited) < 0) return;
    stream.unannounced += credited;
    // Half a window at a time: a frame for each call would cost more than the call.
    if (stream.unannounced * 2 < this.#streamBytes) return;
    this.#output.windowUpdate(stream.id, stream.unannounced);
    stream.receiveWindow += stream.unannounced;
    stream.unannounced = 0;
  }

  /** Bytes that belong to no stream any more. */
  giveBack(bytes: number): void {
    if (!this.#atOnce) this.#give(bytes);
  }

  #give(bytes: number): void {
    this.#unannounced += bytes;
    if (this.#unannounced * 2 < this.#connectionBytes) return;
    this.#output.windowUpdate(0, this.#unannounced);
    this.#window += this.#unannounced;
    this.#unannounced = 0;
  }
}
