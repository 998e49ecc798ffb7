// ExchangeAnswer: the answer's way through an exchange, from the upstream to the client.
import type { FieldList } from "../fields/fields.ts";
import type { AnswerId } from "../message/answer-id.ts";
import { grpcStatusIn } from "../message/grpc-status.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { failures } from "../../failures.ts";
import type { ExchangeEnds, ExchangeState } from "./exchange-state.ts";
import type { AnswerTaker } from "./forwarded-answer.ts";

const switchingProtocols = 101;

export class ExchangeAnswer implements AnswerTaker {
  readonly #state: ExchangeState;
  readonly #exchange: ExchangeEnds;

  constructor(state: ExchangeState, exchange: ExchangeEnds) {
    this.#state = state;
    this.#exchange = exchange;
  }

  informational(head: ResponseHead): void {
    this.#state.answer.informational(head);
  }

  upgraded(head: ResponseHead): void {
    const state = this.#state;
    state.times.openTunnel(state.worker.nowMs);
    state.record.code = head.status;
    state.record.fromModel = true;
    state.response = "begun";
    state.declaredBytes = -1;
    // Bytes of the tunnel come as its body.
    state.request = "passing";
    state.answer.upgraded(head, this.#answerId);
  }

  head(head: ResponseHead, sentMs: number): void {
    const state = this.#state;
    const { nowMs } = state.worker;
    if (state.steps !== null && state.steps.active && !state.steps.answered(head)) {
      this.#exchange.fail(failures.fault, "");
      return;
    }
    state.times.responseStarted = true;
    state.response = "begun";
    state.record.code = head.status;
    state.record.fromModel = true;
    if (state.grpc) state.record.grpcStatus = grpcStatusIn(head);
    state.times.lastByteMs = nowMs;
    // A call of gRPC is not over with its last byte: its status comes behind.
    state.declaredBytes = head.framing === "length" && !state.grpc ? head.contentLength : -1;
    state.answer.head(head, state.compiled!, state.edits.edits, Math.round(nowMs - sentMs), this.#answerId);
  }

  /** null: the Mapping's edits take it out. */
  get #answerId(): AnswerId | null {
    const { compiled, record } = this.#state;
    return compiled!.requestId ? record.answerId : null;
  }

  body(bytes: Buffer, start: number, end: number): void {
    const state = this.#state;
    const { record } = state;
    record.responseBytes += end - start;
    state.times.lastByteMs = state.worker.nowMs;
    // A long piece leaves at once.
    if (record.responseBytes === state.declaredBytes) this.#exchange.count();
    state.answer.body(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    const state = this.#state;
    state.response = "complete";
    if (state.grpc && trailers !== null) state.record.ended(grpcStatusIn(trailers));
    // A tunnel is over when both sides have ended.
    if (state.record.code !== switchingProtocols || state.requestDone) this.#exchange.count();
    state.answer.end(trailers);
  }

  flush(): void {
    const state = this.#state;
    state.answer.flush();
    if (state.response === "complete" || !state.active) return;
    if (state.answer.congested) {
      this.#exchange.forwarding.pauseResponse();
      state.times.stall.begin(state.worker.nowMs, state.answer);
    }
    state.arm();
  }

  over(): void {
    const state = this.#state;
    // An early response whose connection is gone: the rest of the request has no taker.
    if (state.request === "passing" && !this.#exchange.forwarding.taken) {
      this.#exchange.discardRequest();
      state.client.requestUnwanted();
    }
    this.#exchange.finishIfDone();
    if (state.active) state.arm();
  }

  takeBack(): boolean {
    const state = this.#state;
    if (state.response === "awaited") return true;
    if (!state.answer.takeBack()) return false;
    state.response = "awaited";
    state.times.responseStarted = false;
    state.record.takeBack();
    return true;
  }

  /** The client is sent no more for now, whatever waits for it: its other answers take too much room. */
  hold(): void {
    if (this.#state.active && this.#state.response !== "complete") this.#exchange.forwarding.pauseResponse();
  }

  /** The client takes bytes again. */
  clientDrained(): void {
    const state = this.#state;
    state.times.stall.end();
    this.#exchange.forwarding.resumeResponse();
    if (state.active) state.arm();
  }
}
