// ExchangeAnswer: the answer's way through an exchange, from the upstream to the client.
import type { FieldList } from "../fields/fields.ts";
import { puidField, puidLine, type PuidSigner } from "../feedback/puid.ts";
import { isGoneName, type CompiledEdits } from "../message/header-edits.ts";
import { fieldAt } from "../message/response-fields.ts";
import type { AnswerId } from "../message/answer-id.ts";
import { grpcStatusIn } from "../message/grpc-status.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { failures } from "../../failures.ts";
import type { ExchangeEnds, ExchangeState } from "./exchange-state.ts";
import type { AnswerTaker } from "../forwarding/forwarded-answer.ts";

const switchingProtocols = 101;

/** The edits of an answer that gets its puid and nothing else: the puid that was signed last. */
const puidAlone: CompiledEdits = Object.freeze({ gone: [], lines: puidLine, templates: null });

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
    // Bytes of the tunnel come as its body.
    state.request = "passing";
    state.answer.upgraded(head, this.#answerId);
  }

  head(head: ResponseHead, sentMs: number): void {
    const { steps, worker } = this.#state;
    const serviceTimeMs = Math.round(worker.nowMs - sentMs);
    if (steps !== null && steps.active && !steps.answered(head)) {
      this.#exchange.fail(failures.fault, "");
      return;
    }
    this.#passHead(head, serviceTimeMs);
  }

  #passHead(head: ResponseHead, serviceTimeMs: number): void {
    const state = this.#state;
    const { nowMs } = state.worker;
    state.times.answerBeganMs = nowMs;
    state.response = "begun";
    state.record.code = head.status;
    state.record.fromModel = true;
    if (state.grpc) state.record.grpcStatus = grpcStatusIn(head);
    state.times.lastByteMs = nowMs;
    const { compiled, edits } = state;
    const all = compiled!.puid === null ? edits.edits : this.#withPuid(compiled!.puid, head);
    state.answer.head(head, compiled!, all, serviceTimeMs, this.#answerId);
  }

  /**
   * Where the model names no puid, its answer gets the one that it was told, so that feedback can name it. What is feedback itself is about another answer. Valid until the next call of any
   * signer. Without other edits it allocates nothing.
   */
  #withPuid(signer: PuidSigner, head: ResponseHead): CompiledEdits | null {
    const { compiled, edits, record } = this.#state;
    if (record.feedback !== null || fieldAt(head, puidField) >= 0 || isGoneName(compiled!.responseEdits, puidField))
      return edits.edits;
    const line = signer.lineFor(record.requestId);
    return edits.edits === null ? puidAlone : { ...edits.edits, lines: Buffer.concat([edits.edits.lines, line]) };
  }

  /** null: the Mapping's edits take it out. */
  get #answerId(): AnswerId | null {
    const { compiled, record } = this.#state;
    return compiled!.requestId ? record.answerId : null;
  }

  body(bytes: Buffer, start: number, end: number): void {
    const state = this.#state;
    const { record } = state;
    state.times.lastByteMs = state.worker.nowMs;
    record.responseBytes += end - start;
    state.answer.body(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    const state = this.#state;
    state.response = "complete";
    if (state.grpc && trailers !== null) state.record.ended(grpcStatusIn(trailers));
    // A tunnel is over when both sides have ended.
    if (state.record.code !== switchingProtocols || state.requestDone) state.record.complete();
    state.answer.end(trailers);
  }

  flush(): void {
    const state = this.#state;
    state.answer.flush();
    if (state.response === "complete" || !state.active) return;
    if (state.answer.congested) {
      this.#pauseModel();
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
    if (state.response !== "awaited" && !state.answer.takeBack()) return false;
    state.times.answerBeganMs = Infinity;
    state.response = "awaited";
    state.record.takeBack();
    return true;
  }

  /** The client is sent no more for now, whatever waits for it: its other answers take too much room. */
  hold(): void {
    if (this.#state.active && this.#state.response !== "complete") this.#pauseModel();
  }

  #pauseModel(): void {
    this.#state.times.holdAnswer(this.#state.worker.nowMs);
    this.#exchange.forwarding.pauseResponse();
  }

  /** The client takes bytes again. */
  clientDrained(): void {
    const state = this.#state;
    state.times.stall.end();
    state.times.resumeAnswer(state.worker.nowMs);
    this.#exchange.forwarding.resumeResponse();
    if (state.active) state.arm();
  }
}
