// Forwarding: one request on its way to an Endpoint, and to another one where a connection does not come about.
import type { Attachment } from './attachment.ts';
import type { Edge } from './edge.ts';
import type { Failure } from './failure.ts';
import { fixed } from '../counters.ts';
import { HeldRequest } from './held-request.ts';
import type { FieldList } from './http1/fields.ts';
import type { Http1RequestHead } from './http1/request-head.ts';
import type { ClientFacts } from './http1/request-writer.ts';
import type { ResponseHead } from './http1/response-head.ts';
import { plainChoice } from './upstream/choice.ts';
import type { Choice } from './upstream/choice.ts';
import type { EndpointPool } from './upstream/endpoint-pool.ts';
import { encodeHead } from './upstream/head-encoding.ts';
import type { UpstreamPool } from './upstream/pool.ts';
import type { UpstreamSide, Waiting } from './upstream/upstream-side.ts';
import type { UpstreamUser } from './upstream/user.ts';

/** Bytes of a request that wait for a connection before the client is paused. */
const mostHeldBytes = 64 * 1024;
/** Endpoints that one request tries to connect to. */
const mostAttempts = 5;

/** Whose request is forwarded. */
export interface ForwardingOwner {
  /** Somebody takes the request, or takes more of it: the client may go on. */
  requestTaken(): void;
  informational(head: ResponseHead): void;
  responseHead(head: ResponseHead): void;
  responseBody(bytes: Buffer, start: number, end: number): void;
  responseEnd(trailers: FieldList | null): void;
  responseFlush(): void;
  /** The response is complete and flushed. */
  responseOver(): void;
  /** It has failed for good. */
  forwardingFailed(failure: Failure, detail: string): void;
}

/** Kept in its exchange and begun anew for each request. */
export class Forwarding implements UpstreamUser {
  readonly #edge: Edge;
  readonly #owner: ForwardingOwner;
  readonly #held: HeldRequest;
  readonly #tried: EndpointPool[] = [];
  #pool: UpstreamPool | null = null;
  #choice: Choice = plainChoice;
  #side: UpstreamSide | null = null;
  #waiting: Waiting | null = null;
  /** Of the last connection that did not come about. */
  #failure: Failure | null = null;
  #detail = '';
  isHead = false;
  /** What keeps the client at one Endpoint; null: nothing. Set before `begin`. */
  hash: number | null = null;
  /** Where the request went, or goes: `ip:port`, or "". */
  address = '';
  /** When an upstream got the request, ms of the edge's clock. */
  sentMs = 0;

  constructor(edge: Edge, owner: ForwardingOwner) {
    this.#edge = edge;
    this.#owner = owner;
    this.#held = new HeldRequest(edge.held);
  }

  /** Forgets the request before. */
  reset(isHead: boolean): void {
    this.isHead = isHead;
    this.hash = null;
    this.address = '';
    this.#failure = null;
    this.#detail = '';
    if (this.#tried.length > 0) this.#tried.length = 0;
  }

  /** The owner may be told `forwardingFailed` during the call. */
  begin(head: Http1RequestHead, attachment: Attachment, facts: ClientFacts, requestId: Buffer, framing: number): void {
    const pool = attachment.pool!;
    this.#pool = pool;
    this.#choice = attachment.choice;
    pool.reportUse();
    const side = this.#acquire();
    if (side !== null) side.beginRequest(head, attachment, facts, requestId, framing);
    else if (this.#waiting !== null) this.#held.begin(encodeHead(pool.upstream!.protocol, this.#edge, head, attachment, facts, requestId, false), framing);
  }

  /** A side that is ready for the request; null: one is waited for, or it has failed. */
  #acquire(): UpstreamSide | null {
    const edge = this.#edge;
    if (this.#tried.length >= mostAttempts) {
      this.#owner.forwardingFailed(this.#failure!, this.#detail);
      return null;
    }
    const acquired = this.#pool!.acquire(this, this.#tried, this.#choice, this.hash);
    switch (acquired.kind) {
      case 'side':
        this.#side = acquired;
        this.address = acquired.endpoint.address;
        this.sentMs = edge.nowMs;
        break;
      case 'waiting':
        this.#waiting = acquired;
        this.address = acquired.endpoint?.address ?? '';
        break;
      case 'failed':
        this.#owner.forwardingFailed(this.#failure ?? acquired.failure, this.#failure === null ? acquired.detail : this.#detail);
        return null;
    }
    if (this.#tried.length > 0) edge.counters.add(fixed.retries, 1);
    return this.#side;
  }

  connected(side: UpstreamSide): void {
    this.#waiting = null;
    this.#side = side;
    this.#failure = null;
    this.address = side.endpoint.address;
    this.sentMs = this.#edge.nowMs;
    this.#held.sendTo(side);
    this.#held.clear();
    this.#dropIfLetGo();
    this.#owner.requestTaken();
  }

  connectFailed(endpoint: EndpointPool | null, failure: Failure, reason: string): void {
    this.#waiting = null;
    if (endpoint === null) {
      this.#owner.forwardingFailed(failure, reason);
      return;
    }
    this.#tried.push(endpoint);
    this.#failure = failure;
    this.#detail = `${endpoint.address}: ${reason}`;
    const side = this.#acquire();
    if (side !== null) this.connected(side);
  }

  // The request.

  body(bytes: Buffer, start: number, end: number): void {
    if (this.#side !== null) this.#side.sendBody(bytes, start, end);
    else this.#held.append(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    if (this.#side !== null) this.#side.sendEnd(trailers);
    else this.#held.end(trailers);
  }

  flush(): void {
    if (this.#side === null) return;
    this.#side.flush();
    this.#dropIfLetGo();
  }

  #dropIfLetGo(): void {
    if (this.#side !== null && !this.#side.bound) this.#side = null;
  }

  /** Somebody takes the request, or will. */
  get taken(): boolean {
    return this.#side !== null || this.#waiting !== null;
  }

  /** No more of the request is taken until the owner is told `requestTaken`. */
  get congested(): boolean {
    if (this.#side !== null) return this.#side.congested;
    return this.#held.bodyBytes > mostHeldBytes || !this.#edge.held.hasRoom(0);
  }

  upstreamDrained(): void {
    this.#owner.requestTaken();
  }

  // The response.

  informational(head: ResponseHead): void {
    this.#owner.informational(head);
  }

  responseHead(head: ResponseHead): void {
    this.#owner.responseHead(head);
  }

  responseBody(bytes: Buffer, start: number, end: number): void {
    this.#owner.responseBody(bytes, start, end);
  }

  responseEnd(trailers: FieldList | null): void {
    this.#owner.responseEnd(trailers);
  }

  responseFlush(): void {
    this.#owner.responseFlush();
  }

  responseOver(): void {
    this.#dropIfLetGo();
    this.#owner.responseOver();
  }

  failed(failure: Failure, reason: string): void {
    this.#side = null;
    this.#owner.forwardingFailed(failure, reason);
  }

  pauseResponse(): void {
    this.#side?.pauseResponse();
  }

  resumeResponse(): void {
    this.#side?.resumeResponse();
  }

  /** The Endpoint has not answered in time. */
  timedOut(): void {
    this.#side?.endpoint.failed();
  }

  /** Gives up what is under way: an unfinished request or response is cancelled. */
  drop(): void {
    this.#held.clear();
    const side = this.#side;
    const waiting = this.#waiting;
    this.#side = null;
    this.#waiting = null;
    side?.abandon();
    waiting?.cancel();
  }
}
