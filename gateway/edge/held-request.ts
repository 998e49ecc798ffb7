// A request that is kept: nobody takes it yet, or it may have to be sent again.
import type { FieldList } from './http1/fields.ts';
import type { UpstreamSide } from './upstream/upstream-side.ts';

/** Kept in its exchange and filled anew. Pieces are copies that never change, so that they may be sent by reference. */
export class HeldRequest {
  #head: Buffer | null = null;
  #framing = 0;
  readonly #pieces: Buffer[] = [];
  #trailers: FieldList | null = null;
  #complete = false;
  /** Bytes of the body that are kept. */
  bodyBytes = 0;

  /** Keeps a head, which is given away, as `encodeHead` made it. */
  begin(head: Buffer, framing: number): void {
    this.#head = head;
    this.#framing = framing;
  }

  append(bytes: Buffer, start: number, end: number): void {
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    this.bodyBytes += end - start;
  }

  end(trailers: FieldList | null): void {
    this.#complete = true;
    this.#trailers = trailers === null ? null : copyOf(trailers);
  }

  /** Sends what there is of it. */
  sendTo(side: UpstreamSide): void {
    side.sendHead(this.#head!, this.#framing);
    for (const piece of this.#pieces) side.giveBody(piece);
    if (this.#complete) side.sendEnd(this.#trailers);
    side.flush();
  }

  clear(): void {
    if (this.#head === null) return;
    this.#head = null;
    this.#pieces.length = 0;
    this.#trailers = null;
    this.#complete = false;
    this.bodyBytes = 0;
  }
}

/** Fields with bytes of their own. */
function copyOf({ bytes, fields, kinds, neverIndexed, fieldCount, fieldsEnd }: FieldList): FieldList {
  const start = fieldCount === 0 ? fieldsEnd : fields[0]!;
  return {
    bytes: Buffer.from(bytes.subarray(start, fieldsEnd)),
    fieldCount,
    fields: fields.slice(0, fieldCount * 4).map((at) => at - start),
    kinds: kinds.slice(0, fieldCount),
    neverIndexed: neverIndexed === null ? null : neverIndexed.slice(0, fieldCount),
    fieldsEnd: fieldsEnd - start,
  };
}
