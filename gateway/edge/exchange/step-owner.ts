// StepOwner: whose request passes steps, what it gives them to see, and what it is told.
import type { JsonPath } from "../../../routing/text/json-path.ts";
import type { Caller } from "../identity/verifier.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { FeedbackNote, FeedbackWay, Step, Verdict } from "../steps/step.ts";

/** What becomes of a request after its steps. */
export interface StepOwner {
  /** Of its Route; "": it has none. */
  readonly namespace: string;
  /** One of them has found who calls. */
  callerKnown(caller: Caller): void;
  /** The query is told to nobody. */
  queryHidden(): void;
  /** Where its sticky key falls; `noKey`: it has none. */
  readonly stickyPoint: number;
  /** Its Route has other live members. */
  readonly hasOtherMembers: boolean;
  /** It is the member's that one of these puids names, else that of `memberNow`. */
  turnTo(puids: readonly string[], head: WireRequestHead): TurnedSteps;
  /** A step has waited, and its member is not ready any more: it is another one's of the same object, where the Route has one; null: it stays. */
  memberNow(head: WireRequestHead): MemberSteps | null;
  /** Of the member that it has now: where feedback has its reward. */
  readonly rewardPath: JsonPath | null;
  /** Counted where a model answers with success. */
  feedbackKnown(note: FeedbackNote): void;
  /** All said go on: it is forwarded. */
  stepsPassed(head: WireRequestHead): void;
  /** One of them answered, failed, or changed what routing reads: `head` is then the changed one. */
  stepDecided(verdict: Exclude<Verdict, { kind: "go-on" | "choose" }>, head: WireRequestHead): void;
  /**
   * Who calls is known, and may choose among the members of the Route. The steps of the member that was chosen, which are asked anew; "stays": it is the one
   * that the request has.
   */
  clientChosen(client: string, head: WireRequestHead): readonly Step[] | null | "stays";
  /** One of them waited and no longer does: what was held back of the request may go on. */
  stepsResumed(): void;
  /** One of them waits for the body (`bodyBound`, `giveBody`). */
  bodyWanted(): void;
}

/** Steps of the member that a request has now. */
export interface MemberSteps {
  readonly steps: readonly Step[];
  /** Another object declares it than the one before. */
  readonly ofOther: boolean;
}

export interface TurnedSteps extends MemberSteps {
  readonly way: FeedbackWay;
}

/** The facts of a request that its steps share. */
export interface StepFacts {
  readonly facts: ClientFacts;
  readonly secure: boolean;
  readonly bodyBytes: number;
}
