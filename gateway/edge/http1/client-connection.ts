// One HTTP/1.1 client connection: reads requests strictly and in order, frames the answers. One exchange at a time.
import { fixed } from '../../counters.ts';
import type { Attachment } from '../attachment.ts';
import { failureAnswer } from '../answers.ts';
import { Carry } from '../carry.ts';
import type { ClientSide } from '../client-side.ts';
import { Deadline } from '../deadline.ts';
import type { Timed } from '../deadline.ts';
import type { ClientConnection, Edge } from '../edge.ts';
import { Exchange } from '../exchange.ts';
import { failures } from '../failure.ts';
import type { Failure } from '../failure.ts';
import type { Transport, TransportOwner } from '../transport.ts';
import { cr, lf } from './characters.ts';
import { ChunkedDecoder } from './chunked.ts';
import { ClientWriter } from './client-writer.ts';
import { more, readFields } from './fields.ts';
import type { FieldList } from './fields.ts';
import { readRequestHead } from './request-head.ts';
import { chunkedLength, clientFacts } from './request-writer.ts';
import type { ResponseHead } from './response-head.ts';
import type { Answer } from './response-writer.ts';
import { mostTrailerBytes } from './trailers.ts';

/** What is read next. `wait`: the request is complete, its answer is not. `closing`: only the peer's end. */
type Phase = 'head' | 'length' | 'chunked' | 'trailers' | 'wait' | 'closing' | 'gone';

/** Bytes of requests sent ahead at which reading stops. */
const mostAheadBytes = 16 * 1024;
/** A request body of which no more than this is left is read to its end, so that the connection can be used again. */
const mostDiscardBytes = 64 * 1024;
/** After our last byte: time and bytes for the peer to take its answer and close. Closing at once could destroy the answer on its way. */
const lingerMs = 1000;
const mostLingerBytes = 256 * 1024;
/** Is a client that sends no more gone, or waiting for its answer? A 100 tells: whoever is gone answers it with a reset. Ms after its end. */
const probeAfterMs: readonly number[] = [10, 50, 250, 1000];

const continueLine = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

export class Http1Connection implements TransportOwner, ClientSide, ClientConnection, Timed {
  readonly #edge: Edge;
  readonly #transport: Transport;
  readonly #exchange: Exchange;
  readonly #decoder = new ChunkedDecoder();
  readonly #carry = new Carry();
  readonly #deadline = new Deadline(this);
  readonly #writer: ClientWriter;
  #phase: Phase = 'head';
  /** `#consume` is on the stack. */
  #consuming = false;
  #remaining = 0;
  /** The body of this request is asked for by `Expect` and none of it has come. */
  #owesContinue = false;
  /** The peer sends no more. */
  #peerEnded = false;
  #probes = 0;
  #paused = false;
  /** The client has not taken its last answers: its next request waits until it has. */
  #blocked = false;
  #queued = 0;
  #stalledAtMs = 0;
  #lingered = 0;
  #headSinceMs = Infinity;
  #idleSinceMs: number;

