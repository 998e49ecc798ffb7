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
import type { Forwarding } from "../forwarding/forwarding.ts";
import type { WorkerContext } from "../io/worker-context.ts";

/** Half of the step in which `serviceTimeMs` is told. */
const halfMs = 0.5;

export class CapturedAnswer implements ClientAnswer {
  readonly client: ClientAnswer;
  readonly #compared: ComparedExchange;
  readonly #worker: WorkerContext;
  readonly #times: ExchangeTimes;
  readonly #forwarding: Pick<Forwarding, "endpoint">;

  constructor(
    client: ClientAnswer,
    compared: ComparedExchange,
    worker: WorkerContext,
    times: ExchangeTimes,
    forwarding: Pick<Forwarding, "endpoint">,
  ) {
    this.client = client;
    this.#compared = compared;
    this.#worker = worker;
    this.#times = times;
    this.#forwarding = forwarding;
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
    const { primary } = this.#compared;
    readCapturedHead(primary, head);
    primary.startedMs = this.#worker.nowMs - serviceTimeMs - halfMs;
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
    // As of a shadow, which has the whole request when it begins: what the client takes its time for is not in it.
    const { modelMs, isWhole } = this.#times.spent(primary.startedMs, this.#worker.nowMs);
    primary.tookMs = modelMs;
    // After retries this is the Endpoint that answered.
    this.#compared.answeredAt = this.#forwarding.endpoint?.address ?? "";
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
