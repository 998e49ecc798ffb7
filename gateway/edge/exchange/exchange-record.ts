// What an exchange leaves behind: its counters and its line in the access log.
import type { ForwardDecision, RejectDecision } from "../../../routing/route/decision.ts";
import { matchWords } from "../../../routing/match-words.ts";
import { RequestNote } from "../access/access-entry.ts";
import type { Caller } from "../identity/verifier.ts";
import { sentenceOf, type Answer } from "../message/answers.ts";
import type { LearntPuids } from "../feedback/learnt-puids.ts";
import type { FeedbackNote, Refusal } from "../steps/step.ts";
import type { LazyMapping } from "../policy/compiled-mapping.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { EndpointView } from "../upstream/endpoint-view.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import type { Failure } from "../../failures.ts";
import { grpcStatusNames } from "../../grpc-statuses.ts";
import { answerId, type AnswerId, type HeadForm } from "../message/answer-id.ts";
import { reasons } from "../http1/reasons.ts";
import { grpcStatusOfHttp } from "../message/grpc-status.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { requestIdBytes, type RequestIds } from "../fields/request-id.ts";
import { grpcColumn, httpColumn, isServerErrorColumn, withoutSeries } from "../../shared/memory/counters.ts";
import { unansweredColumn } from "../../shared/metrics/status-columns.ts";

/** A slot of its own for what is not counted. */
const notCounted = -2;
/** Instead of a time. */
const notYet = -1;

/** Client errors that say nothing of the request itself: who sends it, and how much or how slowly. */
const httpOfClient: ReadonlySet<number> = new Set([401, 403, 408, 413, 429]);
/** CANCELLED, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAUTHENTICATED. */
const grpcOfClient: ReadonlySet<number> = new Set([1, 7, 8, 16]);

/** Who ended a request: by its answer, or by cutting it. "": the client, by leaving. */
export type AnswerOrigin = "" | "model" | "gateway";

export class ExchangeRecord {
  readonly #worker: WorkerContext;
  readonly #ids: RequestIds;
  readonly #note = new RequestNote();
  readonly #form: HeadForm;
  readonly #drawnId: AnswerId;
  #hasId = false;
  #slot = -1;
  /** Its slot counts by statuses of gRPC. */
  #countsGrpc = false;
  /** The last byte of its answer came; `notYet`: it has not. */
  #completeMs = notYet;
  /** Where it was counted. */
  #column = 0;
  /** null: it was rejected. */
  decision: ForwardDecision<LazyMapping> | null = null;
  /** null: it was not. */
  rejection: RejectDecision | null = null;
  failure: Failure | null = null;
  /** The same up to its answer; it means something only where it failed. */
  #answerFailure: Failure | null = null;
  detail = "";
  /** null: nobody has said who calls. */
  caller: Caller | null = null;
  /** Of the answer; 0: none. */
  code = 0;
  #isGrpc = false;
  /** Of a gRPC call, once it is counted or known before; −1: none. */
  grpcStatus = -1;
  /** The answer is an upstream's. */
  fromModel = false;
  /** Said when it is counted. */
  origin: AnswerOrigin = "";
  requestBytes = 0;
  responseBytes = 0;
  /** null: the request is no feedback. */
  feedback: FeedbackNote | null = null;
  /** Of feedback, where one names its predictor. */
  puid = "";
  readonly #learntPuids: LearntPuids;

  /** `form`: how the heads of its answers are written. */
  constructor({ worker, ids, learntPuids }: ExchangeContext, form: HeadForm) {
    this.#learntPuids = learntPuids;
    this.#worker = worker;
    this.#ids = ids;
    this.#form = form;
    this.#drawnId = answerId(form, " ".repeat(requestIdBytes));
  }

  begin(head: WireRequestHead): void {
    const { accessLog, front } = this.#worker;
    const trustsId = front.trustedHops > 0 || front.keepsRequestId;
    this.decision = null;
    this.rejection = null;
    this.#slot = -1;
    this.#countsGrpc = false;
    this.#completeMs = notYet;
    this.#answerFailure = null;
    this.#hasId = false;
    this.failure = null;
    this.detail = "";
    this.caller = null;
    this.code = 0;
    this.#isGrpc = head.grpc;
    this.grpcStatus = -1;
    this.fromModel = false;
    this.requestBytes = 0;
    this.responseBytes = 0;
    this.feedback = null;
    if (accessLog !== "off") this.#note.take(head, trustsId);
    else if (trustsId) this.#note.takeId(head, true);
  }

