// Step: what happens to a request between its Route and an Endpoint, or to its answer before the client. Compiled for the Mapping; one object
// serves all requests, so what belongs to one request it keeps there (`keep`).
import type { JsonPath } from "../../../routing/text/json-path.ts";
import type { Caller } from "../identity/verifier.ts";
import type { Answer } from "../message/answers.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { Failure } from "../../failures.ts";
import type { feedbackWays } from "../../shared/metrics/series.ts";
import type { HeadChange } from "../message/head-copy.ts";
import type { ExtraFields } from "../message/header-edits.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { RequestIds } from "../fields/request-id.ts";
import type { BodyLook } from "./body-look.ts";
import type { ResponseHead } from "../message/response-head.ts";

/** How answers to a request look that a step let enter at a Route. */
export interface AnswerForm {
  /** The gateway's own answer to a failure; null: the usual one. */
  failed(failure: Failure, detail: string, retried: boolean): Answer | null;
  /** Any answer gets these fields, unless the Mapping says by its CORS which. */
  readonly origin: ExtraFields;
}

/** What a step says, at once or by `Resume`. */
export type Verdict =
  | { readonly kind: "go-on" }
  /** This is the whole answer; `counted` false: it is neither counted nor logged. */
  | { readonly kind: "answer"; readonly answer: Answer; readonly counted: boolean }
  | { readonly kind: "fail"; readonly failure: Failure; readonly detail: string }
  /** It fails of this, and this is the whole answer. */
  | { readonly kind: "refuse"; readonly failure: Failure; readonly detail: string; readonly answer: Answer }
  /**
   * It had no Route, and one is looked for now, with the changed head, at this path, in its canonical form; null: at its own. `form` null:
   * answers look as usual. Only for the step that requests pass before they have a Route. Steps of that Route may say `again`.
   */
  | {
      readonly kind: "enter";
      readonly path: string | null;
      readonly change: HeadChange;
      readonly form: AnswerForm | null;
    }
  /** A member of the Route is chosen by this name of the client. If it is another than the request has, the steps of that one are asked from the first on. */
  | { readonly kind: "choose"; readonly client: string }
  /** The head is changed and a Route is looked for once more, all of its steps included but this one. Once a request: after that it goes on. */
  | { readonly kind: "again"; readonly change: HeadChange };

/**
 * Ends a wait, once, from anywhere, also from within a step. What is said a second time, or after the request has ended, is ignored. What
 * follows from it follows when whoever speaks has returned.
 */
export type Resume = (verdict: Verdict) => void;

export const goOn: Verdict = Object.freeze({ kind: "go-on" });
/** What `take` says of a request that it has asked to `wait`. */
export const waits = "waits";

/**
 * The request, as a step sees it. Valid during the call; after `wait` until the request ends, and then nothing that is asked of it has an
 * effect. A step that throws, or that says what cannot be done, ends its request with a fault of the gateway (500), and nothing else.
 */
