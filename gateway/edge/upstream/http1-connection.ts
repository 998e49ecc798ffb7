// One HTTP/1.1 connection to an Endpoint: its life from the dial to the end, and when it may serve another request. Requests are written by its
// sender, responses read by its reader.
import { fixed } from '../../counters.ts';
import { Deadline } from '../io/deadline.ts';
import type { Timed } from '../io/deadline.ts';
import type { WorkerContext } from '../io/worker-context.ts';
import { failures } from '../message/failure.ts';
import type { Failure } from '../message/failure.ts';
import type { HeadEdits } from '../message/head-edits.ts';
import type { FieldList } from '../message/fields.ts';
import type { RequestFraming } from '../message/framing.ts';
import type { WireRequestHead } from '../message/request-head.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import type { ResponseHead } from '../message/response-head.ts';
import type { SocketTransport, TransportOwner } from '../io/transport.ts';
import { dial } from './dial.ts';
import type { EndpointView } from './endpoint-view.ts';
import { RequestSender } from './request-sender.ts';
import { ResponseReader } from '../http1/response-reader.ts';
import type { ResponseOwner } from '../http1/response-reader.ts';
import type { UpstreamRequest } from './upstream-request.ts';
import type { ResponseHandler } from './response-handler.ts';

/** A connection that was idle for less is in steady use: when it ends with a request, the request or a crash is to blame, no idle limit. */
const leastIdleMs = 10;

/** Where connections stand while they are idle. */
export interface IdleConnections {
  /** An idle connection has ended. */
  remove(connection: Http1UpstreamConnection): void;
  /** A connection to this address was closed after it had been idle for so long. */
  sawClose(idleMs: number, nowMs: number): void;
}

export interface Http1Endpoint extends EndpointView {
  /** Takes a connection that finished cleanly; gives where it stands. */
  park(connection: Http1UpstreamConnection): IdleConnections;
}

/** Where it stands. `closing`: all is said, the last bytes leave. */
type Phase = 'connecting' | 'idle' | 'busy' | 'closing' | 'gone';

