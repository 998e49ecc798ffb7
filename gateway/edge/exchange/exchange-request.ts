// ExchangeRequest: the request's way through an exchange, from the client to the upstream and to shadows.
import { noKey } from "../../../routing/route/sticky-key.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { failures, type Failure } from "../../failures.ts";
import type { FieldList } from "../fields/fields.ts";
import type { MessageTaker } from "../message/message-taker.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { copyBytes } from "../message/head-copy.ts";
import type { Gate } from "../policy/gates.ts";
import type { CopyTarget } from "../shadow/shadow-budget.ts";
import type { ShadowCopy } from "../shadow/shadow-copy.ts";
import type { ComparedExchange } from "../shadow/compared-exchange.ts";
import { CapturedAnswer } from "./captured-answer.ts";
import { ExchangeRoute, type RoutedRequest } from "./exchange-route.ts";
import type { ExchangeEnds, ExchangeState } from "./exchange-state.ts";
import type { TriesOwner } from "../forwarding/tries.ts";
import type { SeenBody } from "../bodies/seen-body.ts";
import { tooMuchHeld, WaitingBody } from "../bodies/waiting-body.ts";

/** Counted among requests that have no Route. */
const withoutSeries = -1;

/** `head` begins the exchange; `abort`: a fault of the request's framing, of which the body makes no sense from here on. */
export class ExchangeRequest
  implements MessageTaker<[head: WireRequestHead, facts: ClientFacts], [failure: Failure]>, RoutedRequest, TriesOwner
{
  readonly #state: ExchangeState;
  readonly #exchange: ExchangeEnds;
  readonly #route: ExchangeRoute;
  /** What came while a step waits; null: no step has waited yet. */
  #waiting: WaitingBody | null = null;
  #copy: ShadowCopy<CopyTarget> | null = null;
  /** A step sees the body; null: none does. */
  #seen: SeenBody | null = null;
  /** null: its answer is not compared. */
  #captured: CapturedAnswer | null = null;
  #compared: ComparedExchange | null = null;
  #chunked = false;

  constructor(state: ExchangeState, exchange: ExchangeEnds) {
    this.#state = state;
    this.#exchange = exchange;
    this.#route = new ExchangeRoute(state, this, exchange);
  }

  /** Somebody will take the body. */
  get wanted(): boolean {
    return this.#state.request === "passing" || this.#state.request === "complete";
  }

  head(head: WireRequestHead, facts: ClientFacts): void {
    this.#state.begin(head, facts);
    this.#chunked = head.framing === "chunked";
    this.#exchange.forwarding.reset(head.isHead);
    const { gates } = this.#state.context;
    if (gates !== null && this.#isTurnedAway(gates, head, facts)) return;
    this.#route.decide(head);
  }

  /** It has no Route yet, and is counted. */
  #isTurnedAway(gates: readonly Gate[], head: WireRequestHead, facts: ClientFacts): boolean {
    for (const gate of gates) {
      const verdict = gate.judge(head, facts);
      if (verdict === null) continue;
      this.#state.record.enter(withoutSeries, head.grpc);
      if (verdict.kind === "answer") this.#exchange.sendOwn(verdict.answer);
      else this.#exchange.fail(verdict.failure, "");
      return true;
    }
    return false;
  }

  forward(head: WireRequestHead, hash: number | null, seen: SeenBody | null): void {
    this.#seen = seen;
    const { context, record } = this.#state;
    const compiled = this.#state.compiled!;
    const facts = this.#state.facts!;
    const { shadows, sticky } = record.decision!;
    if (sticky !== null && this.#state.sticky.cookie !== null) this.#state.edits.setCookie(this.#state.sticky.cookie);
    record.identify();
    const { requestId } = record;
    if (shadows.length > 0 && !head.websocket) {
      const point = sticky === null ? noKey : this.#state.sticky.point;
      const { series } = record.decision!.mapping;
      this.#copy = context.shadows.begin(shadows, head, compiled, facts, requestId, point, series);
      if (this.#copy !== null && this.#copy.compared !== null) this.#capture(this.#copy.compared);
    }
    this.#exchange.forwarding.head(head, compiled, facts, requestId, hash);
  }

  /** The answer is kept as it passes. */
  #capture(compared: ComparedExchange): void {
    const state = this.#state;
    this.#compared = compared;
    this.#captured = new CapturedAnswer(state.answer, compared, state.times);
    state.answer = this.#captured;
  }

  #endCapture(): void {
    this.#compared!.primaryOver(false);
    this.#state.answer = this.#captured!.client;
    this.#compared = null;
    this.#captured = null;
  }

  body(bytes: Buffer, start: number, end: number): void {
    const { record, times, web, worker, request } = this.#state;
    const { nowMs, limits } = worker;
    record.requestBytes += end - start;
    times.requestByteMs = nowMs;
    times.lastByteMs = nowMs;
    if (request !== "passing") return;
    if (this.#chunked && limits.bodyBytes > 0 && record.requestBytes > limits.bodyBytes) {
      this.#exchange.fail(failures.bodyTooLarge, "");
      return;
    }
    if (web === null) this.#pass(bytes, start, end);
    else this.#passDecoded(web.decode(bytes, start, end));
  }

  #passDecoded(bytes: Buffer | null): void {
    if (bytes === null) this.#exchange.fail(failures.malformedText, "");
    else if (bytes.length > 0) this.#pass(bytes, 0, bytes.length);
  }

  #pass(bytes: Buffer, start: number, end: number): void {
    if (this.#state.waits) {
      // Where what has come is enough for the step, it is told in this turn.
      const beyond = this.#state.steps!.takesLess;
      if (!this.#waitingBody.body(bytes, start, end, beyond))
        this.#exchange.fail(tooMuchHeld.failure, tooMuchHeld.detail);
      return;
    }
    if (this.#seen === null || this.#seen.piece(bytes, start, end)) this.#forwardBody(bytes, start, end);
    else this.#exchange.fail(failures.fault, "");
  }

  #forwardBody(bytes: Buffer, start: number, end: number): void {
    if (this.#copy !== null && !this.#copy.body(bytes, start, end)) this.#copy = null;
    this.#exchange.forwarding.body(bytes, start, end);
  }

  get #waitingBody(): WaitingBody {
    return (this.#waiting ??= new WaitingBody(this.#state.worker.held));
  }

  end(trailers: FieldList | null): void {
    const state = this.#state;
    state.times.endRequest(state.worker.nowMs);
    if (state.request === "discarding") state.request = "dropped";
    if (state.request !== "passing") return;
    state.request = "complete";
    if (state.web !== null && !state.web.complete) this.#exchange.fail(failures.malformedText, "");
    else if (state.waits) this.#waitingBody.end(trailers);
    else this.#passEnd(trailers);
  }

  #passEnd(trailers: FieldList | null): void {
    if (this.#seen === null || this.#seen.ended("complete", trailers)) this.#forwardEnd(trailers);
    else this.#exchange.fail(failures.fault, "");
  }

  /** A server may take a trailer for a field of the head (RFC 9110 §6.5.1): where fields were taken out, none goes on. */
  #forwardEnd(trailers: FieldList | null): void {
    const { steps } = this.#state;
    this.#exchange.forwarding.end(steps !== null && steps.fieldsTaken ? null : trailers);
  }

  flush(): void {
    const state = this.#state;
    const { forwarding } = this.#exchange;
    switch (state.request) {
      case "none":
        return;
      case "discarding":
      case "dropped":
        this.#exchange.finishIfDone();
        return;
      case "passing":
        if (state.waits) {
          if (!this.#awaitsBody()) this.#pauseClient();
        } else {
          forwarding.flush();
          if (forwarding.congested) this.#pauseClient();
        }
        break;
      case "complete":
        if (state.waits) {
          this.#awaitsBody();
          break;
        }
        forwarding.flush();
        if (this.#copy !== null) this.#sendCopy();
        this.#exchange.finishIfDone();
        if (!state.active) return;
    }
    state.arm();
  }

  bodyWanted(): void {
    // It may stand in the middle of a read, or of a step.
    const run = this.#state.steps!;
    this.#waitingBody.shareOf(this.#state.namespace, copyBytes(run.head));
    queueMicrotask(() => {
      if (run === this.#state.steps && this.#state.waits && this.#awaitsBody()) this.#resumeClient();
    });
  }

  /** Whether a step waits for more of the body. If there is enough, it is told. */
  #awaitsBody(): boolean {
    const { steps, times, worker } = this.#state;
    const waiting = this.#waitingBody;
    const run = steps!;
    if (!run.wantsBody) return false;
    if (!waiting.ended && waiting.bytes <= run.bodyBound) {
      if (!waiting.isBeyondShare) return true;
      if (!run.takesLess) {
        this.#exchange.fail(tooMuchHeld.failure, tooMuchHeld.detail);
        return false;
      }
    }
    times.waitingSinceMs = worker.nowMs;
    run.giveBody(waiting.beginning(run.bodyBound), waiting.ended && waiting.bytes <= run.bodyBound);
    return false;
  }

  #sendCopy(): void {
    const copy = this.#copy!;
    this.#copy = null;
    this.#state.context.shadows.send(copy);
  }

  abort(failure: Failure): void {
    this.#exchange.fail(failure, "");
  }

  resume(): void {
    const state = this.#state;
    const { forwarding } = this.#exchange;
    const run = state.steps;
    if (this.wanted) {
      // It may end with any piece of it, and a client that sent ahead then has its next request in this exchange.
      this.#waiting?.passTo({
        body: (bytes, start, end) => run === state.steps && this.#pass(bytes, start, end),
        end: (trailers) => run === state.steps && this.#passEnd(trailers),
      });
    }
    if (run !== state.steps) return;
    this.flush();
    if (state.request === "passing" && !forwarding.congested) this.#resumeClient();
  }

  // What becomes of it, as forwarding tells.

  get remainingMs(): number {
    return this.#state.times.remainingMs(this.#state.worker.nowMs, this.#state.compiled!);
  }

  taken(): void {
    this.#resumeClient();
    this.#state.arm();
  }

  sentAgain(): void {
    this.#state.record.sentAgain();
  }

  failed(failure: Failure, detail: string): void {
    this.#exchange.fail(failure, detail);
  }

  #pauseClient(): void {
    this.#state.times.requestPaused = true;
    this.#state.client.pauseRequest();
  }

  #resumeClient(): void {
    const { client, times, worker } = this.#state;
    if (!times.requestPaused) return;
    times.resumeRequest(worker.nowMs);
    client.resumeRequest();
  }

  // How it goes no further.

  /** The rest of it goes nowhere. */
  discard(): void {
    this.#state.request = this.#state.requestDone ? "dropped" : "discarding";
    this.#cutSeen();
    this.#resumeClient();
  }

  /** The client reads no further: it counts as done. */
  giveUp(): void {
    if (this.#state.active) this.#state.request = "dropped";
  }

  /** No step sees more of the body. */
  #cutSeen(): void {
    const seen = this.#seen;
    this.#seen = null;
    seen?.ended("cut", null);
  }

  /** Nothing more goes to the upstream or to shadows. */
  drop(): void {
    const { steps } = this.#state;
    if (steps !== null && steps.waiting) steps.cancel();
    this.#waiting?.clear();
    this.#cutSeen();
    if (this.#copy !== null) {
      this.#copy.drop("dropped_incomplete");
      this.#copy = null;
    }
    if (this.#captured !== null) this.#endCapture();
    this.#exchange.forwarding.abort();
  }
}
