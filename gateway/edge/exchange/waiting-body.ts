// WaitingBody: what came of a request while a step waits. The client is paused as soon as a read is over, so there is no more of it than a read,
// or a stream's window, brings.
import type { HeldMemory } from '../io/held-memory.ts';
import { copyOfFields } from '../message/field-copy.ts';
import type { FieldList } from '../message/fields.ts';

export class WaitingBody {
  readonly #memory: HeldMemory;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #trailers: FieldList | null = null;
  /** The request came to its end. */
  ended = false;

  constructor(memory: HeldMemory) {
    this.#memory = memory;
  }

  /** False: too much is held for other requests. */
  append(bytes: Buffer, start: number, end: number): boolean {
    if (!this.#memory.hasRoom(end - start)) return false;
    this.#memory.hold(end - start);
    this.#bytes += end - start;
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    return true;
  }

  end(trailers: FieldList | null): void {
    this.ended = true;
    this.#trailers = trailers === null ? null : copyOfFields(trailers);
  }

  /** Gives what came, in order, and holds nothing any more. */
  passTo(body: (bytes: Buffer, start: number, end: number) => void, end: (trailers: FieldList | null) => void): void {
    const pieces = this.#pieces.splice(0);
    const { ended } = this;
    const trailers = this.#trailers;
    this.clear();
    for (const piece of pieces) body(piece, 0, piece.length);
    if (ended) end(trailers);
  }

  clear(): void {
    this.#memory.hold(-this.#bytes);
    this.#bytes = 0;
    this.#pieces.length = 0;
    this.#trailers = null;
    this.ended = false;
  }
}
