// One HTTP/1.1 connection to an Endpoint: reads responses strictly, and knows when it may serve another request.
import { Carry } from '../carry.ts';
import { fixed } from '../../counters.ts';
import { Deadline } from '../deadline.ts';
import type { Timed } from '../deadline.ts';
import type { Edge } from '../edge.ts';
import { failures } from '../failure.ts';
import type { Failure } from '../failure.ts';
import type { Attachment } from '../attachment.ts';
import { ChunkedDecoder } from '../http1/chunked.ts';
import { lf } from '../http1/characters.ts';
import { more, readFields } from '../http1/fields.ts';
import type { FieldList } from '../http1/fields.ts';
import type { Http1RequestHead } from '../http1/request-head.ts';
import type { ClientFacts } from '../http1/request-writer.ts';
import { confirmsUpgrade } from '../http1/upgrade.ts';
import { badResponse, readResponseHead } from '../http1/response-head.ts';
import { mostTrailerBytes } from '../http1/trailers.ts';
import type { SocketTransport, TransportOwner } from '../transport.ts';
import { dial } from './dial.ts';
import type { EndpointPool } from './endpoint-pool.ts';
import type { IdleShelf } from './idle-shelf.ts';
import { RequestSender } from './request-sender.ts';
import type { UpstreamSide } from './upstream-side.ts';
import type { UpstreamUser } from './user.ts';

/** Where it stands. Reading: `head` to `tunnel`. `closing`: all is said, the last bytes leave. */
type Phase = 'connecting' | 'idle' | 'head' | 'length' | 'chunked' | 'trailers' | 'close' | 'tunnel' | 'over' | 'closing' | 'gone';

/** 1xx responses before one final response; more are a flood. */
const mostInformational = 16;

export class UpstreamConnection implements UpstreamSide, TransportOwner, Timed {
  readonly kind = 'side';
  /** Of the request that it serves, or served last. */
  endpoint: EndpointPool;
  readonly transport: SocketTransport;
  readonly #edge: Edge;
  readonly #sender: RequestSender;
  /** Of the Upstream, when it was dialled or taken for another request. */
  #generation: number;
  readonly #bornMs: number;
  readonly #deadline = new Deadline(this);
  readonly #carry = new Carry();
  readonly #decoder = new ChunkedDecoder();
  #phase: Phase = 'connecting';
  #user: UpstreamUser | null;
  /** Of the request that it serves, or served last: which breaker counts it. */
  #priority: number;
  #remaining = 0;
  #informational = 0;
  /** The request was given to its last byte and flushed. */
  #requestSent = false;
  #tunnel = false;
  /** No close token, no surplus byte, no second framing. */
  #clean = true;
  #parkedMs = 0;
  /** Where it stands idle: its Endpoint may have left since. */
  #shelf: IdleShelf | null = null;
  #open = false;

