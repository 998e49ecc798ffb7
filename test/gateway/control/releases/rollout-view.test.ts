// What a rollout waits for, in words.
import { expect, test } from "vitest";
import { rolloutView } from "../../../../gateway/control/releases/rollout-view.ts";
import { rolloutLines } from "../../../../gateway/tools/releases/rollout-lines.ts";
import { readRolloutPlan } from "../../../../release/rollout/plan.ts";

const read = readRolloutPlan("canary");

test("one that is promoted waits for a person", () => {
  const release = {
    ref: { kind: "SeldonDeployment", namespace: "prod", name: "iris" },
    plan: { kind: "rollout", plan: "plan" in read ? read.plan : null },
  };
  const entry = { state: "promoted", shares: { canary: 100 }, step: 4, sinceMs: 0, why: "canary is promoted." };
  expect(rolloutLines(rolloutView(release as never, entry as never, null)).at(-1)).toBe(
    "  waits for you to make it permanent: write traffic: 100 for canary and traffic: 0 for the others in the spec, then remove sluice.io/rollout",
  );
});
