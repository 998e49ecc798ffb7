// ServiceCall: one question to an external service: a request that is whole, one time limit, an answer that is bounded. A try that the service
// has certainly not worked on is made once more.
import { Deadline, type Timed } from "../io/deadline.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { failures, type Failure } from "../../failures.ts";
import type { FieldList } from "../fields/fields.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { textOf } from "../../../routing/request/bytes.ts";
import { plainBalancing } from "../balancing/balancing-policy.ts";
import type { EndpointView } from "../upstream/endpoint-view.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import type { ResponseHandler } from "../upstream/response-handler.ts";
import type { UpstreamRequest, Waiting } from "../upstream/upstream-request.ts";

/** Name in lower case, and value. */
export type ServiceField = readonly [name: string, value: string];

export interface ServiceQuestion {
  readonly pool: UpstreamPool;
  /** As the Upstream's protocol takes it, without its framing. */
  readonly head: Buffer;
  readonly body: Buffer;
  /** It asks by HEAD. */
  readonly isHead: boolean;
  /** 0: none. */
  readonly timeoutMs: number;
  /** Asked twice it means the same: it may be sent again where a kept connection had ended. */
  readonly repeatable: boolean;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly fields: readonly ServiceField[];
  readonly trailers: readonly ServiceField[];
  readonly body: Buffer;
}

/** `failed`: nobody could be asked, or what came is no answer; the sentence says why. */
export type CallOutcome =
  | { readonly kind: "answered"; readonly answer: ServiceAnswer }
  | { readonly kind: "failed"; readonly sentence: string };

/** Longest body of an answer: a page that tells a client to log in, and the headers of a gRPC answer, are shorter. */
export const mostAnswerBytes = 64 * 1024;
const mostTries = 2;
const noBytes = Buffer.alloc(0);
const noFields: readonly ServiceField[] = Object.freeze([]);

export class ServiceCall implements ResponseHandler, Timed {
  readonly isHead: boolean;
  readonly #worker: WorkerContext;
  readonly #question: ServiceQuestion;
  readonly #told: (outcome: CallOutcome) => void;
  readonly #deadline = new Deadline(this);
  readonly #tried: EndpointView[] = [];
  #tries = 0;
  #request: UpstreamRequest | null = null;
  #waiting: Waiting | null = null;
  #status = 0;
  #fields = noFields;
  #trailers = noFields;
  /** One buffer that grows, since a service may send its answer in pieces of one byte. */
  #body = noBytes;
  #bodyBytes = 0;
  #heldBytes = 0;
  #done = false;

  /** `told` is called once, unless the call is cancelled; maybe during `begin`. */
  constructor(worker: WorkerContext, question: ServiceQuestion, told: (outcome: CallOutcome) => void) {
    this.#worker = worker;
    this.#question = question;
    this.#told = told;
    this.isHead = question.isHead;
  }

  begin(): void {
    const { held, nowMs, wheel } = this.#worker;
    const { head, body, timeoutMs } = this.#question;
    if (!held.hasRoom(head.length + body.length)) {
      this.#fail("too much is held for other requests (--retry-total-bytes)");
      return;
    }
    this.#heldBytes = head.length + body.length;
    held.hold(this.#heldBytes);
    if (timeoutMs > 0) wheel.set(this.#deadline, nowMs + timeoutMs);
    this.#try();
  }

  #try(): void {
    this.#tries += 1;
    const { pool } = this.#question;
    if (pool.upstream === null) {
      this.#fail(failures.noHealthyUpstream.sentence);
      return;
    }
    pool.reportUse();
    let acquired = pool.acquire(this, this.#tried, plainBalancing, null);
    // It has but one Endpoint: of that another connection.
    if (acquired.kind === "failed" && this.#tried.length > 0) acquired = pool.acquire(this, [], plainBalancing, null);
    if (acquired.kind === "request") this.connected(acquired);
    else if (acquired.kind === "waiting") this.#waiting = acquired;
    else
      this.#fail(acquired.failure === failures.overflow ? "too many requests wait for it" : acquired.failure.sentence);
  }

  connected(request: UpstreamRequest): void {
    const { head, body } = this.#question;
    this.#waiting = null;
    this.#request = request;
    request.head(head, head.length, "length", body.length);
    if (body.length > 0) request.give(body);
    request.end(null);
    request.flush();
  }

  connectFailed(endpoint: EndpointView | null, failure: Failure): void {
    this.#waiting = null;
    this.#request = null;
    if (endpoint === null) this.#fail(failure.sentence);
    else this.#retry(endpoint, failure);
  }

  #retry(endpoint: EndpointView, failure: Failure): void {
    if (this.#tries === mostTries) {
      this.#fail(failure.sentence);
      return;
    }
    this.#tried.push(endpoint);
    this.#try();
  }

  informational(): void {}

  upgraded(): void {}

  head(head: ResponseHead): void {
    this.#status = head.status;
    this.#fields = listOf(head);
    if (head.framing === "length" && head.contentLength > mostAnswerBytes) this.#tooLong();
  }

  body(bytes: Buffer, start: number, end: number): void {
    const length = this.#bodyBytes + end - start;
    if (length > mostAnswerBytes) {
      this.#tooLong();
      return;
    }
    if (length > this.#body.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#body.length));
      this.#body.copy(larger, 0, 0, this.#bodyBytes);
      this.#body = larger;
    }
    bytes.copy(this.#body, this.#bodyBytes, start, end);
    this.#bodyBytes = length;
  }

  #tooLong(): void {
    this.#fail(`its answer is longer than ${mostAnswerBytes} bytes`);
  }

  end(trailers: FieldList | null): void {
    if (trailers !== null) this.#trailers = listOf(trailers);
  }

  flush(): void {}

  over(): void {
    if (this.#request?.bound === false) this.#request = null;
    this.#end({
      kind: "answered",
      answer: {
        status: this.#status,
        fields: this.#fields,
        trailers: this.#trailers,
        body: this.#body.subarray(0, this.#bodyBytes),
      },
    });
  }

  abort(failure: Failure, _reason: string, unprocessed: boolean): void {
    const { endpoint } = this.#request!;
    this.#request = null;
    const mayRepeat = unprocessed || (this.#question.repeatable && failure === failures.upstreamClosed);
    if (this.#status === 0 && mayRepeat) this.#retry(endpoint, failure);
    else this.#fail(failure.sentence);
  }

  drained(): void {}

  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    this.#fail(`no answer within ${this.#question.timeoutMs} ms`);
  }

  /** Nobody waits for it any longer. */
  cancel(): void {
    this.#release();
  }

  #fail(sentence: string): void {
    this.#end({ kind: "failed", sentence });
  }

  #end(outcome: CallOutcome): void {
    if (this.#done) return;
    this.#release();
    this.#told(outcome);
  }

  #release(): void {
    if (this.#done) return;
    this.#done = true;
    this.#worker.wheel.remove(this.#deadline);
    this.#worker.held.hold(-this.#heldBytes);
    const request = this.#request;
    const waiting = this.#waiting;
    this.#request = null;
    this.#waiting = null;
    this.#body = noBytes;
    request?.abort();
    waiting?.cancel();
  }
}

function listOf({ bytes, fields, fieldCount }: FieldList): readonly ServiceField[] {
  const list: ServiceField[] = [];
  for (let at = 0; at < fieldCount * 4; at += 4)
    list.push([
      textOf(bytes, fields[at]!, fields[at + 1]!).toLowerCase(),
      textOf(bytes, fields[at + 2]!, fields[at + 3]!),
    ]);
  return list;
}
