// ExchangeRoute: whose request it is. Decided by the table, then passed through the steps of that Mapping, which may have it decided again.
import type { JsonPath } from "../../../routing/text/json-path.ts";
import type { ForwardDecision, RejectDecision } from "../../../routing/route/decision.ts";
import { isFeedback } from "../../../routing/request/feedback.ts";
import { secondDraw } from "../../../routing/collections/key-hash.ts";
import { noKey } from "../../../routing/route/sticky-key.ts";
import { decide } from "../../../routing/decide.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import { failures, rejectFailure } from "../../failures.ts";
import type { FrontAddresses } from "../io/front.ts";
import { refusedAddress } from "../message/front-addresses.ts";
import type { Caller } from "../identity/verifier.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { CompiledMapping, LazyMapping } from "../policy/compiled-mapping.ts";
import type { SeenBody } from "../bodies/seen-body.ts";
import type { FeedbackNote, Step, Verdict } from "../steps/step.ts";
import { rejectedSteps } from "../policy/compile-steps.ts";
import type { ExchangeEnds, ExchangeState } from "./exchange-state.ts";
import type { MemberSteps, StepOwner, TurnedSteps } from "./step-owner.ts";
import { namedMember } from "./named-member.ts";
import { admittingMember } from "./admitting-member.ts";
import { StepRun } from "./step-run.ts";

/** What becomes of a request that somebody takes. */
export interface RoutedRequest {
  /** It goes to the Upstream of its Mapping. `hash` keeps the client at one Endpoint; null: nothing does. `seen`: its body as a step looks at it; null: none does. */
  forward(head: WireRequestHead, hash: number | null, seen: SeenBody | null): void;
  /** A step has waited, and no longer does: what was held back of the request may go on. */
  resume(): void;
  /** A step that waits needs the body. */
  bodyWanted(): void;
}

export class ExchangeRoute implements StepOwner {
  readonly #state: ExchangeState;
  readonly #request: RoutedRequest;
  readonly #exchange: Pick<ExchangeEnds, "fail" | "refuse" | "sendOwn">;

  constructor(
    state: ExchangeState,
    request: RoutedRequest,
    exchange: Pick<ExchangeEnds, "fail" | "refuse" | "sendOwn">,
  ) {
    this.#state = state;
    this.#request = request;
    this.#exchange = exchange;
  }

  /** Decides, and runs the steps. Request or exchange are told during the call, unless a step waits. */
  decide(head: WireRequestHead): void {
    const { context, record, worker } = this.#state;
    const { oauth } = context;
    if (oauth !== null && oauth.isAsked(head)) {
      // What it lets in is not asked again where it comes from.
      if (worker.front.addresses !== null && this.#isKeptOut(head, worker.front.addresses, null)) return;
      record.enter(-1, head.grpc);
      this.#runSteps(oauth.steps, head);
      return;
    }
    const decision = decide(context.table, head, worker.draw());
    if (head.regexSteps > 0) worker.counters.add(fixed.regexInputTooLong, head.unmatchedTexts);
    if (decision.kind === "reject") {
      this.#reject(decision, head);
      return;
    }
    if (worker.front.addresses !== null && this.#isKeptOut(head, worker.front.addresses, decision)) return;
    const compiled = this.#take(decision, head);
    record.enter(compiled.slot, compiled.countsGrpc);
    const steps = stepsFor(compiled, head);
    if (steps === null) this.#request.forward(head, null, null);
    else this.#runSteps(steps, head);
  }

  /** Its address may call nothing here. Probes are no Route's, and kubelets come from anywhere. */
  #isKeptOut(
    head: WireRequestHead,
    addresses: readonly FrontAddresses[],
    decision: ForwardDecision<LazyMapping> | null,
  ): boolean {
    const address = refusedAddress(head, this.#state.facts!, addresses);
    if (address === null) return false;
    const { record } = this.#state;
    record.decision = decision;
    if (decision === null) record.enter(-1, head.grpc);
    else record.enter(decision.attached.slot, countsGrpc(decision.attached.slot, decision.mapping, head));
    this.#exchange.fail(failures.addressRefused, address);
    return true;
  }

  #reject(decision: RejectDecision, head: WireRequestHead): void {
    const { context, record } = this.#state;
    record.enter(decision.slot, countsGrpc(decision.slot, decision.mapping, head));
    record.rejection = decision;
    const isUnclaimed = decision.reason === "no-route" || decision.reason === "not-read";
    const steps = isUnclaimed ? context.stepsWithoutRoute : rejectedSteps(decision.mapping);
    if (steps === null) this.stepsPassed(head);
    else this.#runSteps(steps, head);
  }

  /** The request is this Mapping's, the one's that its key falls on, or another member's where nobody may call that one. */
  #take(drawn: ForwardDecision<LazyMapping>, head: WireRequestHead): CompiledMapping {
    return this.#takeMember(this.#chosen(drawn, head), head);
  }

