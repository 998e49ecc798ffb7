// CapturedAnswer: stands between an exchange and its client, as gRPC-Web does, and keeps the answer that passes for comparison.
import type { Failure } from "../../failures.ts";
import type { FieldList } from "../fields/fields.ts";
import type { AnswerId } from "../message/answer-id.ts";
import type { Answer } from "../message/answers.ts";
import { grpcStatusIn } from "../message/grpc-status.ts";
import type { CompiledEdits } from "../message/header-edits.ts";
import type { ResponseHead } from "../message/response-head.ts";
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import type { ComparedExchange } from "../shadow/compared-exchange.ts";
import { readCapturedHead } from "../shadow/captured-head.ts";
import type { ClientAnswer } from "./client-side.ts";
import type { ExchangeTimes } from "./exchange-times.ts";

export class CapturedAnswer implements ClientAnswer {
  readonly client: ClientAnswer;
  readonly #compared: ComparedExchange;
  readonly #times: Pick<ExchangeTimes, "requestDoneMs">;

  constructor(client: ClientAnswer, compared: ComparedExchange, times: Pick<ExchangeTimes, "requestDoneMs">) {
    this.client = client;
    this.#compared = compared;
    this.#times = times;
  }

  get congested(): boolean {
    return this.client.congested;
  }

  get queued(): number {
    return this.client.queued;
  }

  get unsent(): number {
    return this.client.unsent;
  }

  head(
    head: ResponseHead,
    compiled: CompiledMapping,
    edits: CompiledEdits | null,
    serviceTimeMs: number,
    id: AnswerId | null,
  ): void {
    readCapturedHead(this.#compared.primary, head);
    this.client.head(head, compiled, edits, serviceTimeMs, id);
  }

  body(bytes: Buffer, start: number, end: number): void {
    // First: whoever takes it may use the bytes again.
    this.#compared.primary.body(bytes, start, end);
    this.client.body(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    const { primary } = this.#compared;
    if (trailers !== null) primary.grpcStatus = Math.max(primary.grpcStatus, grpcStatusIn(trailers));
    const isWhole = this.#times.requestDoneMs !== Infinity;
    this.client.end(trailers);
    // One that ended before its request is the answer to another one than the shadow gets.
    this.#compared.primaryOver(isWhole);
  }

  flush(): void {
    this.client.flush();
  }

  abort(failure: Failure, detail: string): void {
    this.#compared.primaryOver(false);
    this.client.abort(failure, detail);
  }

  informational(head: ResponseHead): void {
    this.client.informational(head);
  }

  upgraded(head: ResponseHead, id: AnswerId | null): void {
    this.#compared.primaryOver(false);
    this.client.upgraded(head, id);
  }

  takeBack(): boolean {
    if (!this.client.takeBack()) return false;
    this.#compared.primary.again();
    return true;
  }

  sendOwn(answer: Answer, last: boolean): void {
    this.#compared.primaryOver(false);
    this.client.sendOwn(answer, last);
  }
}
