// Http2UpstreamConnection: one HTTP/2 connection to an Endpoint, from its dial to its end.
import type { TLSSocket } from "node:tls";
import { fixed } from "../../shared/metrics/fixed.ts";
import { Deadline, type Timed } from "../io/deadline.ts";
import { Spares } from "../io/spares.ts";
import { failures, type Failure } from "../../failures.ts";
import { Http2ClientConnection, type ClientOwner } from "../http2/client.ts";
import type { Stream } from "../http2/stream.ts";
import { resource, type Breaker } from "../balancing/breaker.ts";
import { dial } from "./dial.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { Http2UpstreamShared } from "./http2-shared.ts";
import { Http2UpstreamRequest, type StreamHost } from "./http2-request.ts";
import type { ResponseHandler } from "./response-handler.ts";

/** Who keeps the sessions to an address. */
export interface Http2ConnectionOwner {
  /** It has room for another stream, or has more of it. */
  sessionRoom(session: Http2UpstreamConnection): void;
  /** It takes no new streams from now on; those that are open go on. */
  sessionRetiring(session: Http2UpstreamConnection): void;
  /** It did not come about; nothing was sent. The owner tells the Endpoints. */
  sessionFailed(session: Http2UpstreamConnection, failure: Failure, reason: string): void;
}

/** An idle session ends after this, where the Upstream says nothing (Envoy's default). Unlike HTTP/1.1, nothing can be lost by a long one. */
const defaultIdleMs = 3_600_000;
/** Requests that are kept to be used again: as many as most upstreams take streams at once. */
const mostSpares = 128;
/** What OpenSSL says where the peer knows ALPN, and not `h2`. */
const noSuchProtocol = /no application protocol/u;
const notHttp2 = "it does not agree on HTTP/2 in the TLS handshake (ALPN h2): serve gRPC there, or say grpc: false";

export class Http2UpstreamConnection implements ClientOwner, StreamHost, Timed {
  /** For which it was dialled; others with the same address may use it. */
  readonly endpoint: EndpointView;
  readonly shared: Http2UpstreamShared;
  readonly #owner: Http2ConnectionOwner;
  readonly #connection: Http2ClientConnection;
  readonly #deadline = new Deadline(this);
  readonly #idleMs: number;
  /** When it should give way to another one. */
  readonly #oldAtMs: number;
  readonly #breaker: Breaker;
  #phase: "dialling" | "open" | "closed" = "dialling";
  #unflushed: Http2UpstreamRequest[] = [];
  readonly #spares: Spares<Http2UpstreamRequest>;

