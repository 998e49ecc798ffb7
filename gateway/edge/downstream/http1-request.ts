// Http1Request: what an HTTP/1.1 client sends, a request at a time, on its way from the reader to its exchange.
import { httpColumn, withoutSeries } from "../../shared/memory/counters.ts";
import { unservedEntry } from "../access/access-entry.ts";
import { continueLine } from "../http1/continue.ts";
import { RequestReader, type RequestTaker } from "../http1/request-reader.ts";
import type { ClientSide } from "../exchange/client-side.ts";
import { Exchange } from "../exchange/exchange.ts";
import type { Deadline } from "../io/deadline.ts";
import type { Transport } from "../io/transport.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { failureAnswer, identified } from "../message/answers.ts";
import type { ClientTls } from "../message/client-certificate.ts";
import { clientFacts, type ClientFacts } from "../message/client-facts.ts";
import type { Failure } from "../../failures.ts";
import type { FieldList } from "../fields/fields.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { DownstreamContext } from "./downstream-context.ts";
import type { Http1Answer } from "./http1-answer.ts";

/** A request body of which no more than this is left is read to its end, so that the connection can be used again. */
const mostDiscardBytes = 64 * 1024;

/** The connection of a client, as its requests need it. */
export interface RequestConnection extends ClientSide {
  readonly answer: Http1Answer;
  readonly transport: Transport;
  /** What its handshake agreed on; null: it is in cleartext. */
  readonly tls: ClientTls | null;
  /** Between requests it is due when the next head must be complete, or the connection was idle for long. */
  readonly deadline: Deadline;
  readonly isOpen: boolean;
  /** The client sends no more. */
  readonly halfClosed: boolean;
  /** Sends no more, and waits a moment for the client to close. `unread`: more of its request may come, which is thrown away. */
  finish(unread: boolean): void;
  /** Half a request, and nothing more to come. */
  giveUp(): void;
}

/** Kept by its connection; every request of it passes here. */
export class Http1Request implements RequestTaker {
  readonly #context: DownstreamContext;
  readonly #worker: WorkerContext;
  readonly #connection: RequestConnection;
  readonly reader: RequestReader;
  /** Made for the first request: ten thousand idle connections have none. */
  exchange: Exchange | null = null;
  #facts: ClientFacts | null = null;
  /** The body of this request is asked for by `Expect` and none of it has come. */
  #owesContinue = false;
  /** A part of a head came then; Infinity: none has. */
  #headSinceMs = Infinity;
  /** The last request was answered then. */
  idleSinceMs: number;

  constructor(context: DownstreamContext, connection: RequestConnection) {
    const { worker } = context;
    this.#context = context;
    this.#worker = worker;
    this.#connection = connection;
    this.reader = new RequestReader(context, worker.limits, this);
    this.idleSinceMs = worker.nowMs;
  }

  head(head: WireRequestHead, hasBody: boolean, last: boolean): void {
    const worker = this.#worker;
    const { answer, deadline, transport } = this.#connection;
    this.#headSinceMs = Infinity;
    worker.wheel.clear(deadline);
    answer.begin(head.http11, head.isHead, head.close);
    this.#owesContinue = head.expectsContinue;
    const { request } = (this.exchange ??= new Exchange(this.#context.exchange, this.#connection));
    if (this.#facts?.front !== worker.front)
      this.#facts = clientFacts(transport.peer, this.#connection.tls, worker.front);
    request.head(head, this.#facts);
    if (!hasBody) request.end(null);
    // The route and the limits are decided: now the body is welcome.
    else if (this.#owesContinue && last && request.wanted) transport.give(continueLine);
  }

  body(bytes: Buffer, start: number, end: number): void {
    this.#owesContinue = false;
    this.exchange!.request.body(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    this.exchange!.request.end(trailers);
  }

  flush(): void {
    const connection = this.#connection;
    this.exchange?.request.flush();
    // Half a request behind an answered one, and nothing more to come.
    if (connection.halfClosed && connection.isOpen && !this.reader.complete && !this.reader.awaitingHead)
      connection.giveUp();
  }

  abort(failure: Failure): void {
    this.exchange!.request.abort(failure);
  }

  refuse(failure: Failure, head: WireRequestHead): void {
    this.#refuse(failure, head.isHead, head.wantsJson);
  }

  /** The head is not complete in time. */
  refuseLate(failure: Failure): void {
    this.#refuse(failure, false, false);
  }

  /** Answers what is no request, and closes: where the next one would begin is not known. */
  #refuse(failure: Failure, isHead: boolean, json: boolean): void {
    const worker = this.#worker;
    const { answer, peer } = this.#connection;
    this.#headSinceMs = Infinity;
    answer.begin(true, isHead, true);
    worker.counters.failure(failure.flag);
    worker.counters.answered(withoutSeries.http, httpColumn(failure.httpStatus), true, 0);
    const requestId = failure.httpStatus > 0 ? this.#context.exchange.ids.draw() : "";
    if (failure.httpStatus > 0) answer.write(identified(failureAnswer(failure, "", json, false), requestId));
    worker.log(failure.flag, "", true, () => unservedEntry(failure, "", failure.httpStatus, peer, requestId, false));
    this.#connection.finish(true);
  }

  /** Between requests: the deadline of a head that has begun, or of an idle connection. */
  awaitsHead(): void {
    const { nowMs, limits, front, wheel } = this.#worker;
    const connection = this.#connection;
    if (this.reader.carries) {
      if (connection.halfClosed) {
        connection.giveUp();
        return;
      }
      if (this.#headSinceMs === Infinity) this.#headSinceMs = nowMs;
      wheel.set(connection.deadline, this.#headSinceMs + limits.headTimeoutMs);
    } else if (connection.halfClosed) {
      connection.finish(false);
    } else {
      this.idleSinceMs = nowMs;
      wheel.set(connection.deadline, nowMs + front.connectionIdleMs);
    }
  }

  sentEnough(): void {
    this.#connection.pauseRequest();
  }

  /**
   * It was answered before it was read to its end: is it read on, and thrown away? Only what is left of a small body is; anything else ends the
   * connection. `last`: as does every other request.
   */
  readsOn(last: boolean): boolean {
    if (this.reader.complete || (!last && this.reader.bytesLeft <= mostDiscardBytes && !this.#owesContinue))
      return true;
    this.exchange!.request.giveUp();
    return false;
  }
}
