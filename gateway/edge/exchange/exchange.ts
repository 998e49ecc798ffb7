// Exchange: one request and its response, its time limits and its end. It ends only when both directions are done: an upstream may answer before
// it was asked to the end.
import type { Timed } from "../io/deadline.ts";
import { bodyOf, failureAnswer, type Answer } from "../message/answers.ts";
import { failures, type Failure } from "../../failures.ts";
import type { ClientSide } from "./client-side.ts";
import { ExchangeAnswer } from "./exchange-answer.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { ExchangeRequest } from "./exchange-request.ts";
import { ExchangeState, type ExchangeEnds } from "./exchange-state.ts";
import { Forwarding } from "../forwarding/forwarding.ts";
import type { StepRun } from "./step-run.ts";

/** Kept by its client's side and begun anew for each request. */
export class Exchange implements ExchangeEnds, Timed {
  readonly #state: ExchangeState;
  /** Is given the request, whose head begins the exchange. */
  readonly request: ExchangeRequest;
  /** Gives the client the answer. */
  readonly answer: ExchangeAnswer;
  readonly forwarding: Forwarding;

  constructor(context: ExchangeContext, client: ClientSide) {
    this.#state = new ExchangeState(context, client, this);
    this.request = new ExchangeRequest(this.#state, this);
    this.answer = new ExchangeAnswer(this.#state, this);
    this.forwarding = new Forwarding(context.upstream, this.request, this.answer);
  }

  /** From the head of a request until both directions are done. */
  get active(): boolean {
    return this.#state.active;
  }

  /** The answer has begun. */
  get responseStarted(): boolean {
    return this.#state.response !== "awaited";
  }

  /** A byte last came, either way: ms of the edge's clock. */
  get lastByteMs(): number {
    return this.#state.times.lastByteMs;
  }

  /** What a gRPC caller gives the call, ms; Infinity: it does not say. */
  get callerMs(): number {
    return this.#state.grpc ? this.#state.callerMs : Infinity;
  }

  /** The client has left: what it asked for is cancelled at once. */
  clientGone(failure: Failure): void {
    if (!this.#state.active) return;
    this.#state.record.fail(failure, "");
    this.#end();
  }

  /** It is over, and serves another client next: nothing of the call, its client or the table stays with it. */
  forget(): void {
    this.#state.forget();
    this.forwarding.forget();
  }

  /** No request will begin it anew. A deadline that is merely cleared would hold it for seconds. */
  retire(): void {
    this.#state.worker.wheel.remove(this.#state.deadline);
  }

  expired(nowMs: number): void {
    const state = this.#state;
    state.worker.nowMs = nowMs;
    if (!state.active) return;
    const { answer, compiled, times } = state;
    times.stall.look(nowMs, answer);
    switch (times.due(nowMs, compiled)) {
      case "write-stall":
        answer.abort(failures.clientStalled, "");
        this.clientGone(failures.clientStalled);
        return;
      case "body":
        this.fail(failures.bodyTimeout, "");
        return;
      case "caller":
        this.#timedOut(`timeout ${state.callerMs} ms set by the caller's grpc-timeout`);
        return;
      case "timeout":
        this.#timedOut(compiled!.timeoutSentence);
        return;
      case "idle":
        this.fail(failures.streamIdle, `no byte for ${compiled!.idleTimeoutMs} ms`);
        return;
      case null:
        state.arm();
    }
  }

  #timedOut(detail: string): void {
    const { response } = this.#state;
    if (response !== "complete") this.forwarding.timedOut(response === "begun");
    this.fail(failures.upstreamTimeout, detail);
  }

  fail(failure: Failure, detail: string): void {
    const state = this.#state;
    if (!state.active || (state.response === "complete" && state.requestDone)) return;
    state.record.fail(failure, detail);
    this.request.drop();
    if (state.response !== "awaited") {
      if (state.response === "begun") state.answer.abort(failure, detail);
      this.#end();
      return;
    }
    const answer =
      state.form?.failed(failure, detail, this.forwarding.retried) ??
      failureAnswer(failure, detail, state.json, state.grpc, this.forwarding.retried);
    this.#sendOwn(answer, failure === failures.bodyTimeout || failure === failures.malformedBody);
  }

  refuse(failure: Failure, detail: string, answer: Answer): void {
    if (!this.#state.active) return;
    this.#state.record.fail(failure, detail);
    this.#sendOwn(answer, false);
  }

  sendOwn(answer: Answer): void {
    this.#sendOwn(answer, false);
  }

  /** `last`: no further request is read from this client. */
  #sendOwn(answer: Answer, last: boolean): void {
    const state = this.#state;
    const { edits, record } = state;
    record.answered(answer);
    state.times.answerBeganMs = state.worker.nowMs;
    state.response = "complete";
    this.request.drop();
    this.request.discard();
    record.responseBytes += bodyOf(answer).length;
    record.complete();
    state.answer.sendOwn(edits.completed(answer, record.sharedId), last);
    this.finishIfDone();
  }

  discardRequest(): void {
    this.request.discard();
  }

  finishIfDone(): void {
    if (this.#state.response === "complete" && this.#state.requestDone) this.#end();
  }

  #end(): void {
    const state = this.#state;
    const { forwarding } = this;
    this.request.drop();
    state.request = "none";
    const { record, times } = state;
    record.count((times.latencyMs(record.answeredMs) ?? 0) / 1000, forwarding.endpoint, forwarding.spent);
    if (state.steps !== null && state.steps.active) this.#endSteps(state.steps);
    state.worker.wheel.clear(state.deadline);
    record.finish(times.startedMs, state.client.peer, forwarding.endpoint, forwarding.spent);
    state.client.exchangeOver();
  }

  #endSteps(run: StepRun): void {
    const { record, modelEnd } = this.#state;
    if (run.spent) this.#state.steps = null;
    run.end({ code: record.code, failure: record.failure }, modelEnd);
  }
}