export class Http1UpstreamConnection implements UpstreamRequest, ResponseOwner, TransportOwner, Timed {
  readonly kind = 'side';
  /** Of the request that it serves, or served last. */
  endpoint: Http1Endpoint;
  readonly transport: SocketTransport;
  readonly #worker: WorkerContext;
  readonly #sender: RequestSender;
  readonly #reader: ResponseReader;
  /** Of the Upstream, when it was dialled or taken for another request. */
  #generation: number;
  readonly #bornMs: number;
  readonly #deadline = new Deadline(this);
  #phase: Phase = 'connecting';
  #user: ResponseHandler | null;
  /** Of the request that it serves, or served last: which breaker counts it. */
  #priority: number;
  /** The request was given to its last byte and flushed. */
  #requestSent = false;
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
    this.endpoint = endpoint;
    this.#priority = priority;
    this.#worker = worker;
    this.#user = user;
    this.#generation = endpoint.upstream.generation;
    this.#bornMs = worker.nowMs;
    const { socket, transport } = dial(endpoint.ip, endpoint.port, endpoint.upstream, worker.reads, this);
    this.transport = transport;
    this.#sender = new RequestSender(worker.out, transport);
    this.#reader = new ResponseReader(endpoint.upstream.context, worker.limits, this);
    worker.wheel.set(this.#deadline, worker.nowMs + endpoint.upstream.connectTimeoutMs);
    socket.once(transport.secure ? 'secureConnect' : 'connect', () => this.#connected());
  }

  #connected(): void {
    if (this.#phase !== 'connecting') return;
    this.#worker.tick();
    this.#open = true;
    this.#worker.counters.add(fixed.upstreamConnectionsHttp1, 1);
    this.#worker.wheel.clear(this.#deadline);
    this.#phase = 'idle';
    const user = this.#user!;
    this.bind(user, this.endpoint, this.#priority);
    try {
      user.connected(this);
    } catch (error) {
      this.crashed(error);
    }
  }

  /** The next request and its response belong to `user`, and count for `endpoint`. */
  bind(user: ResponseHandler, endpoint: Http1Endpoint, priority: number): void {
    this.#user = user;
    this.endpoint = endpoint;
    this.#priority = priority;
    this.#generation = endpoint.upstream.generation;
    this.#phase = 'busy';
    if (this.#parkedMs > 0) this.#idleMs = this.#worker.nowMs - this.#parkedMs;
    this.#reader.begin();
    this.#sender.ended = false;
    this.#requestSent = false;
    this.#worker.wheel.clear(this.#deadline);
  }

  /** May an idle connection serve a request to `endpoint`, which has the same address? */
  isFresh(nowMs: number, endpoint: Http1Endpoint): boolean {
    const { maxLifetimeMs } = endpoint.upstream;
    return nowMs - this.#parkedMs <= endpoint.reuseIdleMs && (maxLifetimeMs === null || nowMs - this.#bornMs < maxLifetimeMs);
  }

  beginRequest(head: WireRequestHead, edits: HeadEdits, facts: ClientFacts, requestId: Buffer, framing: RequestFraming, bodyBytes: number): void {
    this.#sender.begin(head, edits, facts, requestId, framing, bodyBytes);
  }

  sendHead(bytes: Buffer, length: number, framing: RequestFraming, bodyBytes: number): void {
    this.#sender.head(bytes, length, framing, bodyBytes);
  }

  sendBody(bytes: Buffer, start: number, end: number): void {
    this.#sender.body(bytes, start, end);
  }

  giveBody(bytes: Buffer): void {
    this.#sender.give(bytes);
  }

  sendEnd(trailers: FieldList | null): void {
    this.#sender.end(trailers);
  }

  /** Lets the connection go if the request was the last to be complete. */
  flush(): void {
    this.#sender.flush();
    if (!this.#sender.ended || this.#requestSent) return;
    this.#requestSent = true;
    if (this.#reader.over) this.#letGo();
    else if (this.#tunnel) this.transport.end();
  }

  get congested(): boolean {
    return this.transport.congested;
  }

  pauseResponse(): void {
    this.transport.pause();
  }

  resumeResponse(): void {
    this.transport.resume();
  }

  abandon(): void {
    if (this.#user === null) return;
    this.#user = null;
    this.#sender.drop();
    this.endpoint.left(this.#priority);
    this.#destroy();
  }

  get bound(): boolean {
    return this.#user !== null;
  }

  /** Ends an idle connection. */
  discard(): void {
    this.#destroy();
  }

  /** Whom the response is told. */
  get user(): ResponseHandler | null {
    return this.#user;
  }

  get upgrades(): boolean {
    return this.#sender.upgrades;
  }

  received(bytes: Buffer, start: number, end: number): void {
    this.#worker.tick();
    const user = this.#user;
    if (user === null || this.#reader.over) {
      // Bytes that nobody asked for.
      this.#clean = false;
      if (user === null) {
        this.#addressPool?.remove(this);
        this.#destroy();
      }
      return;
    }
    switch (this.#reader.received(user, bytes, start, end)) {
      case 'left':
        return;
      case 'malformed':
        this.#fail(failures.upstreamProtocol, 'its response is malformed');
        return;
      case 'reading':
        user.responseFlush();
        return;
      case 'surplus':
        this.#clean = false;
        break;
      case 'over':
        break;
    }
    user.responseFlush();
    if (this.#user === user) this.#over(user);
  }

  answered(head: ResponseHead): void {
    this.endpoint.answered(head.status);
    if (head.close) this.#clean = false;
    if (head.status === 101) this.#openTunnel();
  }

  /** It serves nobody else from here on. */
  #openTunnel(): void {
    this.#clean = false;
    this.#tunnel = true;
    this.#sender.ended = false;
    this.#requestSent = false;
  }

  #over(user: ResponseHandler): void {
    if (this.#requestSent) this.#letGo();
    // It reads no more of the request: what is left of it has nowhere to go.
    else if (!this.#clean && !this.#tunnel) this.abandon();
    user.responseOver();
  }

  /** Request and response are complete. */
  #letGo(): void {
    this.#user = null;
    const { endpoint } = this;
    endpoint.left(this.#priority);
    const { upstream } = endpoint;
    if (this.#tunnel && this.transport.queued > 0) {
      this.#close();
      return;
    }
    if (!this.#clean || endpoint.retired || this.transport.queued > 0 || this.#generation !== upstream.generation || this.#worker.closed) {
      this.#destroy();
      return;
    }
    this.#phase = 'idle';
    this.#parkedMs = this.#worker.nowMs;
    this.#worker.wheel.set(this.#deadline, this.#parkedMs + endpoint.reuseIdleMs);
    this.#addressPool = endpoint.park(this);
  }

  /** What is queued leaves first. */
  #close(): void {
    this.#phase = 'closing';
    this.transport.end();
    this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + this.#worker.limits.writeStallTimeoutMs);
  }

  ended(): void {
    this.#worker.tick();
    const user = this.#user;
    if (user === null) {
      if (this.#phase === 'closing') this.#destroy();
      else this.#idleClosed();
    } else if (this.#reader.endsWithConnection) {
      this.#clean = false;
      this.#reader.end(user);
      user.responseFlush();
      if (this.#user === user) this.#over(user);
    } else if (this.#reader.over) {
      // The response is complete, the request is not: nobody reads the rest.
      this.abandon();
      user.responseOver();
    } else {
      this.broken('closed');
    }
  }

  #idleClosed(): void {
    this.#addressPool?.remove(this);
    this.#sawClose(this.#worker.nowMs - this.#parkedMs);
    this.#destroy();
  }

  /** The upstream ended it after it had been idle for this long. */
  #sawClose(idleMs: number): void {
    const { nowMs } = this.#worker;
    this.#addressPool?.sawClose(idleMs, nowMs);
    this.endpoint.upstream.sawClose(idleMs, nowMs);
  }

  broken(reason: string): void {
    this.#worker.tick();
    const user = this.#user;
    if (user === null) {
      if (this.#phase === 'idle') this.#idleClosed();
      else this.#destroy();
      return;
    }
    if (this.#phase === 'connecting') this.#connectFailed(failures.connectRefused, reason);
    else if (this.#reader.over) {
      this.abandon();
      user.responseOver();
    } else if (this.#reader.awaitsHead) {
      // Its idle limit and a request have met on the way.
      if (this.#idleMs >= leastIdleMs) this.#sawClose(this.#idleMs);
      this.#fail(failures.upstreamClosed, reason);
    } else this.#fail(failures.upstreamCut, reason);
  }

  drained(): void {
    this.#worker.tick();
    this.#user?.upstreamDrained();
  }

  /** The connect timeout, or too long idle. */
  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    if (this.#phase === 'connecting') {
      this.#connectFailed(failures.connectTimeout, `no answer within ${this.endpoint.upstream.connectTimeoutMs} ms`);
    } else if (this.#phase === 'closing') {
      this.#destroy();
    } else if (this.#phase === 'idle') {
      this.#addressPool?.remove(this);
      this.#destroy();
    }
  }

  #connectFailed(failure: Failure, reason: string): void {
    const user = this.#user!;
    this.#user = null;
    this.endpoint.left(this.#priority);
    this.#destroy();
    this.endpoint.failed();
    user.connectFailed(this.endpoint, failure, reason);
  }

  #fail(failure: Failure, reason: string): void {
    const user = this.#user!;
    this.abandon();
    this.endpoint.failed();
    user.failed(failure, reason, false);
  }

  crashed(error: unknown): void {
    this.#worker.faulted(error);
    const user = this.#user;
    this.abandon();
    this.#destroy();
    user?.failed(failures.fault, 'an unexpected fault', false);
  }

  #destroy(): void {
    if (this.#phase === 'gone') return;
    this.#phase = 'gone';
    if (this.#open) this.#worker.counters.add(fixed.upstreamConnectionsHttp1, -1);
    this.#reader.clear();
    this.#worker.wheel.remove(this.#deadline);
    this.transport.destroy();
  }
}