  #chosen(drawn: ForwardDecision<LazyMapping>, head: WireRequestHead): ForwardDecision<LazyMapping> {
    const { client, facts, sticky } = this.#state;
    const chosen = drawn.sticky === null ? drawn : sticky.byHead(drawn, drawn.sticky, head, facts!, client.secure);
    return this.#admitting(chosen);
  }

  #admitting(chosen: ForwardDecision<LazyMapping>): ForwardDecision<LazyMapping> {
    if (!chosen.attached.compiledFor(chosen.ofSeveral).admitsNobody) return chosen;
    const { sticky, worker } = this.#state;
    const byKey = chosen.sticky !== null && sticky.point !== noKey;
    return admittingMember(chosen, byKey ? secondDraw(sticky.point, 0) : worker.draw());
  }

  #takeMember(decision: ForwardDecision<LazyMapping>, head: WireRequestHead): CompiledMapping {
    const state = this.#state;
    const compiled = decision.attached.compiledFor(decision.ofSeveral);
    state.compiled = compiled;
    state.record.decision = decision;
    if (compiled.responseEdits !== null) state.edits.begin(head, compiled, state.facts!);
    if (state.form !== null) this.#addOrigin(compiled.steps);
    return compiled;
  }

  #addOrigin(steps: readonly Step[] | null): void {
    const { edits, form } = this.#state;
    if (steps?.some(({ name }) => name === "cors") !== true) edits.add(form!.origin);
  }

  #runSteps(steps: readonly Step[], head: WireRequestHead): void {
    const state = this.#state;
    const { ids } = state.context;
    const run = (state.steps ??= new StepRun(state.worker, ids, state.edits, this));
    const bodyBytes = head.framing === "chunked" ? -1 : Math.max(0, head.contentLength);
    run.begin(steps, head, { facts: state.facts!, secure: state.client.secure, bodyBytes });
    if (run.waiting && !run.wantsBody) state.times.waitingSinceMs = state.worker.nowMs;
  }

  get namespace(): string {
    return this.#state.namespace;
  }

  callerKnown(caller: Caller): void {
    this.#state.record.caller = caller;
  }

  queryHidden(): void {
    this.#state.record.hideQuery();
  }

  stepsPassed(head: WireRequestHead): void {
    if (this.#state.compiled === null) {
      const { reason, sentence } = this.#state.record.rejection!;
      this.#exchange.fail(rejectFailure(reason), sentence);
      return;
    }
    const run = this.#state.steps!;
    // A tunnel has none.
    this.#request.forward(head, run.hash, head.websocket ? null : run.takeSeen());
  }

  stepDecided(verdict: Exclude<Verdict, { kind: "go-on" | "choose" }>, head: WireRequestHead): void {
    switch (verdict.kind) {
      case "answer":
        if (!verdict.counted) this.#state.record.exclude();
        this.#exchange.sendOwn(verdict.answer);
        return;
      case "fail":
        this.#exchange.fail(verdict.failure, verdict.detail);
        return;
      case "refuse":
        this.#exchange.refuse(verdict.failure, verdict.detail, verdict.answer);
        return;
      case "enter":
        this.#state.form = verdict.form;
        this.#decideAgain(head);
        return;
      case "again":
        this.#decideAgain(head);
    }
  }

  /** By the newest table, and with another draw: the step may have waited, and memory of older tables is used again. */
  #decideAgain(head: WireRequestHead): void {
    const { context, edits, record, steps, worker } = this.#state;
    const run = steps!;
    const decision = decide(context.table, head, worker.draw());
    edits.beginAgain();
    if (decision.kind === "reject") {
      this.#state.compiled = null;
      record.decision = null;
      record.rejection = decision;
      record.move(decision.slot, countsGrpc(decision.slot, decision.mapping, head));
      const steps = rejectedSteps(decision.mapping);
      if (this.#state.form !== null) this.#addOrigin(steps);
      run.again(steps, head);
      return;
    }
    const compiled = this.#take(decision, head);
    record.move(compiled.slot, compiled.countsGrpc);
    run.again(stepsFor(compiled, head), head);
  }

  get stickyPoint(): number {
    const { record, sticky } = this.#state;
    return record.decision!.sticky === null ? noKey : sticky.point;
  }

  get hasOtherMembers(): boolean {
    return this.#state.record.decision!.ofSeveral;
  }

  turnTo(puids: readonly string[], head: WireRequestHead): TurnedSteps {
    const { record } = this.#state;
    const before = record.decision!;
    const now = this.#memberNow(before, head);
    const found = namedMember(now.route.split, puids);
    const way = typeof found === "string" ? found : found.way;
    const decision = typeof found === "string" ? now : found.named;
    if (typeof found !== "string") record.puid = found.puid;
    return { way, ...this.#move(before, decision, head) };
  }

  memberNow(head: WireRequestHead): MemberSteps | null {
    const before = this.#state.record.decision;
    if (before === null) return null;
    const now = this.#memberNow(before, head);
    const isOther = now.mapping.id !== before.mapping.id && now.mapping.member === before.mapping.member;
    return isOther ? this.#move(before, now, head) : null;
  }

  #move(before: ForwardDecision<LazyMapping>, to: ForwardDecision<LazyMapping>, head: WireRequestHead): MemberSteps {
    const { edits, facts, record } = this.#state;
    const compiled = to.attached.compiledFor(to.ofSeveral);
    if (to !== before) {
      this.#state.compiled = compiled;
      record.decision = to;
      edits.begin(head, compiled, facts!);
      record.move(compiled.slot, compiled.countsGrpc);
    }
    return { steps: stepsFor(compiled, head) ?? [], ofOther: to.mapping.member !== before.mapping.member };
  }

  /**
   * A step may wait long, for a body as long as its client likes, and members come and go meanwhile. The request's member in the newest table; where that one is not ready any more,
   * another one of its Route. `before` where no step has waited, and where the Route is gone or takes nobody.
   */
  #memberNow(before: ForwardDecision<LazyMapping>, head: WireRequestHead): ForwardDecision<LazyMapping> {
    const { context, steps, worker } = this.#state;
    if (!steps!.spent) return before;
    const decision = decide(context.table, head, worker.draw());
    if (decision.kind === "reject" || decision.route.key !== before.route.key) return before;
    const { forwards, undrawn, members } = decision.route.split;
    const { id } = before.mapping;
    const isReady = members.some(({ mapping, ready }) => ready && mapping.id === id);
    const same = isReady ? [...forwards, ...undrawn].find(({ mapping }) => mapping.id === id) : undefined;
    return same ?? this.#chosen(decision, head);
  }

  get rewardPath(): JsonPath | null {
    const { target } = this.#state.record.decision!.mapping;
    return target.kind === "forward" ? target.rewardPath : null;
  }

  feedbackKnown(note: FeedbackNote): void {
    this.#state.record.feedback = note;
  }

  clientChosen(client: string, head: WireRequestHead): readonly Step[] | null | "stays" {
    const { edits, record, sticky } = this.#state;
    const before = record.decision!;
    if (before.sticky === null) return "stays";
    const chosen = sticky.byClient(before.sticky, client);
    if (chosen === before) return "stays";
    edits.beginAgain();
    const compiled = this.#takeMember(this.#admitting(chosen), head);
    record.move(compiled.slot, compiled.countsGrpc);
    return stepsFor(compiled, head);
  }

  bodyWanted(): void {
    this.#request.bodyWanted();
  }

  stepsResumed(): void {
    this.#state.times.endWait(this.#state.worker.nowMs);
    this.#request.resume();
  }
}

function stepsFor(compiled: CompiledMapping, head: WireRequestHead): readonly Step[] | null {
  if (head.websocket) return compiled.upgradeSteps;
  return isFeedback(head) ? compiled.feedbackSteps : compiled.steps;
}

/** As the Series of a Mapping is counted; without one, as it was called. */
function countsGrpc(slot: number, mapping: Mapping | null, head: WireRequestHead): boolean {
  return slot < 0 || mapping === null ? head.grpc : mapping.series.protocol === "grpc";
}
