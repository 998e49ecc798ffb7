// Http1UpstreamRequest: one request to an Endpoint of HTTP/1.1, framed by us and put together in the worker's out buffer.
import type { HeadEdits } from "../message/head-edits.ts";
import { putChunk, putLastChunk } from "../http1/chunked.ts";
import type { FieldList } from "../fields/fields.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { writeFraming, writeRequestHead } from "../http1/request-writer.ts";
import type { RequestFraming } from "../fields/framing.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { putTrailers } from "../http1/trailers.ts";
import type { OutBuffer } from "../io/out-buffer.ts";
import type { Transport } from "../io/transport.ts";
import type { Http1Endpoint } from "./http1-endpoint.ts";
import type { ResponseHandler } from "./response-handler.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

/** Kept pieces of a body up to this are copied into the out buffer, so that a small request leaves in one write. */
const mostCopiedBytes = 16 * 1024;
const crlf = Buffer.from("\r\n");

/** The connection of a request, as the request needs it. */
export interface RequestCarrier {
  readonly transport: Transport;
  /** The request was given to its last byte, and flushed. */
  requestSent(): void;
  /** Request or response are cut in the middle: it can serve nobody else. */
  destroy(): void;
}

/** Kept by its connection and begun anew for each request. */
export class Http1UpstreamRequest implements UpstreamRequest {
  readonly kind = "request";
  readonly #carrier: RequestCarrier;
  readonly #transport: Transport;
  readonly #out: OutBuffer;
  /** Of the request that it is, or was last. */
  endpoint: Http1Endpoint;
  /** Whom its response is told; null: nobody. */
  user: ResponseHandler | null;
  /** Which breaker counts it. */
  #priority: number;
  #chunked = false;
  /** It asks for a tunnel. */
  upgrades = false;
  /** It was given to its last byte. */
  #ended = false;
  /** The same, and flushed. */
  sent = false;

  constructor(
    carrier: RequestCarrier,
    out: OutBuffer,
    user: ResponseHandler,
    endpoint: Http1Endpoint,
    priority: number,
  ) {
    this.#carrier = carrier;
    this.#transport = carrier.transport;
    this.#out = out;
    this.user = user;
    this.endpoint = endpoint;
    this.#priority = priority;
  }

  begin(user: ResponseHandler, endpoint: Http1Endpoint, priority: number): void {
    this.user = user;
    this.endpoint = endpoint;
    this.#priority = priority;
    this.#goOn();
  }

  /** There is more of it. */
  #goOn(): void {
    this.#ended = false;
    this.sent = false;
  }

  /** The tunnel is there: bytes pass until somebody ends it. */
  tunnelOpened(): void {
    this.#goOn();
  }

  get bound(): boolean {
    return this.user !== null;
  }

  get congested(): boolean {
    return this.#transport.congested;
  }

  encodeHead(
    head: WireRequestHead,
    edits: HeadEdits,
    facts: ClientFacts,
    requestId: Buffer,
    framing: RequestFraming,
    bodyBytes: number,
  ): void {
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
    this.#chunked = framing === "chunked";
    this.upgrades = framing === "upgrade";
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
    this.#write();
    this.#transport.give(bytes);
  }

  end(trailers: FieldList | null): void {
    this.#ended = true;
    if (!this.#chunked) return;
    const out = this.#out;
    out.open(this.#transport);
    putLastChunk(out);
    if (trailers !== null) putTrailers(out, trailers);
    out.putAll(crlf);
  }

  flush(): void {
    this.#write();
    if (!this.#ended || this.sent) return;
    this.sent = true;
    this.#carrier.requestSent();
  }

  #write(): void {
    this.#out.open(this.#transport);
    this.#out.flush();
  }

  pauseResponse(): void {
    this.#transport.pause();
  }

  resumeResponse(): void {
    this.#transport.resume();
  }

  abort(): void {
    if (this.user === null) return;
    this.#out.dropFor(this.#transport);
    this.letGo();
    this.#carrier.destroy();
  }

  /** It is over, and counted no longer. */
  letGo(): void {
    this.user = null;
    this.endpoint.left(this.#priority);
  }
}