  constructor(edge: Edge, transport: Transport) {
    this.#edge = edge;
    this.#transport = transport;
    this.#writer = new ClientWriter(edge, transport);
    this.#idleSinceMs = edge.nowMs;
    this.#exchange = new Exchange(edge, this, clientFacts(transport.peer, transport.secure, edge.trustedHops));
    edge.connections.add(this);
    edge.counters.add(fixed.clientConnectionsHttp1, 1);
    edge.wheel.set(this.#deadline, edge.nowMs + edge.limits.connectionIdleTimeoutMs);
  }

  get peer(): string {
    return this.#transport.peer;
  }

  get secure(): boolean {
    return this.#transport.secure;
  }

  get congested(): boolean {
    return this.#transport.congested;
  }

  get busy(): boolean {
    return this.#exchange.active || this.#carry.length > 0 || this.#phase !== 'head';
  }

  get idleSinceMs(): number {
    return this.busy ? Infinity : this.#idleSinceMs;
  }

  // What the client sends.

  received(bytes: Buffer, start: number, end: number): void {
    this.#edge.tick();
    const carry = this.#carry;
    if (this.#phase === 'closing') {
      this.#lingered += end - start;
      if (this.#lingered > mostLingerBytes) this.destroy();
    } else if (this.#phase === 'wait' || this.#blocked) {
      this.#sentAhead(bytes, start, end);
    } else if (carry.length === 0) {
      this.#consume(bytes, start, end);
    } else {
      // A head is read anew only when another line of it is complete: a peer that sends byte by byte must not cost a scan a byte.
      const { limits } = this.#edge;
      const most = this.#headSinceMs === Infinity ? 0 : Math.min(limits.requestLineBytes, limits.headBytes);
      const grows = bytes.indexOf(lf, start) < 0 && carry.length + end - start < most;
      carry.append(bytes, start, end);
      if (!grows) this.#consume(carry.bytes, carry.start, carry.end);
    }
  }

  /** Requests sent before this one was answered wait, and reading stops when there are enough of them. */
  #sentAhead(bytes: Buffer, start: number, end: number): void {
    this.#carry.append(bytes, start, end);
    const { pipelinedRequests } = this.#edge.limits;
    if (this.#carry.length >= mostAheadBytes || blankLines(this.#carry, pipelinedRequests) >= pipelinedRequests) this.pauseRequest();
  }

  #consume(bytes: Buffer, start: number, end: number): void {
    this.#consuming = true;
    let at = start;
    let starved = false;
    do {
      while (at < end && !starved && this.#isReading) {
        const next = this.#step(bytes, at, end);
        if (next === more) starved = true;
        else at = next;
      }
      // An exchange that ends here leaves room for the next request in the same bytes.
      this.#exchange.requestFlush();
    } while (at < end && !starved && this.#phase === 'head' && !this.#blocked);
    this.#consuming = false;
    this.#keep(bytes, at, end);
    if (this.#phase === 'head' && !this.#blocked) this.#settle();
  }

  get #isReading(): boolean {
    if (this.#blocked) return false;
    return this.#phase === 'head' || this.#phase === 'length' || this.#phase === 'chunked' || this.#phase === 'trailers';
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    const ours = bytes === this.#carry.bytes;
    if (this.#phase === 'closing' || this.#phase === 'gone') this.#carry.clear();
    else if (ours) this.#carry.consume(at);
    else if (at < end) this.#carry.append(bytes, at, end);
  }

  /** Between requests: the deadline of a head that has begun, or of an idle connection. */
  #settle(): void {
    const { nowMs, limits, wheel } = this.#edge;
    if (this.#carry.length > 0) {
      if (this.#peerEnded) {
        this.destroy();
        return;
      }
      if (this.#headSinceMs === Infinity) this.#headSinceMs = nowMs;
      wheel.set(this.#deadline, this.#headSinceMs + limits.headTimeoutMs);
    } else if (this.#peerEnded) {
      this.#finish();
    } else {
      this.#idleSinceMs = nowMs;
      wheel.set(this.#deadline, nowMs + limits.connectionIdleTimeoutMs);
    }
  }

  /** Reads one part; returns where it ends, or `more`. */
  #step(bytes: Buffer, at: number, end: number): number {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(bytes, at, end);
      case 'length': {
        const stop = Math.min(end, at + this.#remaining);
        this.#remaining -= stop - at;
        this.#owesContinue = false;
        this.#exchange.requestBody(bytes, at, stop);
        if (this.#remaining === 0 && this.#isReading) this.#requestEnd(null);
        return stop;
      }
      case 'chunked': {
        const decoder = this.#decoder;
        const stop = decoder.step(bytes, at, end);
        this.#owesContinue = false;
        if (decoder.runEnd > decoder.runStart) this.#exchange.requestBody(bytes, decoder.runStart, decoder.runEnd);
        if (decoder.malformed) this.#exchange.refuse(failures.malformedBody);
        else if (decoder.atTrailers && this.#isReading) this.#phase = 'trailers';
        return stop;
      }
      case 'trailers': {
        const { trailers, limits } = this.#edge;
        const after = readFields(trailers, bytes, at, end, limits.headFields);
        if (after >= 0) this.#requestEnd(trailers);
        else if (after === more && end - at < mostTrailerBytes) return more;
        else this.#exchange.refuse(failures.malformedBody);
        return after < 0 ? end : after;
      }
      default:
        throw new Error(`bytes in phase ${this.#phase}`);
    }
  }

  #readHead(bytes: Buffer, at: number, end: number): number {
    const edge = this.#edge;
    // One empty line before a request is passed over (RFC 9112 §2.2).
    let start = at;
    if (bytes[at] === cr) {
      if (at + 1 === end) return more;
      if (bytes[at + 1] === lf) start = at + 2;
      if (start === end) return more;
    }
    const head = edge.requestHead;
    const after = readRequestHead(head, bytes, start, end, edge.limits);
    if (after === more) return more;
    this.#headSinceMs = Infinity;
    if (after < 0) {
      this.#refuse(head.fault);
      return end;
    }
    edge.wheel.clear(this.#deadline);
    this.#writer.begin(head.modern, head.isHead, head.close);
    this.#owesContinue = head.expectsContinue;
    this.#remaining = Math.max(0, head.contentLength);
    const hasBody = head.chunked || this.#remaining > 0;
    if (head.chunked) this.#decoder.reset();
    this.#phase = head.chunked ? 'chunked' : hasBody ? 'length' : 'wait';
    this.#exchange.begin(head, head.chunked ? chunkedLength : this.#remaining);
    if (!hasBody) this.#exchange.requestEnd(null);
    // The route and the limits are decided: now the body is welcome.
    else if (this.#owesContinue && after === end && this.#exchange.wantsBody) this.#transport.give(continueLine);
    return after;
  }

  #requestEnd(trailers: FieldList | null): void {
    this.#phase = 'wait';
    this.#exchange.requestEnd(trailers);
  }

  /** Answers what is no request, and closes: where the next one would begin is not known. */
  #refuse(failure: Failure): void {
    const edge = this.#edge;
    this.#writer.begin(true, false, true);
    edge.counters.failure(failure.flag);
    edge.counters.finish(-1, failure.httpStatus, 0);
    this.#writer.answer(failureAnswer(failure, '', false, false));
    edge.log({
      atMs: Date.now(),
      flag: failure.flag,
      sentence: failure.sentence,
      code: failure.httpStatus,
      method: '',
      path: '',
      requestId: '',
      peer: this.peer,
      route: '',
      mapping: '',
      address: '',
      requestBytes: 0,
      responseBytes: 0,
      durationMs: 0,
    });
    this.#finish();
  }

  exchangeOver(): void {
    if (this.#phase === 'gone' || this.#phase === 'closing') return;
    // The rest of the request will not be read, or this was the last answer.
    if (this.#phase !== 'wait' || this.#writer.close) {
      this.#finish();
      return;
    }
    this.#phase = 'head';
    if (this.#transport.congested) {
      this.#blocked = true;
      this.#edge.wheel.set(this.#deadline, this.#edge.nowMs + this.#edge.limits.writeStallTimeoutMs);
      return;
    }
    this.#next();
  }

  #next(): void {
    if (this.#paused) this.#resume();
    if (this.#consuming) return;
    if (this.#carry.length > 0) this.#consume(this.#carry.bytes, this.#carry.start, this.#carry.end);
    else this.#settle();
  }

  pauseRequest(): void {
    this.#paused = true;
    this.#transport.pause();
  }

  resumeRequest(): void {
    if (this.#paused) this.#resume();
  }

  #resume(): void {
    this.#paused = false;
    this.#transport.resume();
  }

  // What the client gets.

  informational(head: ResponseHead): void {
    this.#writer.informational(head);
  }

  responseHead(head: ResponseHead, attachment: Attachment, serviceTimeMs: number): void {
    this.#writer.head(head, attachment, serviceTimeMs);
  }

  responseBody(bytes: Buffer, start: number, end: number): void {
    this.#writer.body(bytes, start, end);
  }

  responseEnd(trailers: FieldList | null): void {
    this.#writer.end(trailers);
  }

  flush(): void {
    this.#edge.out.flush();
  }

  answer(answer: Answer, last: boolean): void {
    // What is left of a small body is read and thrown away; anything else ends the connection.
    const complete = this.#phase === 'wait' || (!last && this.#phase === 'length' && this.#remaining <= mostDiscardBytes && !this.#owesContinue);
    if (!complete) {
      this.#writer.close = true;
      this.#exchange.giveUpRequest();
    }
    this.#writer.answer(answer);
  }

  abort(): void {
    this.#tearDown();
  }

  // How it ends.

  /** Sends no more, and waits a moment for the peer to close. */
  #finish(): void {
    this.#phase = 'closing';
    this.#carry.clear();
    this.#transport.end();
    this.#queued = this.#transport.queued;
    if (this.#peerEnded && this.#queued === 0) {
      this.destroy();
      return;
    }
    this.#resume();
    this.#stalledAtMs = this.#edge.nowMs + this.#edge.limits.writeStallTimeoutMs;
    this.#edge.wheel.set(this.#deadline, this.#edge.nowMs + lingerMs);
  }

  /** While closing: waits on as long as the client still takes what is queued. */
  #linger(nowMs: number): void {
    const { queued } = this.#transport;
    if (queued < this.#queued) this.#stalledAtMs = nowMs + this.#edge.limits.writeStallTimeoutMs;
    this.#queued = queued;
    if (queued === 0 || nowMs >= this.#stalledAtMs) this.destroy();
    else this.#edge.wheel.set(this.#deadline, nowMs + lingerMs);
  }

  ended(): void {
    this.#edge.tick();
    this.#peerEnded = true;
    if (this.#blocked) return;
    switch (this.#phase) {
      case 'closing':
        if (this.#transport.queued === 0) this.destroy();
        return;
      case 'wait':
        if (!this.#exchange.responseStarted && this.#writer.modern) this.#probe();
        return;
      case 'head':
        if (this.#carry.length > 0) this.destroy();
        else this.#finish();
        return;
      default:
        // Half a request: nobody waits for an answer.
        this.destroy();
    }
  }

  /** A client that only ended its side takes a 100 for what it is; one that is gone answers it with a reset. */
  #probe(): void {
    const afterMs = probeAfterMs[this.#probes++];
    if (afterMs === undefined) return;
    this.#transport.give(continueLine);
    this.#edge.wheel.set(this.#deadline, this.#edge.nowMs + afterMs);
  }

  drained(): void {
    this.#edge.tick();
    this.#exchange.clientDrained();
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#next();
  }

  broken(): void {
    this.#edge.tick();
    this.destroy();
  }

  crashed(error: unknown): void {
    this.#edge.faulted(error);
    this.#edge.out.drop();
    this.destroy();
  }

  expired(nowMs: number): void {
    this.#edge.nowMs = nowMs;
    if (this.#phase === 'closing') {
      this.#linger(nowMs);
    } else if (this.#blocked) {
      this.#edge.counters.failure(failures.clientStalled.flag);
      this.destroy();
    } else if (this.#phase === 'wait') {
      if (this.#peerEnded && !this.#exchange.responseStarted) this.#probe();
    } else if (this.#phase === 'head') {
      if (this.#carry.length > 0) this.#refuse(failures.headTimeout);
      else this.#finish();
    }
  }

  destroy(): void {
    if (this.#phase === 'gone') return;
    this.#tearDown();
    this.#exchange.clientGone(failures.clientGone);
  }

  #tearDown(): void {
    if (this.#phase === 'gone') return;
    this.#phase = 'gone';
    const edge = this.#edge;
    edge.connections.delete(this);
    edge.counters.add(fixed.clientConnectionsHttp1, -1);
    edge.wheel.remove(this.#deadline);
    this.#carry.clear();
    this.#transport.destroy();
  }
}

/** Blank lines in what was sent ahead, at most `most`: no fewer than the requests there. */
function blankLines(carry: Carry, most: number): number {
  let count = 0;
  for (let at = carry.bytes.indexOf(blankLine, carry.start); at >= 0 && at < carry.end && count < most; at = carry.bytes.indexOf(blankLine, at + 4)) count++;
  return count;
}

const blankLine = Buffer.from('\r\n\r\n');
