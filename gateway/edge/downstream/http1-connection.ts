// One HTTP/1.1 client connection: its life from the first byte to the last. One exchange at a time; what is sent is taken by its Http1Request,
// answers are framed by its Http1Answer.
import { fixed } from "../../shared/metrics/fixed.ts";
import { Deadline, type Timed } from "../io/deadline.ts";
import type { Transport, TransportOwner } from "../io/transport.ts";
import type { ClientTls } from "../message/client-certificate.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { WriteStall } from "../io/write-stall.ts";
import { failures } from "../../failures.ts";
import { unservedEntry } from "../access/access-entry.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { DownstreamContext } from "./downstream-context.ts";
import { HalfClosed } from "./half-closed.ts";
import { Http1Answer, type AnsweredConnection } from "./http1-answer.ts";
import { Http1Request, type RequestConnection } from "./http1-request.ts";
import { mostLingerBytes, mostLingerMs } from "./lingering.ts";

/** `closing`: everything is said, only the peer's end is awaited. */
type State = "open" | "closing" | "gone";

/** After our last byte: time and bytes for the peer to take its answer and close. Closing at once could destroy the answer on its way. Who is still sending its request has more of both. */
const lingerMs = 1000;
const mostTailBytes = 256 * 1024;

export class Http1Connection implements TransportOwner, RequestConnection, AnsweredConnection, ClientConnection, Timed {
  readonly #context: DownstreamContext;
  readonly #worker: WorkerContext;
  readonly transport: Transport;
  readonly tls: ClientTls | null;
  readonly deadline = new Deadline(this);
  readonly answer: Http1Answer;
  readonly headForm = "lines";
  readonly #request: Http1Request;
  #state: State = "open";
  /** Bytes pass as they are, both ways, until both sides have ended. */
  #tunnel = false;
  /** null: the client may send more. */
  #halfClosed: HalfClosed | null = null;
  #paused = false;
  /** The client has not taken its last answers: its next request waits until it has. */
  #blocked = false;
  /** Made for the first client that is slow at the end of an exchange. */
  #stall: WriteStall | null = null;
  /** While closing: bytes that were thrown away, and when the last of them came, ms. */
  #lingered = 0;
  #heardMs = 0;
  #closingSinceMs = 0;
  #mostBytes = mostTailBytes;

  /** `tls` null: in cleartext. */
  constructor(context: DownstreamContext, transport: Transport, tls: ClientTls | null) {
    const { worker } = context;
    this.#context = context;
    this.#worker = worker;
    this.transport = transport;
    this.tls = tls;
    this.answer = new Http1Answer(context, transport, this);
    this.#request = new Http1Request(context, this);
    context.connections.add(this);
    worker.counters.add(fixed.clientConnectionsHttp1, 1);
    worker.wheel.set(this.deadline, worker.nowMs + worker.front.connectionIdleMs);
  }

  get peer(): string {
    return this.transport.peer;
  }

  get secure(): boolean {
    return this.transport.secure;
  }

  get busy(): boolean {
    const { exchange, reader } = this.#request;
    return (exchange !== null && exchange.active) || reader.carries || !reader.awaitingHead || this.#state !== "open";
  }

