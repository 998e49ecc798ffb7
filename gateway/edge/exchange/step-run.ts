// StepRun: one request on its way through the steps of its Mapping. Made for the first request of an exchange that has any, and used again,
// unless a step waited: it may hold on to what it was given, and must not speak of another request by it.
import type { JsonPath } from "../../../routing/text/json-path.ts";
import type { Caller } from "../identity/verifier.ts";
import { slabBytes } from "../io/held-memory.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { failures } from "../../failures.ts";
import { copyBytes, copyOfHead, noChange, type HeadChange } from "../message/head-copy.ts";
import type { ExtraFields } from "../message/header-edits.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { RequestIds } from "../fields/request-id.ts";
import type { ResponseHead } from "../message/response-head.ts";
import type { AnswerEdits } from "../policy/answer-edits.ts";
import type { BodyLook } from "../steps/body-look.ts";
import {
  waits,
  type BodyTaker,
  type ExchangeEnd,
  type FeedbackNote,
  type FeedbackWay,
  type ModelEnd,
  type Resume,
  type Step,
  type StepRequest,
  type Verdict,
} from "../steps/step.ts";
import { tooMuchHeld } from "../bodies/waiting-body.ts";
import { SeenBody } from "../bodies/seen-body.ts";
import type { MemberSteps, StepFacts, StepOwner } from "./step-owner.ts";
import { StepWait } from "./step-wait.ts";

export class StepRun implements StepRequest {
  readonly #worker: WorkerContext;
  readonly #owner: StepOwner;
  readonly #edits: AnswerEdits;
  readonly #wait: StepWait;
  /** The body as a step wants to see it, until the exchange that passes it on takes it; null: no step does. */
  #asked: { readonly step: Step; readonly body: SeenBody } | null = null;
  readonly ids: RequestIds;
  #steps: readonly Step[] = [];
  /** The step that is asked, or was last. */
  #at = -1;
  /** The step that had the Route looked for again; null: none did. It is not asked twice. */
  #asker: Step | null = null;
  #head: WireRequestHead | null = null;
  #shared: StepFacts | null = null;
  /** A member of this Route was chosen by who calls. */
  #chosen = false;
  /** Values that steps keep for this request, by step; null: none. */
  #kept: Map<Step, unknown> | null = null;
  /** Steps of an earlier Route that saw the request. */
  #earlier: readonly Step[] = [];
  /** A step has waited: the run serves no other request. */
  spent = false;
  hash: number | null = null;
  /** Fields of the client were taken out, which it must not bring in behind its body either. */
  fieldsTaken = false;
  caller: Caller | null = null;
  earlier: Caller | null = null;
  /** Who it was before it had a Route; null: nobody had said it. */
  #entered: Caller | null = null;
  /** The request passes steps, or has passed some that want to know of its end. */
  active = false;

  constructor(worker: WorkerContext, ids: RequestIds, edits: AnswerEdits, owner: StepOwner) {
    this.#worker = worker;
    this.ids = ids;
    this.#edits = edits;
    this.#owner = owner;
    this.#wait = new StepWait(worker);
  }

  /** A step waits for the body. */
  get wantsBody(): boolean {
    return this.#wait.wantsBody;
  }

  /** Bytes of the body that it wants at most. */
  get bodyBound(): number {
    return this.#wait.bodyBound;
  }

  /** It takes less, where there is no room for that. */
  get takesLess(): boolean {
    return this.#wait.wantsBody && this.#wait.takesLess;
  }

  /** A step waits. */
  get waiting(): boolean {
    return this.#wait.isOn;
  }

  get head(): WireRequestHead {
    return this.#head!;
  }

  get facts(): ClientFacts {
    return this.#shared!.facts;
  }

  get secure(): boolean {
    return this.#shared!.secure;
  }

  get bodyBytes(): number {
    return this.#shared!.bodyBytes;
  }

  /** Runs the steps of the request's Route. The owner is told during the call, unless a step waits. */
  begin(steps: readonly Step[], head: WireRequestHead, shared: StepFacts): void {
    this.active = true;
    this.#steps = steps;
    this.#at = -1;
    this.#head = head;
    this.#shared = shared;
    this.hash = null;
    this.fieldsTaken = false;
    this.#chosen = false;
    this.caller = null;
    this.#entered = null;
    this.earlier = null;
    this.#run();
  }

  /** Runs the steps of the Route that was found for the changed head; `steps` null: it has none. */
  again(steps: readonly Step[] | null, head: WireRequestHead): void {
    this.#dropLook(this.#steps[this.#at]!);
    this.#earlier = this.#steps.slice(0, this.#at + 1);
    this.#steps = steps ?? [];
    this.#at = -1;
    this.#head = head;
    this.hash = null;
    this.#forgetCaller();
    this.#run();
  }