  /** Id of the request, unless a trusted proxy gave it one. */
  get requestId(): Buffer {
    return this.#drawnId.id;
  }

  /** The id that the head of an upstream's answer says. */
  get answerId(): AnswerId {
    const given = this.#note.requestId;
    return given === null ? this.#drawnId : answerId(this.#form, given);
  }

  /** The id that an answer of the gateway and its line share, drawn if there is none yet; "": the exchange has no line. */
  get sharedId(): string {
    if (this.#slot === notCounted) return "";
    if (this.#note.requestId !== null) return this.#note.requestId;
    if (!this.#hasId) this.identify();
    return this.requestId.toString("latin1");
  }

  /** Lets go of what it would say. */
  forget(): void {
    this.decision = null;
    this.rejection = null;
    this.caller = null;
    this.failure = null;
    this.detail = "";
    this.#note.requestId = null;
  }

  /** It is in flight, and counted for the series of this slot; −1: for none. `countsGrpc`: by statuses of gRPC. */
  enter(slot: number, countsGrpc: boolean): void {
    this.#slot = slot;
    this.#countsGrpc = countsGrpc;
    this.#worker.counters.enter(slot);
  }

  /** Another Route was found: it counts for this slot. */
  move(slot: number, countsGrpc: boolean): void {
    this.#worker.counters.leave(this.#slot);
    this.enter(slot, countsGrpc);
  }

  /** Its line says nothing of its query. */
  hideQuery(): void {
    this.#note.hideQuery();
  }

  /** It is neither counted nor logged. */
  exclude(): void {
    this.#worker.counters.leave(this.#slot);
    this.#slot = notCounted;
  }

  /** Draws an id, which the upstream is told. */
  identify(): void {
    this.#ids.write(this.requestId);
    this.#hasId = true;
  }

  fail(failure: Failure, detail: string): void {
    this.failure = failure;
    this.detail = detail;
    if (this.#completeMs === notYet) {
      this.#answerFailure = failure;
      if (this.#isGrpc) this.grpcStatus = failure.grpcStatus;
    }
    this.#worker.counters.failureOf(this.#slot, failure.flag);
  }

  /** It is sent again. */
  sentAgain(): void {
    this.#worker.counters.retry(this.#slot);
  }

  /** A gRPC call ends with this status; −1: with that of its head, if it has one. */
  ended(grpcStatus: number): void {
    if (grpcStatus >= 0) this.grpcStatus = grpcStatus;
  }

  /** The gateway itself answers. */
  answered(answer: Answer): void {
    this.code = answer.code;
    this.fromModel = false;
    if (!this.#isGrpc) return;
    const said = answer.fields.find(([name]) => name === "grpc-status");
    if (said !== undefined) this.grpcStatus = Number(said[1]);
  }

  /** The last byte of its answer came: whatever becomes of its request from here on says nothing of the answer. */
  complete(): void {
    this.#completeMs = this.#worker.nowMs;
  }

  /** When the last byte of its answer came, ms; now, where it has not. */
  get answeredMs(): number {
    return this.#completeMs === notYet ? this.#worker.nowMs : this.#completeMs;
  }

  /** Why its answer failed, whatever became of its request behind it; null: it did not. */
  get answerFailure(): Failure | null {
    return this.#answerFailure;
  }

  /** Counts it, once, when it is over. `seconds`: its latency. `endpoint`: where its answer comes from, if it is a model's. `spent`: all retries were made, and another would have been wanted. */
  count(seconds: number, endpoint: EndpointView | null, spent: boolean): void {
    if (this.#slot === notCounted) return;
    const { counters } = this.#worker;
    this.origin = this.#originNow;
    if (this.#isGrpc && this.grpcStatus < 0 && this.code > 0) this.grpcStatus = grpcStatusOfHttp(this.code);
    this.#column =
      this.origin === "" ? unansweredColumn : this.#countsGrpc ? this.#grpcColumn() : httpColumn(this.code);
    counters.answered(this.#place, this.#column, this.origin === "gateway", seconds);
    if (this.feedback !== null) this.#countFeedback(this.feedback);
    if (this.origin === "model" && endpoint !== null)
      counters.answeredAt(endpoint.cells, isServerErrorColumn(this.#column));
    if (spent) counters.failureOf(this.#slot, "URX");
    counters.leave(this.#slot);
  }

  /** Only what a model took is learnt from. */
  #countFeedback({ way, reward }: FeedbackNote): void {
    const hasTaken = this.#isGrpc ? this.grpcStatus === 0 : this.code >= 200 && this.code < 300;
    if (this.origin !== "model" || !hasTaken) return;
    // Whose reward it is must be certain, and each answer counts once.
    const isLearnt = way === "puid" && reward !== null && this.#learntPuids.add(this.puid);
    this.#worker.counters.feedback(this.#slot, way, reward, isLearnt);
  }

  /** A request of HTTP on a Route of gRPC is counted by the status that stands for its own. */
  #grpcColumn(): number {
    if (this.grpcStatus >= 0) return grpcColumn(this.grpcStatus);
    if (this.#answerFailure !== null) return grpcColumn(this.#answerFailure.grpcStatus);
    return grpcColumn(this.code < 400 ? 0 : grpcStatusOfHttp(this.code));
  }

  get #place(): number {
    return this.#slot < 0 && this.#countsGrpc ? withoutSeries.grpc : this.#slot;
  }

  get #originNow(): AnswerOrigin {
    if (this.#answerFailure !== null) return this.#answerFailure.flag === "DC" ? "" : "gateway";
    return this.fromModel ? "model" : this.code === 0 ? "" : "gateway";
  }

  /** The answer is taken back, and another one comes. */
  takeBack(): void {
    this.responseBytes = 0;
    this.fromModel = false;
    this.grpcStatus = -1;
    this.#completeMs = notYet;
  }

  /** It is over and counted: its line is written. `spent` as for `count`. */
  finish(startedMs: number, peer: string, endpoint: EndpointView | null, spent: boolean): void {
    if (this.#slot === notCounted) return;
    const { accessLog, reportsAll } = this.#worker;
    const isFailure = this.failure !== null || spent || this.isModelError;
    if (isFailure || reportsAll || accessLog === "all")
      this.#log(startedMs, peer, endpoint?.address ?? "", spent, isFailure);
  }

  /** The model itself answered that it failed, by the status that is counted. Envoy gives that no flag. */
  get isModelError(): boolean {
    return this.origin === "model" && isServerErrorColumn(this.#column);
  }

  /** The model itself refused the request: by a client error of HTTP, or a status of gRPC that is neither OK nor a server error. */
  get refusal(): Refusal {
    if (this.origin !== "model" || this.isModelError) return "none";
    const status = this.#isGrpc ? this.grpcStatus : this.code;
    if (status < (this.#isGrpc ? 1 : 400)) return "none";
    return (this.#isGrpc ? grpcOfClient : httpOfClient).has(status) ? "of-client" : "of-request";
  }

  get #grpcName(): string {
    return this.grpcStatus < 0 ? "" : (grpcStatusNames[this.grpcStatus] ?? String(this.grpcStatus));
  }

  get #sentence(): string {
    if (this.failure !== null) return sentenceOf(this.failure, this.detail);
    if (!this.isModelError) return "";
    const said =
      !this.#countsGrpc || this.grpcStatus < 0 ? `${this.code} ${reasons[this.code] ?? ""}`.trimEnd() : this.#grpcName;
    return `The model answered ${said}`;
  }

  #log(startedMs: number, peer: string, address: string, spent: boolean, isFailure: boolean): void {
    const worker = this.#worker;
    const failed = this.failure?.flag ?? "";
    const flag = spent ? (failed === "" ? "URX" : `${failed},URX`) : failed;
    const mapping = this.decision?.mapping ?? this.rejection?.mapping ?? null;
    const series = mapping?.series ?? null;
    worker.log(flag, mapping?.namespace ?? "", isFailure, () => ({
      atMs: Math.round(performance.timeOrigin + startedMs),
      flag,
      reason: this.failure?.name ?? "",
      origin: this.origin,
      sentence: this.#sentence,
      code: this.code,
      grpcStatus: this.#grpcName,
      method: this.#note.method,
      path: this.#note.pathWithout(worker.secretParameters),
      requestId: this.#note.requestId ?? (this.#hasId ? this.requestId.toString("latin1") : ""),
      peer,
      client: this.caller === null ? "" : `${this.caller.provider}/${this.caller.client}`,
      namespace: series?.namespace ?? "",
      deployment: series?.deployment ?? "",
      predictor: series?.predictor ?? "",
      route: mapping === null ? "" : matchWords(mapping.match),
      mapping: mapping?.id ?? "",
      address,
      requestBytes: this.requestBytes,
      responseBytes: this.responseBytes,
      durationMs: Math.round((worker.nowMs - startedMs) * 10) / 10,
    }));
  }
}