  /** Dials. */
  constructor(endpoint: EndpointPool, user: UpstreamUser, priority: number) {
    const { edge } = endpoint;
    this.endpoint = endpoint;
    this.#priority = priority;
    this.#edge = edge;
    this.#user = user;
    this.#generation = endpoint.upstream.generation;
    this.#bornMs = edge.nowMs;
    const { socket, transport } = dial(endpoint.ip, endpoint.port, endpoint.upstream, edge.reads, this);
    this.transport = transport;
    this.#sender = new RequestSender(edge.out, transport);
    edge.wheel.set(this.#deadline, edge.nowMs + endpoint.upstream.connectTimeoutMs);
    socket.once(transport.secure ? 'secureConnect' : 'connect', () => this.#connected());
  }

  #connected(): void {
    if (this.#phase !== 'connecting') return;
    this.#edge.tick();
    this.#open = true;
    this.#edge.counters.add(fixed.upstreamConnectionsHttp1, 1);
    this.#edge.wheel.clear(this.#deadline);
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
  bind(user: UpstreamUser, endpoint: EndpointPool, priority: number): void {
    this.#user = user;
    this.endpoint = endpoint;
    this.#priority = priority;
    this.#generation = endpoint.upstream.generation;
    this.#phase = 'head';
    this.#sender.ended = false;
    this.#requestSent = false;
    this.#informational = 0;
    this.#edge.wheel.clear(this.#deadline);
  }

  /** May an idle connection serve a request to `endpoint`, which has the same address? */
  isFresh(nowMs: number, endpoint: EndpointPool): boolean {
    const lifetimeMs = endpoint.upstream.upstream?.maxLifetimeMs ?? Infinity;
    return nowMs - this.#parkedMs <= endpoint.reuseIdleMs && nowMs - this.#bornMs < lifetimeMs;
  }

  beginRequest(head: Http1RequestHead, attachment: Attachment, facts: ClientFacts, requestId: Buffer, framing: number): void {
    this.#sender.begin(head, attachment, facts, requestId, framing);
  }

  sendHead(bytes: Buffer, length: number, framing: number): void {
    this.#sender.head(bytes, length, framing);
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
    if (this.#phase === 'over') this.#letGo();
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

  received(bytes: Buffer, start: number, end: number): void {
    this.#edge.tick();
    if (this.#user === null || this.#phase === 'over') {
      // Bytes that nobody asked for.
      this.#clean = false;
      if (this.#user === null) {
        this.#shelf?.remove(this);
        this.#destroy();
      }
      return;
    }
    if (this.#carry.length === 0) {
      this.#read(bytes, start, end);
    } else {
      // A head is read anew only when another line of it is complete: a peer that sends byte by byte must not cost a scan a byte.
      const { limits } = this.#edge;
      const grows = bytes.indexOf(lf, start) < 0 && this.#carry.length + end - start < limits.headBytes;
      this.#carry.append(bytes, start, end);
      if (grows) return;
      this.#read(this.#carry.bytes, this.#carry.start, this.#carry.end);
    }
  }

  #read(bytes: Buffer, start: number, end: number): void {
    let at = start;
    const user = this.#user!;
    while (at < end && this.#phase !== 'over') {
      const next = this.#step(user, bytes, at, end);
      if (this.#user === null) return;
      if (next < 0) {
        if (next === more) this.#keep(bytes, at, end);
        else this.#fail(failures.upstreamProtocol, 'its response is malformed');
        if (next !== more) return;
        at = end;
        user.responseFlush();
        return;
      }
      at = next;
    }
    this.#carry.clear();
    if (at < end) this.#clean = false;
    user.responseFlush();
    if (this.#phase === 'over' && this.#user === user) this.#over(user);
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    if (bytes === this.#carry.bytes) this.#carry.consume(at);
    else this.#carry.append(bytes, at, end);
  }

  /** Reads one part; returns where it ends, or a negative code. */
  #step(user: UpstreamUser, bytes: Buffer, at: number, end: number): number {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(user, bytes, at, end);
      case 'length': {
        const stop = Math.min(end, at + this.#remaining);
        this.#remaining -= stop - at;
        user.responseBody(bytes, at, stop);
        if (this.#remaining === 0) this.#endBody(user);
        return stop;
      }
      case 'chunked': {
        const decoder = this.#decoder;
        const stop = decoder.step(bytes, at, end);
        if (decoder.malformed) return badResponse;
        if (decoder.runEnd > decoder.runStart) user.responseBody(bytes, decoder.runStart, decoder.runEnd);
        if (decoder.atTrailers) this.#phase = 'trailers';
        return stop;
      }
      case 'trailers':
        return this.#readTrailers(user, bytes, at, end);
      case 'close':
      case 'tunnel':
        user.responseBody(bytes, at, end);
        return end;
      default:
        throw new Error(`bytes in phase ${this.#phase}`);
    }
  }

  #readHead(user: UpstreamUser, bytes: Buffer, at: number, end: number): number {
    const head = this.#edge.responseHead;
    const after = readResponseHead(head, bytes, at, end, user.isHead, this.#edge.limits.headBytes);
    if (after < 0) return after;
    if (head.status < 200) {
      if (head.status === 101 && this.#sender.upgrades && confirmsUpgrade(head)) {
        this.#openTunnel();
        user.upgraded(head);
        return after;
      }
      // Nobody asked for another protocol; 100 is ours to say.
      if (head.status === 101 || ++this.#informational > mostInformational) return badResponse;
      if (head.status !== 100) user.informational(head);
      return after;
    }
    this.endpoint.answered(head.status);
    if (head.close) this.#clean = false;
    const { framing } = head;
    this.#remaining = head.contentLength;
    user.responseHead(head);
    if (this.#user === null) return after;
    if (framing === 'none' || (framing === 'length' && this.#remaining === 0)) this.#endBody(user);
    else this.#phase = framing;
    if (framing === 'chunked') this.#decoder.reset();
    return after;
  }

  /** It serves nobody else from here on. */
  #openTunnel(): void {
    this.endpoint.answered(101);
    this.#phase = 'tunnel';
    this.#clean = false;
    this.#tunnel = true;
    this.#sender.ended = false;
    this.#requestSent = false;
  }

  #readTrailers(user: UpstreamUser, bytes: Buffer, at: number, end: number): number {
    const { trailers, limits } = this.#edge;
    const after = readFields(trailers, bytes, at, end, limits.headFields);
    if (after === more) return end - at >= mostTrailerBytes ? badResponse : more;
    if (after < 0 || after - at > mostTrailerBytes) return badResponse;
    this.#phase = 'over';
    user.responseEnd(trailers);
    return after;
  }

  #endBody(user: UpstreamUser): void {
    this.#phase = 'over';
    user.responseEnd(null);
  }

  #over(user: UpstreamUser): void {
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
    if (!this.#clean || endpoint.retired || this.transport.queued > 0 || this.#generation !== upstream.generation || this.#edge.closed) {
      this.#destroy();
      return;
    }
    this.#phase = 'idle';
    this.#parkedMs = this.#edge.nowMs;
    this.#edge.wheel.set(this.#deadline, this.#parkedMs + endpoint.reuseIdleMs);
    this.#shelf = endpoint.park(this);
  }

  /** What is queued leaves first. */
  #close(): void {
    this.#phase = 'closing';
    this.transport.end();
    this.#edge.wheel.set(this.#deadline, this.#edge.nowMs + this.#edge.limits.writeStallTimeoutMs);
  }

  ended(): void {
    this.#edge.tick();
    const user = this.#user;
    if (user === null) {
      if (this.#phase === 'closing') this.#destroy();
      else this.#idleClosed();
    } else if (this.#phase === 'close' || this.#phase === 'tunnel') {
      this.#clean = false;
      this.#endBody(user);
      user.responseFlush();
      if (this.#user === user) this.#over(user);
    } else if (this.#phase === 'over') {
      // The response is complete, the request is not: nobody reads the rest.
      this.abandon();
      user.responseOver();
    } else {
      this.broken('closed');
    }
  }

  #idleClosed(): void {
    const { nowMs } = this.#edge;
    const idleMs = nowMs - this.#parkedMs;
    this.#shelf?.remove(this);
    this.#shelf?.closes.saw(idleMs, nowMs);
    this.endpoint.upstream.closes.saw(idleMs, nowMs);
    this.#destroy();
  }

  broken(reason: string): void {
    this.#edge.tick();
    const user = this.#user;
    if (user === null) {
      if (this.#phase === 'idle') this.#idleClosed();
      else this.#destroy();
      return;
    }
    if (this.#phase === 'connecting') this.#connectFailed(failures.connectRefused, reason);
    else if (this.#phase === 'over') {
      this.abandon();
      user.responseOver();
    } else this.#fail(this.#phase === 'head' ? failures.upstreamClosed : failures.upstreamCut, reason);
  }

  drained(): void {
    this.#edge.tick();
    this.#user?.upstreamDrained();
  }

  /** The connect timeout, or too long idle. */
  expired(nowMs: number): void {
    this.#edge.nowMs = nowMs;
    if (this.#phase === 'connecting') {
      this.#connectFailed(failures.connectTimeout, `no answer within ${this.endpoint.upstream.connectTimeoutMs} ms`);
    } else if (this.#phase === 'closing') {
      this.#destroy();
    } else if (this.#phase === 'idle') {
      this.#shelf?.remove(this);
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
    this.#edge.faulted(error);
    const user = this.#user;
    this.abandon();
    this.#destroy();
    user?.failed(failures.fault, 'an unexpected fault', false);
  }

  #destroy(): void {
    if (this.#phase === 'gone') return;
    this.#phase = 'gone';
    if (this.#open) this.#edge.counters.add(fixed.upstreamConnectionsHttp1, -1);
    this.#carry.clear();
    this.#edge.wheel.remove(this.#deadline);
    this.transport.destroy();
  }
}
