// One HTTP/1.1 connection to an Endpoint: its life from the dial to the end, and when it may serve another request. What it is sent its request
// frames; responses are read by its reader.
import { fixed } from "../../shared/metrics/fixed.ts";
import { Deadline, type Timed } from "../io/deadline.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { failures, type Failure } from "../../failures.ts";
import type { ResponseHead } from "../message/response-head.ts";
import type { SocketTransport, TransportOwner } from "../io/transport.ts";
import { dial } from "./dial.ts";
import type { Http1Endpoint, IdleConnection, IdleConnections } from "./http1-endpoint.ts";
import { Http1UpstreamRequest, type RequestCarrier } from "./http1-request.ts";
import { ResponseReader, type ResponseOwner } from "../http1/response-reader.ts";
import type { ResponseHandler } from "./response-handler.ts";

/** A connection that was idle for less is in steady use: when it ends with a request, the request or a crash is to blame, no idle limit. */
const leastIdleMs = 10;

/** Where it stands. `closing`: all is said, the last bytes leave. */
type Phase = "connecting" | "idle" | "busy" | "closing" | "gone";

export class Http1UpstreamConnection implements RequestCarrier, IdleConnection, ResponseOwner, TransportOwner, Timed {
  readonly transport: SocketTransport;
  readonly #worker: WorkerContext;
  /** The one that it serves, or served last. */
  readonly request: Http1UpstreamRequest;
  readonly #reader: ResponseReader;
  /** Of the Upstream, when it was dialled or taken for another request. */
  #generation: number;
  readonly #bornMs: number;
  readonly #deadline = new Deadline(this);
  #phase: Phase = "connecting";
  #tunnel = false;
  /** No close token, no surplus byte, no second framing. */
  #clean = true;
  #parkedMs = 0;
  /** How long it had been idle before the request that it serves; 0: that is its first. */
  #idleMs = 0;
  /** Where it stands idle: its Endpoint may have left since. */
  #addressPool: IdleConnections | null = null;
  #open = false;

  /** Dials. */
  constructor(endpoint: Http1Endpoint, user: ResponseHandler, priority: number) {
    const { worker } = endpoint;
    this.#worker = worker;
    this.#generation = endpoint.upstream.generation;
    this.#bornMs = worker.nowMs;
    const { socket, transport } = dial(endpoint.ip, endpoint.port, endpoint.upstream, worker.reads, () => this);
    this.transport = transport;
    this.request = new Http1UpstreamRequest(this, worker.out, user, endpoint, priority);
    this.#reader = new ResponseReader(endpoint.upstream.context, worker.limits, this);
    worker.wheel.set(this.#deadline, worker.nowMs + endpoint.upstream.connectTimeoutMs);
    socket.once(transport.secure ? "secureConnect" : "connect", () => this.#connected());
  }

  #connected(): void {
    if (this.#phase !== "connecting") return;
    this.#worker.tick();
    this.#open = true;
    this.#worker.counters.add(fixed.upstreamConnectionsHttp1, 1);
    this.#worker.wheel.clear(this.#deadline);
    this.#phase = "idle";
    const { request } = this;
    this.#begin(request.endpoint);
    try {
      request.user!.connected(request);
    } catch (error) {
      this.crashed(error);
    }
  }

  bind(user: ResponseHandler, endpoint: Http1Endpoint, priority: number): Http1UpstreamRequest {
    const { request } = this;
    request.begin(user, endpoint, priority);
    this.#begin(endpoint);
    return request;
  }

  /** A request to `endpoint` begins. */
  #begin(endpoint: Http1Endpoint): void {
    this.#generation = endpoint.upstream.generation;
    this.#phase = "busy";
    if (this.#parkedMs > 0) this.#idleMs = this.#worker.nowMs - this.#parkedMs;
    this.#reader.begin();
    this.#worker.wheel.clear(this.#deadline);
  }

  isFresh(nowMs: number, endpoint: Http1Endpoint): boolean {
    const { maxLifetimeMs } = endpoint.upstream;
    return (
      nowMs - this.#parkedMs <= endpoint.reuseIdleMs && (maxLifetimeMs === null || nowMs - this.#bornMs < maxLifetimeMs)
    );
  }

  /** Lets the connection go if the request was the last to be complete. */
  requestSent(): void {
    if (this.#reader.over) this.#letGo();
    else if (this.#tunnel) this.transport.end();
  }

  get user(): ResponseHandler | null {
    return this.request.user;
  }

  get upgrades(): boolean {
    return this.request.upgrades;
  }

  received(bytes: Buffer, start: number, end: number): void {
    this.#worker.tick();
    const user = this.request.user;
    if (user === null || this.#reader.over) {
      // Bytes that nobody asked for.
      this.#clean = false;
      if (user === null) {
        this.#addressPool?.remove(this);
        this.destroy();
      }
      return;
    }
    switch (this.#reader.received(user, bytes, start, end)) {
      case "left":
        return;
      case "malformed":
        this.#fail(failures.upstreamProtocol, "its response is malformed");
        return;
      case "reading":
        user.flush();
        return;
      case "surplus":
        this.#clean = false;
        break;
      case "over":
        break;
    }
    user.flush();
    if (this.request.user === user) this.#over(user);
  }

  answered(head: ResponseHead): void {
    this.request.endpoint.answered(head.status);
    if (head.close) this.#clean = false;
    if (head.status === 101) this.#openTunnel();
  }

  /** It serves nobody else from here on. */
  #openTunnel(): void {
    this.#clean = false;
    this.#tunnel = true;
    this.request.tunnelOpened();
  }

  #over(user: ResponseHandler): void {
    if (this.request.sent) this.#letGo();
    // It reads no more of the request: what is left of it has nowhere to go.
    else if (!this.#clean && !this.#tunnel) this.request.abort();
    user.over();
  }

  /** Request and response are complete. */
  #letGo(): void {
    this.request.letGo();
    const { endpoint } = this.request;
    const { upstream } = endpoint;
    if (this.#tunnel && this.transport.queued > 0) {
      this.#close();
      return;
    }
    if (
      !this.#clean ||
      endpoint.retired ||
      this.transport.queued > 0 ||
      this.#generation !== upstream.generation ||
      this.#worker.closed
    ) {
      this.destroy();
      return;
    }
    this.#phase = "idle";
    this.#parkedMs = this.#worker.nowMs;
    this.#worker.wheel.set(this.#deadline, this.#parkedMs + endpoint.reuseIdleMs);
    this.#addressPool = endpoint.park(this);
  }

  /** What is queued leaves first. */
  #close(): void {
    this.#phase = "closing";
    this.transport.end();
    this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + this.#worker.limits.writeStallTimeoutMs);
  }

  ended(): void {
    this.#worker.tick();
    const user = this.request.user;
    if (user === null) {
      if (this.#phase === "closing") this.destroy();
      else this.#idleClosed();
    } else if (this.#reader.endsWithConnection) {
      this.#clean = false;
      this.#reader.end(user);
      user.flush();
      if (this.request.user === user) this.#over(user);
    } else if (this.#reader.over) {
      // The response is complete, the request is not: nobody reads the rest.
      this.request.abort();
      user.over();
    } else {
      this.broken("closed");
    }
  }

  #idleClosed(): void {
    this.#addressPool?.remove(this);
    this.#sawClose(this.#worker.nowMs - this.#parkedMs);
    this.destroy();
  }

  /** The upstream ended it after it had been idle for this long. */
  #sawClose(idleMs: number): void {
    const { nowMs } = this.#worker;
    this.#addressPool?.sawClose(idleMs, nowMs);
    this.request.endpoint.upstream.sawClose(idleMs, nowMs);
  }