  get idleSinceMs(): number {
    // A client that has its answer keeps no drain waiting.
    if (this.#state === "closing" && this.transport.queued === 0) return this.#closingSinceMs;
    return this.busy ? Infinity : this.#request.idleSinceMs;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get halfClosed(): boolean {
    return this.#halfClosed !== null;
  }

  // What the client sends.

  received(bytes: Buffer, start: number, end: number): void {
    this.#worker.tick();
    if (this.#state === "open") {
      this.#request.reader.received(bytes, start, end);
      return;
    }
    if (this.#state === "closing") this.#throwAway(end - start);
  }

  #throwAway(bytes: number): void {
    this.#lingered += bytes;
    this.#heardMs = this.#worker.nowMs;
    if (this.#lingered > this.#mostBytes) this.destroy();
    else if (this.#mostBytes > mostTailBytes) this.#context.lingering.threwAway(this, bytes);
  }

  exchangeOver(): void {
    if (this.#state !== "open") return;
    // The rest of the request will not be read, or this was the last answer.
    if (!this.#request.reader.complete || this.answer.close) {
      this.finish(!this.#request.reader.complete);
      return;
    }
    this.#blocked = this.transport.congested;
    if (this.#blocked) this.#worker.wheel.set(this.deadline, this.#awaitTaken().nextMs);
    else if (this.#paused) this.#resume();
    this.#next();
  }

  /** A fault in the client's next request is its own: whoever ended the exchange, as the upstream's connection does, is not to blame. */
  #next(): void {
    try {
      this.#request.reader.next(this.#blocked);
    } catch (error) {
      this.crashed(error);
    }
  }

  requestUnwanted(): void {
    // It is read to its end: only so the connection can be used again.
  }

  pauseRequest(): void {
    this.#paused = true;
    this.transport.pause();
  }

  resumeRequest(): void {
    if (this.#paused) this.#resume();
  }

  #resume(): void {
    this.#paused = false;
    this.transport.resume();
  }

  // As its answer says.

  answerBegins(): void {
    this.#halfClosed!.answerBegins();
  }

  tunnelOpens(): void {
    this.#tunnel = true;
    this.resumeRequest();
    this.#request.reader.openTunnel();
    if (this.halfClosed) this.#endTunnel();
  }

  /** The client has ended its side of the tunnel. */
  #endTunnel(): void {
    const { request } = this.#request.exchange!;
    request.end(null);
    request.flush();
  }

  readsOn(last: boolean): boolean {
    return this.#request.readsOn(last);
  }

  // How it ends.

  finish(unread: boolean): void {
    this.#state = "closing";
    this.#closingSinceMs = this.#worker.nowMs;
    this.#heardMs = this.#worker.nowMs;
    this.#request.reader.stop();
    this.transport.end();
    if (this.halfClosed && this.transport.queued === 0) {
      this.destroy();
      return;
    }
    this.#resume();
    this.#awaitTaken();
    if (unread) {
      this.#mostBytes = mostLingerBytes;
      this.#context.lingering.add(this);
    }
    this.#worker.wheel.set(this.deadline, this.#worker.nowMs + lingerMs);
  }

  /** Nobody waits for the answer to half a request. What was answered before it still goes out. */
  giveUp(): void {
    this.finish(false);
    this.#request.exchange?.clientGone(failures.clientGone);
  }

  /** An exchange that is under way tells of itself. */
  #cutStalled(): void {
    const worker = this.#worker;
    const peer = this.transport.peer;
    if (this.#request.exchange?.active !== true) {
      worker.counters.failure(failures.clientStalled.flag);
      worker.log(failures.clientStalled.flag, "", true, () =>
        unservedEntry(failures.clientStalled, "", 0, peer, "", false),
      );
    }
    this.destroy();
  }

  /** While closing: waits on as long as the client still takes what is queued, or sends what is thrown away. */
  #linger(nowMs: number): void {
    if (this.transport.queued > 0) {
      if (this.#isStalled(nowMs)) this.destroy();
      else this.#worker.wheel.set(this.deadline, Math.min(nowMs + lingerMs, this.#stall!.nextMs));
      return;
    }
    const dueMs =
      this.#mostBytes > mostTailBytes ? Math.min(this.#heardMs + lingerMs, this.#closingSinceMs + mostLingerMs) : 0;
    if (nowMs >= dueMs) this.destroy();
    else this.#worker.wheel.set(this.deadline, dueMs);
  }

  /** From now on it is looked at whether the client takes what is queued. */
  #awaitTaken(): WriteStall {
    const stall = (this.#stall ??= new WriteStall(this.#worker.limits.writeStallTimeoutMs));
    stall.end();
    stall.begin(this.#worker.nowMs, this.transport);
    return stall;
  }

  #isStalled(nowMs: number): boolean {
    const stall = this.#stall!;
    stall.look(nowMs, this.transport);
    return stall.isOver(nowMs);
  }

  ended(): void {
    this.#worker.tick();
    this.#halfClosed ??= new HalfClosed(this.#worker, this.transport, this.deadline);
    const { reader } = this.#request;
    if (this.#blocked) return;
    if (this.#state === "closing") {
      if (this.transport.queued === 0) this.destroy();
    } else if (this.#tunnel) {
      this.#endTunnel();
    } else if (reader.complete) {
      this.#doubt(this.#halfClosed);
    } else if (reader.awaitingHead && !reader.carries) {
      this.finish(false);
    } else {
      this.giveUp();
    }
  }

  /** The client sends no more and awaits its answer, or what is left of it: is it gone? */
  #doubt(halfClosed: HalfClosed): void {
    const exchange = this.#request.exchange!;
    if (!exchange.responseStarted) {
      if (this.answer.http11) halfClosed.probe();
    } else if (!halfClosed.isThere(exchange.lastByteMs)) {
      this.cut();
      exchange.clientGone(failures.clientEnded);
    }
  }

  drained(): void {
    this.#worker.tick();
    this.#halfClosed?.heard();
    this.#request.exchange?.answer.clientDrained();
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#paused) this.#resume();
    this.#request.reader.release();
  }

  broken(): void {
    this.#worker.tick();
    this.destroy();
  }

  crashed(error: unknown): void {
    this.#worker.faulted(error);
    this.#worker.out.drop();
    if (this.#state === "gone") return;
    this.cut();
    this.#request.exchange?.clientGone(failures.fault);
  }

  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    if (this.#state === "closing") {
      this.#linger(nowMs);
    } else if (this.#blocked) {
      if (!this.#isStalled(nowMs)) {
        this.#worker.wheel.set(this.deadline, this.#stall!.nextMs);
        return;
      }
      this.#cutStalled();
    } else if (this.#request.reader.complete) {
      if (this.#halfClosed !== null) this.#doubt(this.#halfClosed);
    } else if (this.#request.reader.awaitingHead) {
      if (this.#request.reader.carries) this.#request.refuseLate(failures.headTimeout);
      else this.finish(false);
    }
  }

  destroy(): void {
    if (this.#state === "gone") return;
    this.cut();
    this.#request.exchange?.clientGone(failures.clientGone);
  }

  get retiring(): boolean {
    return this.answer.retiring || this.#state === "closing";
  }

  drain(): void {
    this.answer.retiring = true;
  }

  cut(): void {
    if (this.#state === "gone") return;
    this.leave();
    this.transport.destroy();
  }

  /** Nothing is read or told any more. The transport may get another owner, if it speaks another protocol after all. */
  leave(): void {
    this.#state = "gone";
    const worker = this.#worker;
    this.#context.connections.delete(this);
    if (this.#mostBytes > mostTailBytes) this.#context.lingering.leave(this);
    worker.counters.add(fixed.clientConnectionsHttp1, -1);
    worker.wheel.remove(this.deadline);
    this.#request.exchange?.retire();
    this.#request.reader.stop();
  }
}
