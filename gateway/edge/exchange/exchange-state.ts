// ExchangeState: what the request's way and the answer's way of one exchange share.
import { Deadline, type Timed } from "../io/deadline.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { Answer } from "../message/answers.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { Failure } from "../../failures.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { grpcWeb } from "../message/request-meaning.ts";
import { AnswerEdits } from "../policy/answer-edits.ts";
import type { AnswerForm, ModelEnd } from "../steps/step.ts";
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import type { ClientAnswer, ClientSide } from "./client-side.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { ExchangeRecord } from "./exchange-record.ts";
import { ExchangeTimes } from "./exchange-times.ts";
import type { Forwarding } from "../forwarding/forwarding.ts";
import { GrpcWeb } from "./grpc-web.ts";
import { StickyChoice } from "./sticky-choice.ts";
import type { StepRun } from "./step-run.ts";

/** A status of gRPC. */
const deadlineExceeded = 4;
/** A model may tell that the caller's time ran out before it has: its clock is another one, and what is left of the time is given to it in whole ms. */
const callersPart = 0.9;
const callersSlackMs = 5;

/**
 * Where the request stands. `none`: there is no exchange. `passing`: it is read, and passed on. `discarding`: it is read, and thrown away.
 * `complete`: it was read to its end. `dropped`: the same, or it is read no further, and nobody takes what was left of it.
 */
type RequestState = "none" | "passing" | "discarding" | "complete" | "dropped";

/** Where the answer stands: nothing, some, or all of it was given to the client. */
type ResponseState = "awaited" | "begun" | "complete";

/** The exchange, as its two ways need it. */
export interface ExchangeEnds {
  readonly forwarding: Forwarding;
  /** Ends it with a failure: by an answer where none has begun, else by cutting it. */
  fail(failure: Failure, detail: string): void;
  /** The same, by this answer where none has begun. */
  refuse(failure: Failure, detail: string, answer: Answer): void;
  /** Ends it with an answer of the gateway itself. */
  sendOwn(answer: Answer): void;
  finishIfDone(): void;
  /** The rest of the request goes nowhere. */
  discardRequest(): void;
}

export class ExchangeState {
  readonly context: ExchangeContext;
  readonly worker: WorkerContext;
  readonly client: ClientSide;
  readonly deadline: Deadline;
  readonly times: ExchangeTimes;
  readonly record: ExchangeRecord;
  readonly edits = new AnswerEdits();
  readonly sticky = new StickyChoice();
  request: RequestState = "none";
  response: ResponseState = "awaited";
  /** Stands between where the call is gRPC-Web; null: nothing does. */
  web: GrpcWeb | null = null;
  /** Who takes the answer. */
  answer: ClientAnswer;
  /** null: the request is no Mapping's, or not yet. */
  compiled: CompiledMapping | null = null;
  facts: ClientFacts | null = null;
  /** null: no request has had steps yet. */
  steps: StepRun | null = null;
  /** Failures are told in JSON. */
  json = false;
  grpc = false;
  /** How its answers look; null: as usual. */
  form: AnswerForm | null = null;
  /** What a gRPC caller gives the call, ms; Infinity: it says nothing. */
  callerMs = Infinity;

  /** For its steps. */
  readonly modelEnd: ModelEnd;

  /** `owner` is told when a limit of the exchange is due. */
  constructor(context: ExchangeContext, client: ClientSide, owner: Timed) {
    this.context = context;
    this.worker = context.worker;
    this.client = client;
    this.answer = client.answer;
    this.deadline = new Deadline(owner);
    this.times = new ExchangeTimes(context.worker.limits);
    const record = new ExchangeRecord(context, client.headForm);
    this.record = record;
    const { times } = this;
    const callersMs = (): number => this.callerMs * callersPart - callersSlackMs;
    this.modelEnd = {
      get failure() {
        return record.answerFailure;
      },
      get isModelError() {
        return record.isModelError;
      },
      get refusal() {
        return record.refusal;
      },
      get isCallersLimit() {
        if (!record.isModelError || record.grpcStatus !== deadlineExceeded) return false;
        return record.answeredMs - times.startedMs >= callersMs();
      },
      get latencyMs() {
        return times.latencyMs(record.answeredMs);
      },
      get modelMs() {
        return times.modelMs(record.answeredMs);
      },
      get clientMs() {
        return times.clientMs(record.answeredMs);
      },
    };
  }

  /** A request begins. A call of gRPC-Web is gRPC from here on; the next one need not be. */
  begin(head: WireRequestHead, facts: ClientFacts): void {
    if (head.grpcWeb !== grpcWeb.no || this.web !== null) {
      this.web = head.grpcWeb === grpcWeb.no ? null : new GrpcWeb(this.client.answer, head);
      this.answer = this.web ?? this.client.answer;
    }
    this.times.begin(this.worker.nowMs, head.grpc, head.grpcTimeoutMs);
    this.record.begin(head);
    this.edits.reset();
    this.request = "passing";
    this.response = "awaited";
    this.compiled = null;
    this.facts = facts;
    this.json = head.wantsJson;
    this.grpc = head.grpc;
    this.form = null;
    this.callerMs = head.grpcTimeoutMs;
  }

  /** It is over: nothing of the call, its client or the table stays. */
  forget(): void {
    this.web = null;
    this.answer = this.client.answer;
    this.compiled = null;
    this.facts = null;
    this.edits.reset();
    this.record.forget();
  }

  /** Of its Route; "": it has none. */
  get namespace(): string {
    return this.record.decision?.mapping.namespace ?? "";
  }

  /** From the head of the request until both directions are done. */
  get active(): boolean {
    return this.request !== "none";
  }

  /** The request is read to its end, or given up. */
  get requestDone(): boolean {
    return this.request === "complete" || this.request === "dropped";
  }

  /** A step waits: what comes is held back. */
  get waits(): boolean {
    return this.steps !== null && this.steps.waiting;
  }

  /** Sets the deadline that comes first. */
  arm(): void {
    this.worker.wheel.set(this.deadline, this.times.nextDueMs(this.compiled));
  }
}
