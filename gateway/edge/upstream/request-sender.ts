// What an Endpoint of HTTP/1.1 is sent: requests framed by us, put together in the worker's out buffer.
import type { HeadEdits } from '../message/head-edits.ts';
import { putChunk, putLastChunk } from '../http1/chunked.ts';
import type { FieldList } from '../message/fields.ts';
import type { WireRequestHead } from '../message/request-head.ts';
import { writeFraming, writeRequestHead } from '../http1/request-writer.ts';
import type { RequestFraming } from '../message/framing.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import { putTrailers } from '../http1/trailers.ts';
import type { OutBuffer } from '../io/out-buffer.ts';
import type { Transport } from '../io/transport.ts';

/** Kept pieces of a body up to this are copied into the out buffer, so that a small request leaves in one write. */
const mostCopiedBytes = 16 * 1024;
const crlf = Buffer.from('\r\n');

export class RequestSender {
  readonly #out: OutBuffer;
  readonly #transport: Transport;
  #chunked = false;
  /** The request asks for a tunnel. */
  upgrades = false;
  /** The request was given to its last byte. */
  ended = false;

  constructor(out: OutBuffer, transport: Transport) {
    this.#out = out;
    this.#transport = transport;
  }

  begin(head: WireRequestHead, edits: HeadEdits, facts: ClientFacts, requestId: Buffer, framing: RequestFraming, bodyBytes: number): void {
    this.#out.open(this.#transport);
    writeRequestHead(this.#out, head, edits, facts, requestId, false);
    this.#frame(framing, bodyBytes);
  }

  head(bytes: Buffer, length: number, framing: RequestFraming, bodyBytes: number): void {
    this.#out.open(this.#transport);
    this.#out.put(bytes, 0, length);
    this.#frame(framing, bodyBytes);
  }

  #frame(framing: RequestFraming, bodyBytes: number): void {
    writeFraming(this.#out, framing, bodyBytes);
    this.#chunked = framing === 'chunked';
    this.upgrades = framing === 'upgrade';
  }

  body(bytes: Buffer, start: number, end: number): void {
    const out = this.#out;
    out.open(this.#transport);
    if (this.#chunked) putChunk(out, bytes, start, end);
    else out.pass(bytes, start, end);
  }

  give(bytes: Buffer): void {
    if (bytes.length <= mostCopiedBytes || this.#chunked) {
      this.body(bytes, 0, bytes.length);
      return;
    }
    this.flush();
    this.#transport.give(bytes);
  }

  end(trailers: FieldList | null): void {
    this.ended = true;
    if (!this.#chunked) return;
    const out = this.#out;
    out.open(this.#transport);
    putLastChunk(out);
    if (trailers !== null) putTrailers(out, trailers);
    out.putAll(crlf);
  }

  flush(): void {
    this.#out.open(this.#transport);
    this.#out.flush();
  }

  /** Forgets what was not flushed. */
  drop(): void {
    this.#out.dropFor(this.#transport);
  }
}
