// Forwarding: one request on its way to an Endpoint, in the protocol that its Upstream speaks.
import type { WorkerContext } from "../io/worker-context.ts";
import { declaredBytes } from "../message/grpc-message.ts";
import type { FieldList } from "../fields/fields.ts";
import type { HeadEdits } from "../message/head-edits.ts";
import type { MessageTaker } from "../message/message-taker.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import { encodeHead } from "../upstream/head-encoding.ts";
import type { EndpointView } from "../upstream/endpoint-view.ts";
import type { UpstreamContext } from "../upstream/upstream-context.ts";
import type { AnswerTaker } from "./forwarded-answer.ts";
import { Tries, type TriesOwner } from "./tries.ts";
import type { RequestPool } from "./tried-endpoints.ts";

/** Bytes of a request that wait for a connection before the client is paused. */
const mostHeldBytes = 64 * 1024;

/** A Mapping, as far as it says how a request is forwarded. */
export interface ForwardedMapping extends HeadEdits, Pick<CompiledMapping, "balancing" | "retry"> {
  readonly pool: RequestPool | null;
}

/** Kept in its exchange and begun anew for each request. */
export class Forwarding implements MessageTaker<
  [head: WireRequestHead, mapping: ForwardedMapping, facts: ClientFacts, requestId: Buffer, hash: number | null],
  []
> {
  readonly #worker: WorkerContext;
  readonly #upstream: UpstreamContext;
  readonly #tries: Tries;
  /** The body begins with a message of gRPC, which says how long it is. */
  #declares = false;

  constructor(upstream: UpstreamContext, owner: TriesOwner, taker: AnswerTaker) {
    this.#worker = upstream.worker;
    this.#upstream = upstream;
    this.#tries = new Tries(upstream.worker, owner, taker);
  }

  /** Forgets the request before. `isHead`: the next one is HEAD. */
  reset(isHead: boolean): void {
    this.#tries.reset(isHead);
  }

  /** Lets go of the Upstream, too. */
  forget(): void {
    this.#tries.forget();
  }

  /** The owner may be told `failed` during the call. `hash` keeps the client at one Endpoint; null: nothing does. */
  head(
    head: WireRequestHead,
    mapping: ForwardedMapping,
    facts: ClientFacts,
    requestId: Buffer,
    hash: number | null,
  ): void {
    const tries = this.#tries;
    const pool = mapping.pool!;
    const framing = head.websocket ? "upgrade" : head.framing;
    const { contentLength } = head;
    this.#declares = head.grpc;
    if (!tries.begin(pool, mapping.balancing, mapping.retry, hash)) return;
    const { request } = tries;
    const keeps = tries.keepsFromStart(pool, framing === "length" ? contentLength : 0);
    if (request !== null && !keeps) {
      request.encodeHead(head, mapping, facts, requestId, framing, contentLength);
      return;
    }
    const encoded = encodeHead(
      pool.upstream!.protocol,
      this.#upstream,
      head,
      mapping,
      facts,
      requestId,
      !pool.plain,
      false,
    );
    tries.held.head(encoded.bytes, encoded.length, framing, contentLength);
    request?.head(encoded.bytes, encoded.length, framing, contentLength);
  }

  body(bytes: Buffer, start: number, end: number): void {
    const tries = this.#tries;
    const { request, held } = tries;
    if (request !== null) request.body(bytes, start, end);
    if (!held.begun) return;
    if (request === null || held.mayKeep(this.#leastBytes(bytes, start, end))) held.body(bytes, start, end);
    else held.clear();
  }

  /** How long the body is at least, with these bytes of it: so a long message is not copied up to the limit first. */
  #leastBytes(bytes: Buffer, start: number, end: number): number {
    const came = this.#tries.held.bodyBytes + end - start;
    return this.#declares && came === end - start ? Math.max(came, declaredBytes(bytes, start, end)) : came;
  }

  end(trailers: FieldList | null): void {
    const { request, held } = this.#tries;
    if (request !== null) request.end(trailers);
    if (held.begun) held.end(trailers);
    this.#tries.requestEnded();
  }

  flush(): void {
    const { request } = this.#tries;
    if (request === null) return;
    request.flush();
    this.#tries.releaseIfOver();
  }

  /** Nobody wants it any more: an unfinished request or response is cancelled. */
  abort(): void {
    this.#tries.end();
  }

  /** Somebody takes the request, or will. */
  get taken(): boolean {
    return this.#tries.request !== null || this.#tries.held.begun;
  }

  /** No more of the request is taken until the owner is told so. */
  get congested(): boolean {
    const { request, held } = this.#tries;
    return request === null ? held.bodyBytes > mostHeldBytes || !this.#worker.held.hasRoom(0) : request.congested;
  }

  pauseResponse(): void {
    this.#tries.pauseResponse();
  }

  resumeResponse(): void {
    this.#tries.resumeResponse();
  }

  /** The Endpoint has not answered in time; `hasBegun`: not to the end. */
  timedOut(hasBegun: boolean): void {
    this.#tries.timedOut(hasBegun);
  }

  /** Where the request went, or goes; null: nowhere yet. */
  get endpoint(): EndpointView | null {
    return this.#tries.endpoint;
  }

  /** Retries were made, and another would have been wanted: Envoy's URX. */
  get spent(): boolean {
    return this.#tries.spent;
  }

  /** It was sent again as its policy says. */
  get retried(): boolean {
    return this.#tries.retried;
  }
}
