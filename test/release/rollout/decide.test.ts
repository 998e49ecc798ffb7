import { expect, test } from "vitest";
import {
  decideRollout,
  type GateStanding,
  maxLookMs,
  type RolloutDecision,
  type RolloutLook,
} from "../../../release/rollout/decide.ts";
import { readRolloutPlan } from "../../../release/rollout/plan.ts";
import { firstState } from "../../../release/rollout/state.ts";

const read = readRolloutPlan("canary");
if ("mistake" in read) throw new Error(read.mistake);

test("what is blocked stays where it is and says why", () => {
  const look: RolloutLook = {
    elapsedMs: maxLookMs,
    instances: {},
    wanted: "none",
    blocked: "Replica a does not answer.",
  };
  const decision: RolloutDecision = decideRollout(read.plan, firstState, look);
  const standings: readonly GateStanding[] = decision.gates;
  expect([decision.verdict, decision.share, decision.sentence]).toEqual(["wait", 1, "Replica a does not answer."]);
  expect(standings.some(({ standing }) => standing === "broken")).toBe(false);
});