  /** Dials, and counts in `breaker` as a connection. Throws on keys that OpenSSL does not read. */
  constructor(endpoint: EndpointView, owner: Http2ConnectionOwner, breaker: Breaker) {
    const { worker, upstream } = endpoint;
    this.endpoint = endpoint;
    this.shared = upstream.context.http2;
    this.#owner = owner;
    this.#spares = new Spares(worker.batch, mostSpares);
    // To one that is no Endpoint any more nothing else goes.
    this.#idleMs = endpoint.retired ? 0 : (upstream.upstream?.idleTimeoutMs ?? defaultIdleMs);
    // ± 10 %: sessions that came together do not go together.
    this.#oldAtMs = worker.nowMs + (upstream.upstream?.maxLifetimeMs ?? Infinity) * (0.9 + 0.2 * worker.draw());
    this.#breaker = breaker;
    this.#connection = this.#dial();
    breaker.enterConnection();
    worker.wheel.set(this.#deadline, worker.nowMs + upstream.connectTimeoutMs);
  }

  #dial(): Http2ClientConnection {
    const { ip, port, upstream, worker } = this.endpoint;
    const { http2, responseHead } = this.shared;
    const { socket, owner, transport } = dial(
      ip,
      port,
      upstream,
      worker.reads,
      (dialled) => new Http2ClientConnection(dialled, http2, this, responseHead),
    );
    if (transport.secure) {
      socket.once("secureConnect", () => this.#secured(socket as TLSSocket));
      // The transport tells the code alone, which is EPROTO whatever the handshake failed of.
      socket.prependOnceListener("error", (error) => {
        if (noSuchProtocol.test(error.message)) this.#fail(failures.connectRefused, notHttp2);
      });
    } else socket.once("connect", () => this.#open());
    return owner;
  }

  #secured(socket: TLSSocket): void {
    if (socket.alpnProtocol === "h2") this.#open();
    else this.#fail(failures.connectRefused, notHttp2);
  }

  #open(): void {
    if (this.#phase !== "dialling") return;
    const { worker } = this.endpoint;
    worker.tick();
    this.#phase = "open";
    worker.counters.add(fixed.upstreamConnectionsHttp2, 1);
    this.#waitIdle();
    this.#connection.connected();
    this.#owner.sessionRoom(this);
  }

  get dialling(): boolean {
    return this.#phase === "dialling";
  }

  /** Streams that it takes at once. */
  get room(): number {
    return this.#phase === "open" ? this.#connection.room : 0;
  }

  /** Old enough to give way to another one. */
  isOld(nowMs: number): boolean {
    return nowMs >= this.#oldAtMs;
  }

  /** A request of `user`, which has entered `breaker`. There must be room. */
  take(endpoint: EndpointView, user: ResponseHandler, breaker: Breaker): Http2UpstreamRequest {
    const request = this.#spares.take() ?? new Http2UpstreamRequest(this, endpoint, breaker);
    request.begin(endpoint, user, breaker);
    return request;
  }

  /** A request has been let go. */
  release(request: Http2UpstreamRequest): void {
    this.#spares.giveBack(request);
  }

  /** Sends a request: `Http2ClientConnection.request`. There must be room. */
  send(request: Http2UpstreamRequest, block: Buffer, length: number, end: boolean): Stream {
    this.endpoint.worker.wheel.clear(this.#deadline);
    return this.#connection.request(request, block, length, end);
  }

  /** No new streams; it closes after those that are open. */
  drain(): void {
    if (this.#phase === "dialling") this.#close();
    else this.#connection.drain();
  }

  /** The request is told when this read is over. */
  flushLater(request: Http2UpstreamRequest): void {
    this.#unflushed.push(request);
  }

  connectionRead(): void {
    const requests = this.#unflushed;
    if (requests.length === 0) return;
    // None is told of a new read meanwhile: callbacks do not nest.
    for (let i = 0; i < requests.length; i++) requests[i]!.readOver();
    requests.length = 0;
  }

  connectionRoom(connection: Http2ClientConnection): void {
    if (this.#phase !== "open") return;
    if (connection.streamCount === 0) this.#waitIdle();
    this.#owner.sessionRoom(this);
  }

  #waitIdle(): void {
    const { worker } = this.endpoint;
    worker.wheel.set(this.#deadline, worker.nowMs + this.#idleMs);
  }

  connectionRetiring(): void {
    this.#owner.sessionRetiring(this);
  }

  connectionClosed(_: Http2ClientConnection, reason: string): void {
    if (this.#phase === "dialling") {
      this.#fail(failures.connectRefused, reason);
      return;
    }
    if (this.#phase === "closed") return;
    this.connectionRead();
    this.#close();
    this.#owner.sessionRetiring(this);
  }

  #fail(failure: Failure, reason: string): void {
    if (this.#phase !== "dialling") return;
    this.#close();
    this.#owner.sessionFailed(this, failure, reason);
  }

  #close(): void {
    if (this.#phase === "closed") return;
    const { worker } = this.endpoint;
    const before = this.#phase;
    this.#phase = "closed";
    worker.wheel.remove(this.#deadline);
    this.#breaker.leave(resource.connections);
    if (before === "open") worker.counters.add(fixed.upstreamConnectionsHttp2, -1);
    else this.#connection.destroy();
  }

  /** The connect timeout, or idle for long. */
  expired(nowMs: number): void {
    this.endpoint.worker.nowMs = nowMs;
    if (this.#phase === "dialling")
      this.#fail(failures.connectTimeout, `no answer within ${this.endpoint.upstream.connectTimeoutMs} ms`);
    else if (this.#connection.streamCount === 0) this.#connection.drain();
  }
}