  /** Another object asks for itself who calls. A token of before there was a Route is no provider's word. */
  #forgetCaller(): void {
    this.earlier = this.caller === this.#entered ? null : this.caller;
    this.caller = this.#entered;
  }

  get stickyPoint(): number {
    return this.#owner.stickyPoint;
  }

  get hasOtherMembers(): boolean {
    return this.#owner.hasOtherMembers;
  }

  turnTo(puids: readonly string[]): FeedbackWay {
    if (!this.active) return "no_puid";
    const turned = this.#owner.turnTo(puids, this.head);
    this.#follow(turned);
    return turned.way;
  }

  /** The steps after this one are those of another member; where another object declares it, all of them. */
  #follow({ steps, ofOther }: MemberSteps): void {
    const { name } = this.#steps[this.#at]!;
    const own = steps.findIndex((step) => step.name === name);
    const passed = this.#steps.slice(0, this.#at + 1);
    if (ofOther) this.#forgetCaller();
    this.#steps = [...passed, ...steps.filter((_, at) => at > own || (ofOther && at < own))];
  }

  get rewardPath(): JsonPath | null {
    return this.active ? this.#owner.rewardPath : null;
  }

  countFeedback(note: FeedbackNote): void {
    if (this.active) this.#owner.feedbackKnown(note);
  }

  #run(): void {
    while (++this.#at < this.#steps.length) {
      const step = this.#steps[this.#at]!;
      // Its like of another Mapping is the same question.
      if (this.#asker !== null && step.name === this.#asker.name) continue;
      this.#edits.nextStep();
      const verdict = this.#ask(step);
      if (verdict === waits) return;
      if (this.#decides(step, verdict)) return;
    }
    this.#at = this.#steps.length - 1;
    this.#owner.stepsPassed(this.head);
  }

  #ask(step: Step): Verdict | typeof waits {
    let verdict: Verdict | typeof waits;
    try {
      verdict = step.take(this);
      if (verdict === waits && !this.#wait.isOn) throw new Error(`the step ${step.name} waits for nothing`);
    } catch (error) {
      this.#worker.stepFaulted(error);
      verdict = fault;
    }
    if (verdict === waits && !this.takesLess && !this.#worker.held.hasRoom(0)) verdict = tooMuchHeld;
    // A step that has decided waits no longer.
    if (verdict !== waits && this.#wait.isOn) this.#wait.end();
    return verdict;
  }

  /** Whether the run is over, or begun anew. */
  #decides(step: Step, verdict: Verdict): boolean {
    if (verdict.kind === "go-on") return false;
    if (verdict.kind === "choose") return this.#chooses(verdict.client);
    if (verdict.kind !== "again" && verdict.kind !== "enter") {
      this.#owner.stepDecided(verdict, this.head);
      return true;
    }
    if (verdict.kind === "enter") {
      this.#entered = this.caller;
    } else {
      if (this.#asker !== null) return false;
      this.#asker = step;
    }
    this.#chosen = false;
    if (verdict.change.remove.length > 0) this.fieldsTaken = true;
    let changed: WireRequestHead | null = null;
    try {
      changed = copyOfHead(this.head, verdict.change, verdict.kind === "enter" ? verdict.path : null);
    } catch (error) {
      this.#worker.stepFaulted(error);
    }
    if (changed === null) this.#owner.stepDecided(fault, this.head);
    else this.#owner.stepDecided(verdict, changed);
    return true;
  }

  /** Once for each Route: members with other guards may know the caller by another name, which would choose again. */
  #chooses(client: string): boolean {
    if (this.#chosen) return false;
    this.#chosen = true;
    const steps = this.#owner.clientChosen(client, this.head);
    if (steps === "stays") return false;
    this.again(steps, this.head);
    return true;
  }

  addToAnswer(fields: ExtraFields): void {
    if (this.active) this.#edits.add(fields);
  }

  setCookie(cookie: string): void {
    if (this.active) this.#edits.setCookie(cookie);
  }

  admit(caller: Caller): void {
    if (!this.active) return;
    this.caller = caller;
    this.#owner.callerKnown(caller);
  }

  endTrailers(): void {
    if (this.active) this.fieldsTaken = true;
  }

  hideQuery(): void {
    if (this.active) this.#owner.queryHidden();
  }

  change(change: HeadChange): void {
    if (!this.active) return;
    this.#head = copyOfHead(this.head, change);
    if (change.remove.length > 0) this.fieldsTaken = true;
    if (this.#wait.isHeld) this.#wait.hold(copyBytes(this.#head));
  }

  stickTo(hash: number | null): void {
    this.hash = hash;
  }

  keep(value: unknown): void {
    if (this.active) (this.#kept ??= new Map()).set(this.#steps[this.#at]!, value);
  }

  wait(cancel: () => void): Resume {
    if (!this.active) return unheard;
    this.spent = true;
    // Its bytes are the read buffer's: they are another request's soon.
    this.#head = copyOfHead(this.head, noChange);
    this.#wait.hold(copyBytes(this.#head));
    return this.#wait.begin(cancel, (verdict) => this.#resumed(verdict));
  }

  get hasRoomForBody(): boolean {
    return this.#worker.held.hasRoomFor(this.#owner.namespace, slabBytes);
  }

  awaitBody(mostBytes: number, taken: BodyTaker, full: "fail" | "take"): void {
    if (!this.#wait.isOn) return;
    this.#wait.awaitBody(mostBytes, taken, full === "take");
    this.#owner.bodyWanted();
  }

  seeBody(look: BodyLook): void {
    if (!this.active) return;
    if (this.#asked !== null) throw new Error("a step sees the body of this request already");
    this.#asked = { step: this.#steps[this.#at]!, body: new SeenBody(this.#worker, look) };
  }

  /** The exchange tells this body from here on; null: no step looks. */
  takeSeen(): SeenBody | null {
    const asked = this.#asked;
    this.#asked = null;
    return asked === null ? null : asked.body;
  }

  /** The look of a step of an earlier Route sees nothing of the request, but that of the step that had this one looked for; `asker` null: none does. */
  #dropLook(asker: Step | null): void {
    const asked = this.#asked;
    if (asked === null || asked.step === asker) return;
    this.#asked = null;
    asked.body.ended("cut", null);
  }

  /** The body, or its beginning, has come: whoever waits for it is told. */
  giveBody(body: Buffer, whole: boolean): void {
    if (!this.#wait.giveBody(body, whole)) this.#owner.stepDecided(fault, this.head);
  }

  #resumed(verdict: Verdict): void {
    const { turn } = this.#wait;
    try {
      if (!this.#decides(this.#steps[this.#at]!, verdict)) {
        const moved = this.#owner.memberNow(this.head);
        if (moved !== null) this.#follow(moved);
        this.#run();
      }
      // Not where the exchange has ended meanwhile and serves another request, or another step waits.
      if (turn === this.#wait.turn) this.#owner.stepsResumed();
    } catch (error) {
      this.#worker.faulted(error);
      if (this.active) this.#owner.stepDecided(fault, this.head);
    }
  }

  /** The head of the upstream's final answer. False: a step has failed, and with it the request. */
  answered(head: ResponseHead): boolean {
    try {
      for (let at = 0; at <= this.#at; at++) {
        const step = this.#steps[at]!;
        if (step.answered !== null) step.answered(head, this, this.#kept?.get(step));
      }
      // Of the Route before; what it said of the answer holds still.
      const asker = this.#asker;
      if (asker !== null && asker.answered !== null && !this.#steps.includes(asker))
        asker.answered(head, this, this.#kept?.get(asker));
      return true;
    } catch (error) {
      this.#worker.stepFaulted(error);
      return false;
    }
  }

  /** Nobody waits for the step any longer. */
  cancel(): void {
    this.#wait.end();
  }

  /** The exchange is over: steps that have seen it are told, and everything of it is let go. */
  end(end: ExchangeEnd, model: ModelEnd): void {
    this.active = false;
    this.fieldsTaken = false;
    this.#wait.end();
    this.#wait.hold(0);
    this.#dropLook(null);
    const seen = new Set([...this.#earlier, ...this.#steps.slice(0, this.#at + 1)]);
    const kept = this.#kept;
    this.#steps = [];
    this.#earlier = [];
    this.#at = -1;
    this.#asker = null;
    this.#kept = null;
    if (!this.spent) {
      this.#head = null;
      this.#shared = null;
    }
    for (const step of seen) this.#tellEnd(step, end, kept?.get(step), model);
  }

  #tellEnd(step: Step, end: ExchangeEnd, kept: unknown, model: ModelEnd): void {
    try {
      if (step.ended !== null) step.ended(end, kept, model);
    } catch (error) {
      this.#worker.stepFaulted(error);
    }
  }
}

type Failed = Extract<Verdict, { kind: "fail" }>;
const unheard = (): void => undefined;
const fault: Failed = Object.freeze({ kind: "fail", failure: failures.fault, detail: "" });
