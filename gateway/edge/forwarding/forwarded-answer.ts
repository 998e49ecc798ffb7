// ForwardedAnswer: what an upstream says to a request that is forwarded, on its way to the exchange, as long as no other try takes its place.
import type { Failure } from "../../failures.ts";
import type { FieldList } from "../fields/fields.ts";
import type { MessageTaker } from "../message/message-taker.ts";
import type { ResponseHead } from "../message/response-head.ts";
import type { EndpointView } from "../upstream/endpoint-view.ts";
import type { ResponseHandler } from "../upstream/response-handler.ts";
import type { UpstreamRequest } from "../upstream/upstream-request.ts";

/** Who is told the answer of the last try. `sentMs`: when an upstream got the request, ms of the edge's clock. */
export interface AnswerTaker extends Omit<MessageTaker<[head: ResponseHead, sentMs: number], []>, "abort"> {
  informational(head: ResponseHead): void;
  /** The upstream has agreed to a tunnel. */
  upgraded(head: ResponseHead): void;
  /** The answer is complete and flushed. */
  over(): void;
  /** Forgets what it was told of the answer. False: somebody may have seen some of it, so that there is no other try. */
  takeBack(): boolean;
}

/** The tries of a request, as its answer needs them. */
export interface AnsweredTries {
  readonly sentMs: number;
  connected(request: UpstreamRequest): void;
  connectFailed(endpoint: EndpointView | null, failure: Failure, reason: string): void;
  failed(failure: Failure, reason: string, unprocessed: boolean): void;
  /** The upstream takes bytes again. */
  drained(): void;
  /** From here on the client has something of this try: it is the last, and this is why. */
  settle(reason: string): void;
  tunnelOpened(): void;
  /** This answer is not passed on: the request is sent again. */
  triesAgain(head: ResponseHead): boolean;
  /** Lets go of a request that is over. */
  releaseIfOver(): void;
}

export class ForwardedAnswer implements ResponseHandler {
  readonly #tries: AnsweredTries;
  readonly #taker: AnswerTaker;
  isHead = false;

  constructor(tries: AnsweredTries, taker: AnswerTaker) {
    this.#tries = tries;
    this.#taker = taker;
  }

  connected(request: UpstreamRequest): void {
    this.#tries.connected(request);
  }

  connectFailed(endpoint: EndpointView | null, failure: Failure, reason: string): void {
    this.#tries.connectFailed(endpoint, failure, reason);
  }

  drained(): void {
    this.#tries.drained();
  }

  /** An interim answer belongs to the try that gave it: there is no other try after that (Envoy). */
  informational(head: ResponseHead): void {
    this.#tries.settle("an interim answer was passed on");
    this.#taker.informational(head);
  }

  /** The tunnel is open: the request goes on. */
  upgraded(head: ResponseHead): void {
    this.#tries.tunnelOpened();
    this.#taker.upgraded(head);
  }

  head(head: ResponseHead): void {
    if (!this.#tries.triesAgain(head)) this.#taker.head(head, this.#tries.sentMs);
  }

  body(bytes: Buffer, start: number, end: number): void {
    this.#taker.body(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    this.#taker.end(trailers);
  }

  flush(): void {
    this.#tries.settle(begun);
    this.#taker.flush();
  }

  over(): void {
    this.#tries.releaseIfOver();
    this.#taker.over();
  }

  abort(failure: Failure, reason: string, unprocessed: boolean): void {
    if (!this.#taker.takeBack()) this.#tries.settle(begun);
    this.#tries.failed(failure, reason, unprocessed);
  }
}

const begun = "its answer had begun";
