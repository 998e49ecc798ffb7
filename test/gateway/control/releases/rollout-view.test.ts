// What a rollout waits for, in words.
import { expect, test } from "vitest";
import { rolloutView } from "../../../../gateway/control/releases/rollout-view.ts";
import { rolloutLines } from "../../../../gateway/tools/releases/rollout-lines.ts";
import { digestOfArms } from "../../../../k8s/translate/deployments/model-digest.ts";
import { readRolloutPlan } from "../../../../release/rollout/plan.ts";

const read = readRolloutPlan("canary");

test("one that stopped says whether its predictors keep their shares", () => {
  const ref = { kind: "SeldonDeployment", namespace: "prod", name: "iris" };
  const arms = ["main", "canary"];
  const entry = { kind: "rollout", state: "promoted", shares: { canary: 100 }, step: 4, sinceMs: 0, why: "" };
  const of = (model: string): string =>
    rolloutView(
      { ref, arms, plan: { kind: "stopped", why: "its annotation cannot be read", models: ["main", model] } } as never,
      { ...entry, models: digestOfArms(arms, ["main", "canary"], ["canary"]) } as never,
      null,
    ).sentence;
  expect(of("canary")).toMatch(/Each predictor keeps its share\.$/);
  expect(of("other")).toMatch(/The model is another one, and gets no share that the one before it had reached\.$/);
});

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
