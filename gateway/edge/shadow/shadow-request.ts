// One copy on its way to one shadow: one try, one deadline, and an answer that is thrown away, or kept to be compared.
import type { Upstream } from "../../../routing/model/upstream.ts";
import { Deadline, type Timed } from "../io/deadline.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { failures, type Failure } from "../../failures.ts";
import { grpcColumn, httpColumn, isServerErrorColumn } from "../../shared/memory/counters.ts";
import type { FieldList } from "../fields/fields.ts";
import { grpcStatusIn, grpcStatusOfHttp } from "../message/grpc-status.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { readCapturedHead } from "./captured-head.ts";
import type { CopyEnd } from "./shadow-backoff.ts";
import type { ShadowCopy, ShadowOutcome } from "./shadow-copy.ts";
import type { CopyTarget } from "./shadow-budget.ts";
import { plainBalancing } from "../balancing/balancing-policy.ts";
import type { EndpointView } from "../upstream/endpoint-view.ts";
import type { UpstreamRequest, Waiting } from "../upstream/upstream-request.ts";
import type { ResponseHandler } from "../upstream/response-handler.ts";

/** Bytes of a shadow's answer that are read to keep its connection; a longer one ends it, at its head where that tells the length. */
const mostAnswerBytes = 1024 * 1024;
/** The same over HTTP/2, where it costs a reset of the stream: gRPC takes messages of this length unless told otherwise. */
const mostStreamedBytes = 4 * 1024 * 1024;

/** Who is told what became of it. */
export interface ShadowRequestOwner {
  /** `how` is what it says about the address; null: nothing. */
  copyOver(copy: ShadowCopy<CopyTarget>, target: CopyTarget, outcome: ShadowOutcome, how: CopyEnd | null): void;
}

export class ShadowRequest implements ResponseHandler, Timed {
  readonly isHead: boolean;
  readonly #worker: WorkerContext;
  readonly #copy: ShadowCopy<CopyTarget>;
  readonly #target: CopyTarget;
  readonly #owner: ShadowRequestOwner;
  readonly #deadline = new Deadline(this);
  #request: UpstreamRequest | null = null;
  /** Where it went, or waits to go. */
  #endpoint: EndpointView | null = null;
  #waiting: Waiting | null = null;
  #protocol: Upstream["protocol"] = "http1";
  #startedMs = 0;
  #code = 0;
  /** When its answer began. */
  #answerBeganMs = 0;
  /** −1: the answer has not said one. */
  #grpcStatus = -1;
  #answerBytes = 0;
  #mostBytes = mostAnswerBytes;
  #done = false;

  constructor(worker: WorkerContext, copy: ShadowCopy<CopyTarget>, target: CopyTarget, owner: ShadowRequestOwner) {
    this.#worker = worker;
    this.#copy = copy;
    this.#target = target;
    this.#owner = owner;
    this.isHead = copy.isHead;
  }

  begin(): void {
    const worker = this.#worker;
    const { compiled, endpoint } = this.#target;
    const pool = compiled.shadowPool!;
    const { protocol } = pool.upstream!;
    this.#protocol = protocol;
    if (protocol === "http2") this.#mostBytes = mostStreamedBytes;
    this.#startedMs = worker.nowMs;
    worker.wheel.set(this.#deadline, worker.nowMs + worker.limits.shadowTimeoutMs);
    // The Upstream may have changed since the copy was made.
    if (!this.#copy.speaks(protocol)) {
      this.#end("dropped_unready", null);
      return;
    }
    pool.reportUse();
    const acquired =
      endpoint === null || endpoint.retired
        ? pool.acquire(this, [], plainBalancing, null)
        : pool.acquireAt(endpoint, this, plainBalancing.priority);
    switch (acquired.kind) {
      case "request":
        this.connected(acquired);
        return;
      case "waiting":
        this.#waiting = acquired;
        this.#endpoint = acquired.endpoint;
        return;
      case "failed":
        // Keys that OpenSSL does not read are reported by the primary's side.
        if (acquired.failure === failures.noHealthyUpstream) this.#end("dropped_unready", null);
        else this.#end("failed", "failed");
    }
  }

  connected(request: UpstreamRequest): void {
    this.#waiting = null;
    this.#request = request;
    this.#endpoint = request.endpoint;
    this.#copy.sendTo(request, this.#protocol);
  }

  connectFailed(endpoint: EndpointView | null, failure: Failure): void {
    this.#waiting = null;
    this.#endpoint = endpoint;
    this.#unanswered(failure);
    this.#end("failed", "failed");
  }

  informational(): void {}

  upgraded(): void {}

  head(head: ResponseHead): void {
    this.#code = head.status;
    this.#answerBeganMs = this.#worker.nowMs;
    this.#readStatus(head);
    if (this.#target.pair !== null) readCapturedHead(this.#target.pair.shadow, head);
    if (head.framing === "length" && head.contentLength > this.#mostBytes) this.#enough();
  }

  body(bytes: Buffer, start: number, end: number): void {
    this.#answerBytes += end - start;
    this.#target.pair?.shadow.body(bytes, start, end);
    if (this.#answerBytes > this.#mostBytes) this.#enough();
  }

  /** It answered; nobody wants the rest. */
  #enough(): void {
    this.#target.pair?.shadow.lose("too_large");
    this.#end("sent", "cut");
  }

  end(trailers: FieldList | null): void {
    if (trailers === null) return;
    this.#readStatus(trailers);
    if (this.#target.pair !== null) this.#target.pair.shadow.grpcStatus = this.#grpcStatus;
  }

  #readStatus(list: FieldList): void {
    if (!this.#target.compiled.countsGrpc) return;
    const status = grpcStatusIn(list);
    if (status >= 0) this.#grpcStatus = status;
  }

  get #column(): number {
    if (!this.#target.compiled.countsGrpc) return httpColumn(this.#code);
    return grpcColumn(this.#grpcStatus >= 0 ? this.#grpcStatus : grpcStatusOfHttp(this.#code));
  }

  flush(): void {}

  over(): void {
    if (this.#request?.bound === false) this.#request = null;
    this.#end("sent", "answered");
  }

  abort(failure: Failure): void {
    this.#request = null;
    this.#unanswered(failure);
    this.#end("failed", "failed");
  }

  drained(): void {}

  /** A fault of ours. */
  cancel(): void {
    this.#end("failed", null);
  }

  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    this.#unanswered(failures.upstreamTimeout);
    this.#end("failed", "failed");
  }

  #unanswered({ flag }: Failure): void {
    if (this.#code === 0 && this.#endpoint !== null) this.#worker.counters.failedAt(this.#endpoint.cells, flag);
  }

  #end(outcome: ShadowOutcome, how: CopyEnd | null): void {
    if (this.#done) return;
    this.#done = true;
    const worker = this.#worker;
    worker.wheel.remove(this.#deadline);
    const request = this.#request;
    const waiting = this.#waiting;
    this.#request = null;
    this.#waiting = null;
    request?.abort();
    waiting?.cancel();
    if (this.#code > 0) {
      const column = this.#column;
      const seconds = (this.#answerBeganMs - this.#startedMs) / 1000;
      worker.counters.answered(this.#target.compiled.slot, column, false, seconds);
      if (this.#endpoint !== null) worker.counters.answeredAt(this.#endpoint.cells, isServerErrorColumn(column));
    }
    this.#owner.copyOver(this.#copy, this.#target, outcome, how);
  }
}