  broken(reason: string): void {
    this.#worker.tick();
    const user = this.request.user;
    if (user === null) {
      if (this.#phase === "idle") this.#idleClosed();
      else this.destroy();
      return;
    }
    if (this.#phase === "connecting") this.#connectFailed(failures.connectRefused, reason);
    else if (this.#reader.over) {
      this.request.abort();
      user.over();
    } else if (this.#reader.awaitsHead) {
      // Its idle limit and a request have met on the way.
      if (this.#idleMs >= leastIdleMs) this.#sawClose(this.#idleMs);
      this.#fail(failures.upstreamClosed, reason);
    } else this.#fail(failures.upstreamCut, reason);
  }

  drained(): void {
    this.#worker.tick();
    this.request.user?.drained();
  }

  /** The connect timeout, or too long idle. */
  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    if (this.#phase === "connecting") {
      this.#connectFailed(
        failures.connectTimeout,
        `no answer within ${this.request.endpoint.upstream.connectTimeoutMs} ms`,
      );
    } else if (this.#phase === "closing") {
      this.destroy();
    } else if (this.#phase === "idle") {
      this.#addressPool?.remove(this);
      this.destroy();
    }
  }

  #connectFailed(failure: Failure, reason: string): void {
    const { endpoint, user } = this.request;
    this.request.letGo();
    this.destroy();
    endpoint.failed();
    user!.connectFailed(endpoint, failure, reason);
  }

  #fail(failure: Failure, reason: string): void {
    const { endpoint, user } = this.request;
    this.request.abort();
    endpoint.failed();
    user!.abort(failure, reason, false);
  }

  crashed(error: unknown): void {
    this.#worker.faulted(error);
    const user = this.request.user;
    this.request.abort();
    this.destroy();
    user?.abort(failures.fault, "an unexpected fault", false);
  }

  destroy(): void {
    if (this.#phase === "gone") return;
    this.#phase = "gone";
    if (this.#open) this.#worker.counters.add(fixed.upstreamConnectionsHttp1, -1);
    this.#reader.clear();
    this.#worker.wheel.remove(this.#deadline);
    this.transport.destroy();
  }
}