export interface StepRequest {
  /** Valid during the call; after `wait`, a copy that stays. */
  readonly head: WireRequestHead;
  readonly facts: ClientFacts;
  readonly secure: boolean;
  /** Length of the body, 0 for none; below 0: not known. */
  readonly bodyBytes: number;
  readonly ids: RequestIds;
  /** Every answer to this request gets these fields, whoever gives it. */
  addToAnswer(fields: ExtraFields): void;
  /** The upstream's answer sets this cookie. */
  setCookie(cookie: string): void;
  /** Who calls; null: nobody has said it. */
  readonly caller: Caller | null;
  /** Who calls by what a provider said at the Route before: its credentials may be taken out of the head since. null: none did. */
  readonly earlier: Caller | null;
  /** This is who calls: limits, log and whoever asks later know it. */
  admit(caller: Caller): void;
  /** What is said about the request says nothing of its query: it may hold a credential. */
  hideQuery(): void;
  /** Trailers of the request go no further: one of them might say what only a step says. */
  endTrailers(): void;
  /** What later steps and the upstream see is the head with this change; the Route stays. Throws on what would break the message. */
  change(change: HeadChange): void;
  /** Where its sticky key falls (`routing/route/sticky-key.ts`); `noKey`: it has none, or its Route is not sticky. */
  readonly stickyPoint: number;
  /** Its Route has other live members than the one that was drawn for it. */
  readonly hasOtherMembers: boolean;
  /**
   * The request goes to the live member of its Route that one of these puids names, whatever its share: `puid`. The steps after this one are that
   * member's, and where it is another object's, all of its steps are. Else it stays where it is, and this says why.
   */
  turnTo(puids: readonly string[]): FeedbackWay;
  /** Where JSON feedback for its member has the reward; null: where Seldon's clients have it. */
  readonly rewardPath: JsonPath | null;
  /** Where a model answers with success, this is counted for its predictor. */
  countFeedback(note: FeedbackNote): void;
  /** Keeps the request at the Endpoint of this hash; null: at none. */
  stickTo(hash: number | null): void;
  /** Kept for `answered` and `ended` of this step. */
  keep(value: unknown): void;
  /**
   * The step waits for something outside: it returns `waits` next, and says its verdict later. Meanwhile the client is paused, time limits run,
   * and `cancel` is called when the request ends for another reason before it has said it.
   */
  wait(cancel: () => void): Resume;
  /**
   * While it waits: the step needs the body before it decides. `taken` is called once, in a later call, with the beginning of the body: all of
   * it (`whole`), or the first `mostBytes` of a longer one. What came is kept and goes on after the wait. Where the namespace has no more room for it
   * in `--retry-total-bytes`, `full` says whether the request fails, or `taken` gets what has come.
   */
  awaitBody(mostBytes: number, taken: BodyTaker, full: "fail" | "take"): void;
  /** There is room to begin such a wait. */
  readonly hasRoomForBody: boolean;
  /**
   * The step sees the body of the request on its way to the upstream: once, whatever is tried again, and as shadows get it. In `take`, and until a step that waits has said its
   * verdict. One step of a request may.
   */
  seeBody(look: BodyLook): void;
}

export type BodyTaker = (body: Buffer, whole: boolean) => void;

/** Why a feedback went where it went: a value of `sluice_feedback_total`. */
export type FeedbackWay = (typeof feedbackWays)[number];

/** What is counted of a feedback. */
export interface FeedbackNote {
  readonly way: FeedbackWay;
  /** null: it has none, or none has come yet. */
  readonly reward: number | null;
}

/** How an exchange ended. */
export interface ExchangeEnd {
  /** Of the answer; 0: none. */
  readonly code: number;
  /** null: it did not fail. */
  readonly failure: Failure | null;
}

/** The part of the model in an exchange that is over. Valid during the call. */
export interface ModelEnd {
  /** Why its answer failed, whatever its client did behind it; null: it did not. */
  readonly failure: Failure | null;
  /** The model itself answered with a server error. */
  readonly isModelError: boolean;
  /** The model itself answered with a client error. */
  readonly refusal: Refusal;
  /** The server error is DEADLINE_EXCEEDED, and the time that the caller gave the call is over, or nearly: the model tells that it ran out. */
  readonly isCallersLimit: boolean;
  /** From the last byte of the request to the first of the answer, ms; null: the request did not end before. */
  readonly latencyMs: number | null;
  /** How long the model had, ms: `ExchangeTimes.modelMs`. */
  readonly modelMs: number;
  /** How long the client may have let the gateway wait, ms: `ExchangeTimes.clientMs`. */
  readonly clientMs: number;
}

/** Of a client error: it is about the request, or about whoever sends it or how much. `none`: it was none. */
export type Refusal = "none" | "of-request" | "of-client";

export interface Step {
  /** Its name in `stepOrder`, for people. */
  readonly name: string;
  take(request: StepRequest): Verdict | typeof waits;
  /**
   * The head of the upstream's final answer has come; it may add fields by `addToAnswer`. Called again where
   * the answer of another try takes the place of one that broke off. null: the step does not look at answers.
   */
  readonly answered: ((head: ResponseHead, request: StepRequest, kept: unknown) => void) | null;
  /** The exchange is over. Called once for each request that the step has seen. null: the step does not care. */
  readonly ended: ((end: ExchangeEnd, kept: unknown, model: ModelEnd) => void) | null;
}

/** A step that looks at requests only. */
export function requestStep(name: string, take: Step["take"]): Step {
  return Object.freeze({ name, take, answered: null, ended: null });
}
